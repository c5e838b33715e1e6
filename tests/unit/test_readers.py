"""Files that unfold to too much are refused whole, and a reader that is waited for no longer ends."""

import asyncio
import datetime as dt
import resource
import threading
from collections.abc import Generator
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.requests import Request

from assetmix.api.body import spooled
from assetmix.api.problems import Problem
from assetmix.domain.isin import is_misprinted_isin
from assetmix.marketdata import unfold
from assetmix.marketdata.rows import PriceRow, Source
from assetmix.marketdata.workbook import PARQUET, XLSX
from assetmix.services import price_upload

DAY = dt.date(2024, 1, 2)


def unfolded(monkeypatch: pytest.MonkeyPatch, media_type: str, file: Path) -> int:
    monkeypatch.setattr(unfold, "limit", lambda: None)  # the limits would be those of the tests' own process
    monkeypatch.setattr("sys.argv", ["unfold", media_type, str(file)])
    return unfold.main()


@pytest.mark.parametrize(("rows", "code"), [(3, 0), (4, 1)])
def test_a_file_of_too_many_rows_is_refused_and_not_cut(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rows: int, code: int
) -> None:
    monkeypatch.setattr(unfold, "MOST_ROWS", 3)
    pq.write_table(pa.table({"date": [DAY] * rows, "A": [1.5] * rows}), tmp_path / "file")

    assert unfolded(monkeypatch, PARQUET, tmp_path / "file") == code


@pytest.mark.parametrize(("columns", "code"), [(4, 0), (5, 1)])
def test_a_file_of_too_many_columns_is_refused_and_not_cut(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, columns: int, code: int
) -> None:
    monkeypatch.setattr(unfold, "MOST_COLUMNS", 4)
    book = openpyxl.Workbook()
    book.active.append(["date", *(f"I{i}" for i in range(columns - 1))])
    book.active.append([DAY, *([1.0] * (columns - 1))])
    book.save(tmp_path / "file.xlsx")

    assert unfolded(monkeypatch, XLSX, tmp_path / "file.xlsx") == code


def test_cells_are_written_as_csv_has_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noon = dt.datetime(2024, 1, 2, 12, tzinfo=dt.UTC)
    columns = {"instrument": [b"A", b"B"], "date": [noon, noon], "close": [0.1, float("nan")]}
    pq.write_table(pa.table(columns), tmp_path / "file")

    assert unfolded(monkeypatch, PARQUET, tmp_path / "file") == 0
    assert capsys.readouterr().out == "date,instrument,close\n2024-01-02,A,0.1\n2024-01-02,B,\n"


async def test_a_reader_that_is_waited_for_no_longer_has_ended_before_anybody_goes_on() -> None:
    told, asleep = threading.Event(), threading.Event()

    def batches() -> Generator[list[PriceRow], None, None]:
        asleep.set()
        assert told.wait(20)
        yield []

    source = Source(batches(), told.set)
    waiting = asyncio.create_task(price_upload._asked(source, price_upload._Seen()))
    await asyncio.to_thread(asleep.wait, 20)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert told.is_set()
    source.batches.close()  # would say that it is running still


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("US0378331005", False),  # Apple, as on its prospectus
        ("US0378331006", True),
        ("AU0000XVGZA3", False),  # the worked example of the numbering agency
        ("DE0007164600", False),  # SAP
        ("DE0007164601", True),
        ("AAPL", False),
    ],
)
def test_check_digits_of_isins(text: str, wrong: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert is_misprinted_isin(text) is wrong


async def test_a_body_for_which_there_is_no_room_is_to_be_sent_again() -> None:
    sent = {"type": "http.request", "body": b"x" * 2**16, "more_body": False}

    async def receive() -> dict[str, object]:
        return sent

    request = Request({"type": "http", "method": "PUT", "headers": []}, receive)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))  # the same error as a full disk gives, but its number
    try:
        with pytest.raises(Problem) as refused:
            async with spooled(request, 2**20):
                raise AssertionError
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "2")
