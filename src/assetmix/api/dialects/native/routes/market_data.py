"""Instruments and prices."""

import datetime as dt
from collections.abc import Generator
from contextlib import AsyncExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from assetmix.api.body import accepted_type, parse, read_body, read_json, spooled
from assetmix.api.deps import InHouse, Reader, Writer, most_bytes
from assetmix.api.dialects.native import reading, writing
from assetmix.api.dialects.native.schemas import INSTRUMENTS, PRICES
from assetmix.api.openapi import accepts
from assetmix.api.paging import DEFAULT, after, clamp, page
from assetmix.marketdata.csv_source import read_csv
from assetmix.marketdata.rows import PriceRow
from assetmix.marketdata.workbook import PARQUET, XLSX, lines_of
from assetmix.services import market_data, price_upload

router = APIRouter()

MEDIA_TYPES = ("application/json", "text/csv", XLSX, PARQUET)
MOST_DAYS = 20_000


@router.put("/instruments", openapi_extra=accepts("Instruments", INSTRUMENTS))
async def put_instruments(request: Request, inside: InHouse, caller: Writer) -> dict[str, int]:
    """Create or replace instruments, all of them or none."""
    body = await read_json(request, INSTRUMENTS, most_bytes(inside))
    return writing.write_change(await market_data.put_instruments(inside, caller, body.instruments))


@router.get("/instruments")
async def list_instruments(
    inside: InHouse, caller: Reader, limit: int = DEFAULT, cursor: str | None = None
) -> dict[str, Any]:
    """List instruments by id."""
    size = clamp(limit)
    found = await market_data.list_instruments(inside, caller, after(cursor, "instruments", ""), size)
    items = [writing.write_instrument(one) for one in found]
    return page(items, size, "instruments", items[-1]["id"] if items else "")


@router.get("/instruments/{instrument}")
async def get_instrument(instrument: str, inside: InHouse, caller: Reader) -> dict[str, Any]:
    """Give one instrument."""
    return writing.write_instrument(await market_data.get_instrument(inside, caller, instrument))


@router.put("/prices", openapi_extra=accepts("Prices", PRICES, *MEDIA_TYPES[1:]))
async def put_prices(request: Request, inside: InHouse, caller: Writer, *, dry_run: bool = False) -> dict[str, Any]:
    """Insert or replace prices and exchange rates, all of them or none.

    JSON, or a table as CSV, Excel workbook (its first sheet) or Parquet: long (date, instrument, close, ...) or
    wide (date and a column an instrument). With `dry_run` nothing is written: the answer counts what would be, and
    warns of unknown ids, days given twice, days that others have, and check digits of ISINs.
    """
    async with AsyncExitStack() as stack:
        batches = await _batches(request, inside, stack)
        return writing.write_prices(await price_upload.put_prices(inside, caller, batches, dry_run=dry_run))


@router.get("/prices/{instrument}")
async def get_prices(
    instrument: str,
    inside: InHouse,
    caller: Reader,
    start: Annotated[dt.date, Query(alias="from")] = dt.date.min,
    to: dt.date = dt.date.max,
) -> dict[str, Any]:
    """Give the stored prices of one instrument, or the rates of one currency (`$EUR`), oldest first."""
    rows = await market_data.get_prices(inside, caller, instrument, (start, to), MOST_DAYS)
    return {"instrument": instrument, "prices": [writing.write_price(row) for row in rows]}


async def _batches(request: Request, inside: InHouse, stack: AsyncExitStack) -> Generator[list[PriceRow], None, None]:
    media_type, most = accepted_type(request, MEDIA_TYPES), most_bytes(inside, data=True)
    if media_type == "application/json":
        _, body = await read_body(request, MEDIA_TYPES, most)
        return _once(reading.read_prices(await parse(PRICES, body)))
    file = await stack.enter_async_context(spooled(request, most))
    if media_type == "text/csv":
        return read_csv(stack.enter_context(file.open(encoding="utf-8", newline="")))
    return read_csv(lines_of(file, media_type))


def _once(rows: list[PriceRow]) -> Generator[list[PriceRow], None, None]:
    yield rows
