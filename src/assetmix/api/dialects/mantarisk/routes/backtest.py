"""`/portfolio/backtest`: started, polled, cancelled."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Runner, most_bytes, retry_after
from assetmix.api.dialects.mantarisk import reading, writing
from assetmix.api.dialects.mantarisk.faults import in_own_words
from assetmix.api.dialects.mantarisk.schemas import BACKTEST
from assetmix.api.openapi import accepts
from assetmix.services import optimizations, portfolios
from assetmix.services.optimizations import Which

router = APIRouter(prefix="/portfolio/backtest")

ADDRESS = "/portfolio/backtest"
DESCRIBED = accepts("MantaRiskBacktest", BACKTEST)


@router.post("", status_code=202, openapi_extra=DESCRIBED)
async def start_backtest(request: Request, inside: InHouse, caller: Runner) -> Response:
    """Walk a strategy through past sessions with a portfolio; poll the address in Location."""
    return await _start(request, inside, caller)


@router.put("", status_code=202, openapi_extra=DESCRIBED)
async def put_backtest(request: Request, inside: InHouse, caller: Runner) -> Response:
    """Do the same: the same inputs give the backtest that there is."""
    return await _start(request, inside, caller)


async def _start(request: Request, inside: InHouse, caller: Runner) -> Response:
    body = await read_json(request, BACKTEST, most_bytes(inside))
    async with in_own_words(inside, caller, body.strategy_id):
        run = await optimizations.submit(inside, caller, reading.read_backtest(body))
    headers = writing.headers_of(ADDRESS, run, await retry_after(inside))
    return JSONResponse(writing.write_accepted(run, body.client_reference), status_code=202, headers=headers)


@router.get("")
async def get_backtest(
    inside: InHouse,
    caller: Reader,
    run_id: Annotated[str | None, Query(alias="id")] = None,
    client_reference: str | None = None,
    strategy_id: int | None = None,
) -> Response:
    """Give a backtest by its id, or the newest one of a portfolio with a strategy; `status` says how far it is."""
    run = await optimizations.find(inside, caller, "backtest", Which(run_id, client_reference, strategy_id))
    reference = await portfolios.reference_of(inside, caller, run.portfolio_id)
    headers = writing.headers_of(ADDRESS, run, await retry_after(inside))
    return JSONResponse(writing.write_backtest(run, reference), headers=headers)


@router.delete("", status_code=202)
async def cancel_backtest(
    inside: InHouse,
    caller: Runner,
    run_id: Annotated[str | None, Query(alias="id")] = None,
    client_reference: str | None = None,
    strategy_id: int | None = None,
) -> Response:
    """Cancel a backtest: at once if it is queued, else within seconds."""
    run = await optimizations.find(inside, caller, "backtest", Which(run_id, client_reference, strategy_id))
    run = await optimizations.cancel(inside, caller, run.id)
    reference = await portfolios.reference_of(inside, caller, run.portfolio_id)
    return JSONResponse(writing.write_accepted(run, reference), status_code=202 if run.is_active else 200)
