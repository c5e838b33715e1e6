"""`/history`: instruments and price series of one's own."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Writer, most_bytes
from assetmix.api.dialects.mantarisk import reading, writing
from assetmix.api.dialects.mantarisk.schemas import HISTORY
from assetmix.api.openapi import accepts
from assetmix.services import history, market_data

router = APIRouter(prefix="/history")

Code = Annotated[str, Query(min_length=1, max_length=128)]
MOST_BARS = 20_000


@router.put("", openapi_extra=accepts("MantaRiskHistory", HISTORY))
async def put_history(request: Request, inside: InHouse, caller: Writer) -> JSONResponse:
    """Store an instrument and prices of it; days that were there already are replaced."""
    body = await read_json(request, HISTORY, most_bytes(inside, data=True))
    instrument, rows = reading.read_history(body)
    changed = await history.put_history(inside, caller, instrument, rows)
    return JSONResponse({"instrument_code": instrument.id, "days": len(rows), "changed": changed})


@router.get("")
async def get_history(
    instrument_code: Code,
    inside: InHouse,
    caller: Reader,
    begin: Annotated[dt.date, Query(alias="from")] = dt.date.min,
    end: Annotated[dt.date, Query(alias="to")] = dt.date.max,
) -> dict[str, Any]:
    """Give the stored prices of an instrument, oldest first, at most 20,000."""
    rows = await market_data.get_prices(inside, caller, instrument_code, (begin, end), MOST_BARS)
    return writing.write_history(instrument_code, rows)


@router.delete("", status_code=204)
async def delete_history(instrument_code: Code, inside: InHouse, caller: Writer, *, all_data: bool = False) -> None:
    """Delete the prices of an instrument; with `all_data` the instrument too, unless a portfolio holds it."""
    await history.delete_history(inside, caller, instrument_code, with_instrument=all_data)
