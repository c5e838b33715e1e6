"""Prices in every form that they may come in: CSV, workbooks, Parquet; stored whole or not at all."""

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from typing import Any

import httpx
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assetmix.marketdata.workbook import PARQUET, XLSX

DAYS = [dt.date(2024, 1, 2) + dt.timedelta(days=i) for i in range(4)]
LONG = [
    ("date", "instrument", "close", "volume"),
    (DAYS[0], "A", 10.5, 1000),
    (DAYS[1], "A", 11, None),
    (DAYS[0], "B", 3, 5),
]
WIDE = [("date", "A", "B"), (DAYS[0], 10.5, 3), (DAYS[1], 11, None)]


@pytest.fixture
def known(client: httpx.Client) -> httpx.Client:
    instruments = [{"id": key, "currency": "USD"} for key in ("A", "B", "US0378331005", "US0378331006")]
    client.put("/v1/instruments", json={"instruments": instruments}).raise_for_status()
    return client


def put(client: httpx.Client, content: bytes | str, media_type: str = "text/csv", **query: Any) -> httpx.Response:
    return client.put("/v1/prices", content=content, params=query, headers={"Content-Type": media_type})


def workbook(rows: list[tuple[Any, ...]]) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.create_sheet("notes").append(["not a price"])
    book.save(file)
    return file.getvalue()


def parquet(rows: list[tuple[Any, ...]]) -> bytes:
    file = io.BytesIO()
    columns = dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True))
    pq.write_table(pa.table({name: list(values) for name, values in columns.items()}), file)
    return file.getvalue()


def csv(rows: list[tuple[Any, ...]]) -> bytes:
    return "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in rows).encode()


@pytest.mark.parametrize("rows", [LONG, WIDE], ids=["long", "wide"])
@pytest.mark.parametrize(
    ("write", "media_type"), [(csv, "text/csv"), (workbook, XLSX), (parquet, PARQUET)], ids=["csv", "xlsx", "parquet"]
)
def test_the_same_table_in_every_form_is_the_same(
    known: httpx.Client, write: Callable[[list[tuple[Any, ...]]], bytes], media_type: str, rows: list[tuple[Any, ...]]
) -> None:
    response = put(known, write(rows), media_type)

    assert response.status_code == 200, response.text
    assert response.json() == {"rows": 3, "inserted": 3, "updated": 0, "warnings": []}
    stored = known.get("/v1/prices/A").json()["prices"]
    assert [(one["date"], one["close"]) for one in stored] == [("2024-01-02", 10.5), ("2024-01-03", 11.0)]
    assert [one["close"] for one in known.get("/v1/prices/B").json()["prices"]] == [3.0]


def test_a_rehearsal_says_what_is_odd_and_writes_nothing(known: httpx.Client) -> None:
    put(known, csv(WIDE)).raise_for_status()
    table = [
        ("date", "instrument", "close"),
        (DAYS[0], "A", 10.5),  # stored already
        (DAYS[1], "A", 12),  # another price than is stored
        (DAYS[2], "A", 13),
        (DAYS[0], "B", 3),
        (DAYS[2], "B", 4),  # B lacks the second day
        (DAYS[2], "NOBODY", 1),
        (DAYS[3], "US0378331006", 1),
        (DAYS[3], "US0378331005", 1),
        (DAYS[3], "US0378331005", 2),
    ]

    rehearsed = put(known, csv(table), dry_run=True)
    real = put(known, csv(table))

    assert rehearsed.json() == {
        "rows": 9,
        "inserted": 6,
        "updated": 1,
        "warnings": [
            "no instrument NOBODY",
            "two prices on one day: US0378331005 2024-01-05",
            "days of others without a price: B 1",
            "the check digit of this ISIN is wrong: US0378331006",
        ],
    }
    assert real.status_code == 422
    assert [one["close"] for one in known.get("/v1/prices/A").json()["prices"]] == [10.5, 11.0]


def test_a_large_table_is_stored_whole_or_not_at_all(known: httpx.Client) -> None:
    days = [dt.date(1990, 1, 1) + dt.timedelta(days=i) for i in range(30_000)]
    lines = [f"{day},A,{1 + i % 7}\n" for i, day in enumerate(days)]
    broken = [*lines[:-1], f"{days[-1]},A,0\n"]

    refused = put(known, "date,instrument,close\n" + "".join(broken))
    nothing = known.get("/v1/prices/A").json()["prices"]
    taken = put(known, "date,instrument,close\n" + "".join(lines))

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/prices/29999/close")
    assert nothing == []
    assert taken.json() == {"rows": 30_000, "inserted": 30_000, "updated": 0, "warnings": []}


HEAD = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    '<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>'
)


def test_what_stands_beside_a_table_is_not_left_out(known: httpx.Client) -> None:
    beside = workbook([("date", "A", "B"), (DAYS[0], 1.5, 2.5, 3.5)])
    upside_down = parquet([("close", "instrument", "date"), (1.5, "A", DAYS[0])])

    refused = put(known, beside, XLSX)
    taken = put(known, upside_down, PARQUET)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/line/2")
    assert taken.json()["inserted"] == 1


def test_a_line_without_end_is_refused(known: httpx.Client) -> None:
    response = put(known, b"date," + b"," * (3 * 2**20))

    assert (response.status_code, response.json()["type"]) == (400, "/problems/malformed-csv")


def test_a_rehearsal_counts_exchange_rates_too(known: httpx.Client) -> None:
    table = [("date", "instrument", "close", "quote"), (DAYS[0], "$EUR", 1.1, "USD"), (DAYS[1], "$EUR", 1.2, "USD")]
    put(known, csv(table[:2])).raise_for_status()

    rehearsed = put(known, csv([table[0], (DAYS[0], "$EUR", 1.3, "USD"), table[2], table[2]]), dry_run=True).json()

    assert (rehearsed["inserted"], rehearsed["updated"]) == (1, 1)
    assert rehearsed["warnings"] == ["two prices on one day: $EUR in USD 2024-01-03"]


def bomb() -> bytes:
    """A workbook of a few kilobytes whose one sheet unfolds to a gigabyte."""
    file = io.BytesIO(workbook(LONG))
    with zipfile.ZipFile(file) as plain:
        parts = {name: plain.read(name) for name in plain.namelist()}
    grown = io.BytesIO()
    with zipfile.ZipFile(grown, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name, content in parts.items():
            if not name.endswith("sheet1.xml"):
                packed.writestr(name, content)
        with packed.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(HEAD.encode())
            for _ in range(1024):
                sheet.write(b"x" * 2**20)
            sheet.write(b"</t></is></c></row></sheetData></worksheet>")
    return grown.getvalue()


@pytest.mark.parametrize(
    ("content", "media_type"),
    [(b"PK\x03\x04 nothing of the kind", XLSX), (b"PAR1 nothing of the kind PAR1", PARQUET), (b"", XLSX)],
    ids=["xlsx", "parquet", "empty"],
)
def test_a_file_that_is_none_is_refused(known: httpx.Client, content: bytes, media_type: str) -> None:
    response = put(known, content, media_type)

    assert (response.status_code, response.json()["type"]) == (400, "/problems/malformed-table")
    assert "save it again" in response.json()["detail"]


def test_a_file_that_unfolds_without_end_takes_nothing_down(known: httpx.Client) -> None:
    response = put(known, bomb(), XLSX)

    assert response.status_code in {400, 422}
    assert known.get("/readyz").status_code == 200
