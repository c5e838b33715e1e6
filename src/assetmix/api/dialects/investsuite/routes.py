"""The latest optimization of a portfolio, nested and flat, with and without trailing slash."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse

from assetmix.api.deps import InHouse, Reader
from assetmix.api.dialects.investsuite import reading, writing
from assetmix.services import optimizations
from assetmix.services.context import Caller, House

router = APIRouter(tags=["investsuite"])

RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "Ended, however it ended"},
    202: {"description": "Queued or running"},
}


@router.get("/portfolios/{portfolio_id}/optimizations/latest/", responses=RESPONSES)
@router.get("/portfolios/{portfolio_id}/optimizations/latest", include_in_schema=False)
async def latest_of_portfolio(portfolio_id: str, inside: InHouse, caller: Reader) -> JSONResponse:
    """Poll the optimization that was requested last for a portfolio."""
    return await _latest(inside, caller, portfolio_id)


@router.get("/optimizations/latest", responses=RESPONSES)
@router.get("/optimizations/latest/", include_in_schema=False)
async def latest_flat(
    inside: InHouse, caller: Reader, portfolio_id: str | None = None, client_reference: str | None = None
) -> JSONResponse:
    """Poll the optimization that was requested last for the portfolio that is named."""
    return await _latest(inside, caller, reading.read_portfolio_name(portfolio_id, client_reference))


async def _latest(inside: House, caller: Caller, portfolio: str) -> JSONResponse:
    run, superseded = await optimizations.latest(inside, caller, portfolio)
    if run.is_active:
        return JSONResponse(writing.write_not_yet(run), status_code=202, headers=writing.not_yet_headers(run))
    return JSONResponse(writing.write_optimization(run, superseded=superseded))
