"""Instruments and prices."""

import asyncio
import datetime as dt
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from assetmix.api.body import accepted_type, parse, read_json, spooled
from assetmix.api.deps import InHouse, Reader, Writer, most_bytes
from assetmix.api.dialects.native import reading, writing
from assetmix.api.dialects.native.schemas import INSTRUMENTS, PRICES
from assetmix.api.openapi import accepts
from assetmix.api.paging import DEFAULT, after, clamp, page
from assetmix.marketdata.csv_source import lines_in, read_csv
from assetmix.marketdata.rows import PriceRow, Source
from assetmix.marketdata.workbook import PARQUET, XLSX, Unfolding
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
    media_type = accepted_type(request, MEDIA_TYPES)
    async with spooled(request, most_bytes(inside, data=True)) as file, price_upload.ROOM:
        with ExitStack() as stack:
            source = await _source(file, media_type, stack)
            return writing.write_prices(await price_upload.put_prices(inside, caller, source, dry_run=dry_run))


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


async def _source(file: Path, media_type: str, stack: ExitStack) -> Source:
    if media_type == "application/json":
        body = await parse(PRICES, await asyncio.to_thread(file.read_bytes))
        return Source(_once(await asyncio.to_thread(reading.read_prices, body)))
    if media_type == "text/csv":
        return Source(read_csv(lines_in(stack.enter_context(file.open(encoding="utf-8", newline="")))))
    unfolding = Unfolding(file, media_type)
    stack.callback(unfolding.stop)
    return Source(read_csv(unfolding.lines()), unfolding.stop)


def _once(rows: list[PriceRow]) -> Generator[list[PriceRow], None, None]:
    yield rows
