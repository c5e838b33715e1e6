"""Writes a workbook or a Parquet file as CSV: the process that `workbook` starts."""

import csv
import datetime as dt
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from assetmix.marketdata.rows import MOST_COLUMNS, MOST_ROWS
from assetmix.marketdata.workbook import PARQUET, XLSX, limit

ROWS = 65_536
FIRST = {"date": 0, "instrument": 1}
"""Columns that CSV has first, wherever a Parquet file has them."""


def main() -> int:
    """Write the table to standard output; 1 where it cannot be read."""
    limit()
    media_type, file = sys.argv[1:]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for number, row in enumerate(READERS[media_type](file)):
        if number > MOST_ROWS or len(row) > MOST_COLUMNS:
            return 1
        writer.writerow([_text(cell) for cell in row])
    return 0


def _workbook(file: str) -> Iterator[Sequence[object]]:
    import openpyxl  # noqa: PLC0415 - only one of the two libraries is needed

    with Path(file).open("rb") as book:  # a name would have to end in .xlsx
        sheet = openpyxl.load_workbook(book, read_only=True, data_only=True, keep_links=False).worksheets[0]
        header = _trimmed(next(sheet.iter_rows(max_row=1, values_only=True), ()))
        yield header
        # one cell more than the header has, so that what stands beside the table is refused and not left out
        for row in sheet.iter_rows(min_row=2, max_col=len(header) + 1, values_only=True):
            if any(cell is not None for cell in row):
                yield row[:-1] if row[-1] is None else row


def _trimmed(header: Sequence[object]) -> Sequence[object]:
    width = max((place for place, cell in enumerate(header, 1) if cell is not None), default=0)
    return header[:width]


def _parquet(file: str) -> Iterator[Sequence[object]]:
    import pyarrow as pa  # noqa: PLC0415 - only one of the two libraries is needed
    import pyarrow.parquet as pq  # noqa: PLC0415 - see above

    pa.set_cpu_count(1)
    table = pq.ParquetFile(file, memory_map=False)
    names = table.schema_arrow.names
    order = sorted(range(len(names)), key=lambda place: FIRST.get(names[place].lower(), len(FIRST)))
    yield [names[place] for place in order]
    for batch in table.iter_batches(ROWS, use_threads=False):
        yield from zip(*(batch.columns[place].to_pylist() for place in order), strict=True)


def _text(cell: object) -> str:
    match cell:
        case None:
            return ""
        case float():
            return "" if math.isnan(cell) else repr(cell)
        case bytes():
            return cell.decode("utf-8")
        case _:
            day = cell.date() if isinstance(cell, dt.datetime) else cell
            return str(day)


READERS: Mapping[str, Callable[[str], Iterator[Sequence[object]]]] = {XLSX: _workbook, PARQUET: _parquet}

if __name__ == "__main__":
    sys.exit(main())
