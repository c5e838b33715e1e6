"""Optimizations of portfolios: the latest, one, all, and what their owners choose."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import JSONResponse, Response

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Writer, most_bytes, retry_after
from assetmix.api.dialects.investsuite.reading.names import read_portfolio_name
from assetmix.api.dialects.investsuite.routes.pages import Page
from assetmix.api.dialects.investsuite.routes.slashes import both
from assetmix.api.dialects.investsuite.schemas.access import CHOICE
from assetmix.api.dialects.investsuite.writing import entities
from assetmix.api.dialects.investsuite.writing import optimization as writing
from assetmix.api.etag import quoted, unchanged
from assetmix.api.json_response import FastJSONResponse
from assetmix.api.openapi import accepts, takes
from assetmix.errors import NotFound
from assetmix.persistence.activity import Choice
from assetmix.persistence.optimizations import Run
from assetmix.services import choices, optimizations, portfolios
from assetmix.services.context import Caller, House

router = APIRouter(tags=["investsuite"])

POLLED = takes("If-None-Match")
CHOSEN = accepts("InvestSuiteChoice", CHOICE)
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "Ended, however it ended"},
    202: {"description": "Queued or running"},
    304: {"description": "Nothing has changed"},
}
FIXED = {"latest", "current"}
OF_PORTFOLIO = "/portfolios/{portfolio_id}/optimizations"


@both(router, "GET", f"{OF_PORTFOLIO}/latest/", responses=RESPONSES, openapi_extra=POLLED)
@both(router, "GET", f"{OF_PORTFOLIO}/current/", responses=RESPONSES, openapi_extra=POLLED)
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
    return await _latest(request, inside, caller, read_portfolio_name(portfolio_id, client_reference))


@both(router, "GET", f"{OF_PORTFOLIO}/")
async def list_optimizations(
    portfolio_id: str, page: Annotated[Page, Depends()], request: Request, inside: InHouse, caller: Reader
) -> Response:
    """List the optimizations of a portfolio, newest first."""
    stored = await portfolios.get_portfolio(inside, caller, portfolio_id)
    wanted = page.wanted
    runs, count = await optimizations.page_of_portfolio(inside, caller, stored.id, wanted.offset, wanted.limit)
    chosen = await choices.with_choices(inside, caller, runs)
    old = await optimizations.superseded(inside, caller, runs)
    items = [
        dict(writing.write_optimization(one.run, one.choice, superseded=is_old))
        for one, is_old in zip(chosen, old, strict=True)
    ]
    return JSONResponse(entities.write_page(items, wanted, count, (request.scope["path"], {})))


@both(router, "GET", OF_PORTFOLIO + "/{optimization_id}/", responses=RESPONSES, openapi_extra=POLLED)
async def get_optimization(
    portfolio_id: str, optimization_id: str, request: Request, inside: InHouse, caller: Reader
) -> Response:
    """Give an optimization of a portfolio: 202 until it has ended."""
    stored = await portfolios.get_portfolio(inside, caller, portfolio_id)
    run = await optimizations.get_run(inside, caller, optimization_id, kind="optimization")
    if run.portfolio_id != stored.id:
        raise NotFound("no such optimization")
    return await _single(request, inside, caller, run)


@both(router, "GET", "/optimizations/{optimization_id}/", responses=RESPONSES, openapi_extra=POLLED)
async def get_optimization_flat(optimization_id: str, request: Request, inside: InHouse, caller: Reader) -> Response:
    """Give an optimization by its id alone: 202 until it has ended."""
    run = await optimizations.get_run(inside, caller, optimization_id, kind="optimization")
    return await _single(request, inside, caller, run)


def by_id(optimization_id: str) -> None:
    """Refuse to choose for whatever is the latest: it may be another one by then."""
    if optimization_id in FIXED:
        raise HTTPException(405, headers={"Allow": "GET"})


@both(router, "PATCH", OF_PORTFOLIO + "/{optimization_id}/", openapi_extra=CHOSEN, dependencies=[Depends(by_id)])
async def choose(
    portfolio_id: str, optimization_id: str, request: Request, inside: InHouse, caller: Writer
) -> Response:
    """Keep what the owner of an advisory portfolio chooses."""
    return await _chosen(request, inside, caller, (portfolio_id, optimization_id))


@both(router, "PATCH", "/optimizations/{optimization_id}/", openapi_extra=CHOSEN, dependencies=[Depends(by_id)])
async def choose_flat(optimization_id: str, request: Request, inside: InHouse, caller: Writer) -> Response:
    """Keep what the owner of an advisory portfolio chooses."""
    return await _chosen(request, inside, caller, (None, optimization_id))


async def _chosen(request: Request, inside: House, caller: Caller, name: tuple[str | None, str]) -> Response:
    body = await read_json(request, CHOICE, most_bytes(inside))
    chosen = await choices.choose(inside, caller, *name, body.owner_choice)
    return JSONResponse(writing.write_optimization(chosen.run, chosen.choice))


async def _latest(request: Request, inside: House, caller: Caller, portfolio: str) -> Response:
    run, superseded = await optimizations.latest(inside, caller, portfolio)
    return await _written(request, inside, caller, run, superseded=superseded)


async def _single(request: Request, inside: House, caller: Caller, run: Run) -> Response:
    (is_old,) = await optimizations.superseded(inside, caller, [run])
    return await _written(request, inside, caller, run, superseded=is_old)


async def _written(request: Request, inside: House, caller: Caller, run: Run, *, superseded: bool = False) -> Response:
    if run.is_active:
        headers = writing.not_yet_headers(run, await retry_after(inside))
        return JSONResponse(writing.write_not_yet(run), status_code=202, headers=headers)
    choice = (await choices.with_choices(inside, caller, [run]))[0].choice
    document = writing.write_optimization(run, choice, superseded=superseded)
    tag = _tag(run, choice, superseded=superseded)
    return unchanged(request, tag) or FastJSONResponse(document, headers={"ETag": quoted(tag)})


def _tag(run: Run, choice: Choice | None, *, superseded: bool) -> str:
    return run.tag + ("" if choice is None else f"-{choice.version}") + ("-superseded" if superseded else "")
