"""Writes a workbook or a Parquet file as CSV: the process that `workbook` starts."""

import csv
import datetime as dt
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from assetmix.marketdata.workbook import MOST_COLUMNS, MOST_LINES, PARQUET, XLSX, limit

ROWS = 65_536


def main() -> int:
    """Write the table to standard output; 1 where it cannot be read."""
    limit()
    media_type, file = sys.argv[1:]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for row in islice(READERS[media_type](file), MOST_LINES):
        writer.writerow([_text(cell) for cell in row])
    return 0


def _workbook(file: str) -> Iterator[Sequence[object]]:
    import openpyxl  # noqa: PLC0415 - only one of the two libraries is needed

    book = Path(file).open("rb")  # noqa: SIM115 - read until this process ends; a name would have to end in .xlsx
    sheet = openpyxl.load_workbook(book, read_only=True, data_only=True, keep_links=False).worksheets[0]
    rows = sheet.iter_rows(max_col=MOST_COLUMNS, values_only=True)
    header = _trimmed(next(rows, ()))
    yield header
    for row in sheet.iter_rows(min_row=2, max_col=max(len(header), 1), values_only=True):
        if any(cell is not None for cell in row):
            yield row


def _trimmed(header: Sequence[object]) -> Sequence[object]:
    width = max((place for place, cell in enumerate(header, 1) if cell is not None), default=0)
    return header[:width]


def _parquet(file: str) -> Iterator[Sequence[object]]:
    import pyarrow as pa  # noqa: PLC0415 - only one of the two libraries is needed
    import pyarrow.parquet as pq  # noqa: PLC0415 - see above

    pa.set_cpu_count(1)
    table = pq.ParquetFile(file, memory_map=False)
    yield table.schema_arrow.names
    for batch in table.iter_batches(ROWS, use_threads=False):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _text(cell: object) -> str:
    match cell:
        case None:
            return ""
        case dt.datetime():
            return cell.date().isoformat()
        case dt.date():
            return cell.isoformat()
        case float():
            return repr(cell)
        case _:
            return str(cell)


READERS: Mapping[str, Callable[[str], Iterator[Sequence[object]]]] = {XLSX: _workbook, PARQUET: _parquet}

if __name__ == "__main__":
    sys.exit(main())
