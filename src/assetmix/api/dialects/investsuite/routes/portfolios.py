"""Portfolios: every change has them optimized."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from assetmix.api.body import parse, read_body
from assetmix.api.deps import InHouse, Reader, Writer, most_bytes
from assetmix.api.dialects.investsuite.reading.portfolio import apply_change, read_portfolio
from assetmix.api.dialects.investsuite.routes.pages import Page, Version, listed
from assetmix.api.dialects.investsuite.routes.slashes import both
from assetmix.api.dialects.investsuite.schemas.portfolio import PORTFOLIO, PORTFOLIO_CHANGE, PortfolioChange
from assetmix.api.dialects.investsuite.writing import entities as writing
from assetmix.api.etag import expected, quoted, unchanged
from assetmix.api.openapi import NOT_MODIFIED, accepts, takes
from assetmix.services import accounts, portfolios
from assetmix.services.accounts import Changed
from assetmix.services.context import House

router = APIRouter(prefix="/portfolios", tags=["investsuite"])

CREATED: dict[int | str, dict[str, Any]] = {201: {"description": "Created"}}


@both(router, "POST", "/", status_code=201, responses=CREATED, openapi_extra=accepts("InvestSuitePortfolio", PORTFOLIO))
async def create_portfolio(request: Request, inside: InHouse, caller: Writer) -> JSONResponse:
    """Create a portfolio, and have it optimized if it has a policy and holds something."""
    _, text = await read_body(request, ("application/json",), most_bytes(inside))
    changed = await accounts.create(inside, caller, read_portfolio(await parse(PORTFOLIO, text)))
    return _written(changed, 201)


@both(router, "GET", "/")
async def list_portfolios(
    page: Annotated[Page, Depends()], request: Request, inside: InHouse, caller: Reader
) -> Response:
    """List the portfolios that a query finds."""
    found, count = await accounts.search(inside, caller, page.wanted)
    return await listed(page, request, inside, caller, [writing.write_portfolio(one) for one in found], count)


@both(router, "GET", "/{portfolio_id}/", openapi_extra=takes("If-None-Match"), responses=NOT_MODIFIED)
async def get_portfolio(
    portfolio_id: str, request: Request, inside: InHouse, caller: Reader, version: Version = None
) -> Response:
    """Give a portfolio as it is now, or an earlier version."""
    if version is not None:
        return JSONResponse(writing.write_portfolio(await accounts.get_version(inside, caller, portfolio_id, version)))
    stored = await portfolios.get_portfolio(inside, caller, portfolio_id)
    document = writing.write_portfolio(stored)
    return unchanged(request, stored.tag) or JSONResponse(document, headers={"ETag": quoted(stored.tag)})


@both(
    router,
    "PATCH",
    "/{portfolio_id}/",
    openapi_extra=accepts("InvestSuitePortfolioChange", PORTFOLIO_CHANGE, headers=("If-Match",)),
)
async def change_portfolio(portfolio_id: str, request: Request, inside: InHouse, caller: Writer) -> JSONResponse:
    """Change a portfolio, or nothing of it, and have it optimized."""
    change = await _change(request, inside)
    changed = await accounts.change(
        inside, caller, portfolio_id, lambda known: apply_change(known, change), expected(request)
    )
    return _written(changed, 200)


@both(router, "DELETE", "/{portfolio_id}/", openapi_extra=takes("If-Match"))
async def delete_portfolio(portfolio_id: str, request: Request, inside: InHouse, caller: Writer) -> JSONResponse:
    """Delete a portfolio; its versions stay readable."""
    stored = await accounts.delete(inside, caller, portfolio_id, expected(request))
    return JSONResponse(writing.write_portfolio(stored))


async def _change(request: Request, inside: House) -> PortfolioChange:
    """An empty body changes nothing, as an empty object does."""
    if not await request.body():
        return PortfolioChange()
    _, text = await read_body(request, ("application/json",), most_bytes(inside))
    return await parse(PORTFOLIO_CHANGE, text)


def _written(changed: Changed, status: int) -> JSONResponse:
    run = changed.triggered.run
    headers = {"ETag": quoted(changed.stored.tag)}
    if run is not None:
        headers["Operation-Location"] = f"/portfolios/{changed.stored.id}/optimizations/{run.id}/"
    else:
        headers["Optimization-Skipped"] = changed.triggered.sentence
    return JSONResponse(writing.write_portfolio(changed.stored), status_code=status, headers=headers)
