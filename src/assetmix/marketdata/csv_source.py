"""Prices from CSV text, long (`date,instrument,close[,…]`) or wide (`date,ID,ID,…`)."""

import csv
import datetime as dt
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TextIO

from assetmix.errors import Fault, InvalidRequest, Malformed
from assetmix.marketdata.rows import BATCH, MOST_COLUMNS, PriceRow

QUOTE = "quote"
OPTIONAL = ("adjusted_close", "open", "high", "low", "volume")
MOST_FAULTS = 20
LINES = 1_000
LONGEST_LINE = 2**20
"""Characters of a line; ten thousand columns have room in it."""


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def read_csv(lines: Iterable[str]) -> Generator[list[PriceRow], None, None]:
    """Give price rows in batches; empty cells of a wide table are days without a price.

    A long table with a column `quote` may hold exchange rates too.

    Raises
    ------
    Malformed
        for text that is not UTF-8, or holds what no table holds
    InvalidRequest
        naming line and column of every cell that cannot be read, twenty at most
    """
    try:
        yield from _read(csv.reader(_plain(lines)))
    except UnicodeDecodeError:
        raise _malformed("the text is not UTF-8; save the table as CSV UTF-8") from None
    except csv.Error as error:
        detail = "the text is not a table that can be read; save it as CSV UTF-8 with ordinary line ends"
        raise InvalidRequest(detail, [Fault("", "malformed-csv", detail)]) from error


def lines_in(file: TextIO) -> Iterator[str]:
    """Give the lines of a file, none of them so long that it would fill the memory.

    Raises
    ------
    Malformed
        for a longer one
    """
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise _malformed(f"a line has more than {LONGEST_LINE} characters; save the table with a line for each row")
        yield line


def _plain(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if "\x00" in line:
            raise _malformed("the text holds the character U+0000; save the table as CSV UTF-8")
        yield line if number else line.removeprefix("\ufeff")


def _malformed(detail: str) -> Malformed:
    return Malformed(detail, [Fault("", "malformed-csv", detail)])


def _read(lines: Iterator[list[str]]) -> Iterator[list[PriceRow]]:
    header = [name.strip() for name in next(lines, [])]
    if not header or header[0].lower() != "date":
        detail = "the first line names the columns and begins with date: date,instrument,close or date,ID,ID"
        raise InvalidRequest(detail, [Fault("/line/1", "invalid-header", detail)])
    is_long = len(header) > 1 and header[1].lower() == "instrument"
    columns = [name.lower() for name in header] if is_long else header
    if len(set(columns)) < len(columns) or len(columns) > MOST_COLUMNS:
        detail = f"two columns have the same name, or there are more than {MOST_COLUMNS}; keep one, or load it in parts"
        raise InvalidRequest(detail, [Fault("/line/1", "invalid-header", detail)])
    reader = _Reader(columns)
    batch: list[PriceRow] = []
    for number, rows in enumerate((reader.long if is_long else reader.wide)(lines)):
        batch += rows
        # a sparse table gives empty batches, so that whoever waits sees that it goes on
        if len(batch) >= BATCH or number % LINES == 0:
            yield batch
            batch = []
    if reader.faults:
        raise InvalidRequest("some cells cannot be read", reader.faults[:MOST_FAULTS])
    yield batch


class _Reader:
    def __init__(self, header: list[str]) -> None:
        self._header = header
        self.faults: list[Fault] = []
        unknown = [name for name in header[2:] if name not in ("close", QUOTE, *OPTIONAL)]
        if "instrument" in header[1:2] and ("close" not in header or unknown):
            detail = f"a long table has the columns date,instrument,close and any of {', '.join([*OPTIONAL, QUOTE])}"
            self.faults.append(Fault("/line/1", "invalid-header", detail))

    def long(self, lines: Iterator[list[str]]) -> Iterator[list[PriceRow]]:
        for number, cells in self._numbered(lines):
            named = list(zip(self._header[2:], cells[2:], strict=True))
            figures = {name: self._figure(number, name, cell) for name, cell in named if name != QUOTE}
            quote = tuple(cell.strip() for name, cell in named if name == QUOTE and cell.strip())
            day = self._date(number, cells[0])
            close = figures.get("close")
            if close is None:
                self._fault(number, "close", "a close is needed on every line")
            elif day is not None:
                rest = (figures.get(name) for name in OPTIONAL)
                yield [(cells[1].strip(), day, close, *rest, *quote)]  # type: ignore[list-item]  # starred tuples

    def wide(self, lines: Iterator[list[str]]) -> Iterator[list[PriceRow]]:
        for number, cells in self._numbered(lines):
            day = self._date(number, cells[0])
            closes = [
                (key, self._figure(number, key, cell)) for key, cell in zip(self._header[1:], cells[1:], strict=True)
            ]
            if day is not None:
                yield [(key, day, close, None, None, None, None, None) for key, close in closes if close is not None]

    def _numbered(self, lines: Iterator[list[str]]) -> Iterator[tuple[int, Sequence[str]]]:
        for number, cells in enumerate(lines, start=2):
            if len(self.faults) >= MOST_FAULTS:
                return
            if not cells:
                continue
            if len(cells) != len(self._header):
                self._fault(number, "", f"{len(cells)} cells under {len(self._header)} columns")
                continue
            yield number, cells

    def _date(self, number: int, cell: str) -> dt.date | None:
        if _DATE.fullmatch(cell.strip()):
            with suppress(ValueError):
                return dt.date.fromisoformat(cell.strip())
        self._fault(number, "date", "a date reads 2022-12-28")
        return None

    def _figure(self, number: int, column: str, cell: str) -> float | None:
        if not cell.strip():
            return None
        if _NUMBER.fullmatch(cell.strip()):
            return float(cell)
        self._fault(number, column, "a price is a number with a point, without thousands separators")
        return None

    def _fault(self, number: int, column: str, detail: str) -> None:
        pointer = f"/line/{number}/{column}" if column else f"/line/{number}"
        self.faults.append(Fault(pointer, "invalid-cell", detail))
