"""Instruments and prices."""

import asyncio
import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from assetmix.api.body import parse, read_body, read_json
from assetmix.api.deps import InHouse, Reader, Writer, most_bytes
from assetmix.api.dialects.native import reading, writing
from assetmix.api.dialects.native.schemas import INSTRUMENTS, PRICES
from assetmix.api.openapi import accepts
from assetmix.api.paging import DEFAULT, after, clamp, page
from assetmix.api.problems import Problem
from assetmix.marketdata.csv_source import PriceRow, read_csv
from assetmix.services import market_data

router = APIRouter()

MEDIA_TYPES = ("application/json", "text/csv")
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


@router.put("/prices", openapi_extra=accepts("Prices", PRICES, "text/csv"))
async def put_prices(request: Request, inside: InHouse, caller: Writer, *, dry_run: bool = False) -> dict[str, Any]:
    """Insert or replace prices and exchange rates, all of them or none; CSV long or wide, or JSON."""
    media_type, body = await read_body(request, MEDIA_TYPES, most_bytes(inside, data=True))
    rows = await _rows(media_type, body)
    return writing.write_prices(await market_data.put_prices(inside, caller, rows, dry_run=dry_run))


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


async def _rows(media_type: str, body: bytes) -> list[PriceRow]:
    if media_type == "application/json":
        return reading.read_prices(await parse(PRICES, body))
    if b"\x00" in body:
        raise Problem(400, "malformed-csv", "the text holds the character U+0000; save the table as CSV UTF-8")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(400, "malformed-csv", "the text is not UTF-8; save the table as CSV UTF-8") from None
    return await asyncio.to_thread(read_csv, text)
