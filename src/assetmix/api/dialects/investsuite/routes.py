"""The latest optimization of a portfolio, nested and flat, with and without trailing slash."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from assetmix.api.deps import InHouse, Reader, retry_after
from assetmix.api.dialects.investsuite import reading, writing
from assetmix.api.etag import quoted, unchanged
from assetmix.api.openapi import takes
from assetmix.services import optimizations
from assetmix.services.context import Caller, House

router = APIRouter(tags=["investsuite"])

POLLED = takes("If-None-Match")
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "Ended, however it ended"},
    202: {"description": "Queued or running"},
    304: {"description": "Nothing has changed"},
}


@router.get("/portfolios/{portfolio_id}/optimizations/latest/", responses=RESPONSES, openapi_extra=POLLED)
@router.get("/portfolios/{portfolio_id}/optimizations/latest", include_in_schema=False)
async def latest_of_portfolio(portfolio_id: str, request: Request, inside: InHouse, caller: Reader) -> Response:
    """Poll the optimization that was requested last for a portfolio."""
    return await _latest(request, inside, caller, portfolio_id)


@router.get("/optimizations/latest", responses=RESPONSES, openapi_extra=POLLED)
@router.get("/optimizations/latest/", include_in_schema=False)
async def latest_flat(
    request: Request,
    inside: InHouse,
    caller: Reader,
    portfolio_id: str | None = None,
    client_reference: str | None = None,
) -> Response:
    """Poll the optimization that was requested last for the portfolio that is named."""
    return await _latest(request, inside, caller, reading.read_portfolio_name(portfolio_id, client_reference))


async def _latest(request: Request, inside: House, caller: Caller, portfolio: str) -> Response:
    run, superseded = await optimizations.latest(inside, caller, portfolio)
    if run.is_active:
        headers = writing.not_yet_headers(run, await retry_after(inside))
        return JSONResponse(writing.write_not_yet(run), status_code=202, headers=headers)
    tag = f"{run.tag}-superseded" if superseded else run.tag
    document = writing.write_optimization(run, superseded=superseded)
    return unchanged(request, tag) or JSONResponse(document, headers={"ETag": quoted(tag)})
