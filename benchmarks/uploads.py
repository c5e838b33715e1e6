"""A million rows of prices in one request: rows a second, and the memory that it takes.

Run by `make bench`. The rows are 500 instruments on 2,000 days; they are loaded as CSV into an
empty history, again (nothing changes), and as Parquet. Memory is the most that the API process
ever had, less what it had before.
"""

import datetime as dt
import io
import os
import sys
import time
from pathlib import Path

import httpx
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from assetmix.marketdata.workbook import PARQUET
from benchmarks.records import Record, keep, show
from tests.service import running_service

INSTRUMENTS = 500
DAYS = int(os.environ.get("DAYS", "2000"))
MEGABYTE = 2**20


def main() -> int:
    console = Console(width=100)
    ids = [f"I{number:03d}" for number in range(INSTRUMENTS)]
    days = [dt.date(2010, 1, 1) + dt.timedelta(days=n) for n in range(DAYS)]
    rows = [(day, key, 50 + (7 * n + 13 * m) % 1000 / 10) for n, day in enumerate(days) for m, key in enumerate(ids)]
    text = "".join(["date,instrument,close\n", *(f"{day},{key},{close}\n" for day, key, close in rows)]).encode()
    table, file = (
        pa.table(dict(zip(("date", "instrument", "close"), map(list, zip(*rows, strict=True)), strict=True))),
        io.BytesIO(),
    )
    pq.write_table(table, file)
    records = []
    with running_service() as service:
        api = psutil.Process(service.supervisor.pid("api"))
        with service.client("uploads") as client:
            client.timeout = 600
            instruments = [{"id": key, "currency": "USD"} for key in ids]
            client.put("/v1/instruments", json={"instruments": instruments}).raise_for_status()
            before = api.memory_info().rss
            for name, content, media_type, inserted in (
                ("CSV", text, "text/csv", len(rows)),
                ("the same CSV again", text, "text/csv", 0),
                ("Parquet", file.getvalue(), PARQUET, 0),
            ):
                seconds = load(client, content, media_type, (len(rows), inserted))
                peak = int(Path(f"/proc/{api.pid}/status").read_text("utf-8").split("VmHWM:")[1].split()[0]) * 1024
                records.append((name, len(rows) / seconds, (peak - before) / MEGABYTE))
    report(records, len(rows), console)
    return 0


def load(client: httpx.Client, content: bytes, media_type: str, expected: tuple[int, int]) -> float:
    started = time.perf_counter()
    answer = client.put("/v1/prices", content=content, headers={"Content-Type": media_type}).raise_for_status().json()
    assert (answer["rows"], answer["inserted"]) == expected, answer
    return time.perf_counter() - started


def report(measured: list[tuple[str, float, float]], rows: int, console: Console) -> None:
    records = [
        Record(f"prices as {name}, {what}", value, unit)
        for name, rate, memory in measured
        for what, value, unit in (("speed", rate, "rows/s"), ("memory beyond", memory, "MB"))
    ]
    show(console, f"{rows:,} rows of prices in one request", records)
    keep("uploads", records)


if __name__ == "__main__":
    sys.exit(main())
