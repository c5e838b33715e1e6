"""`/portfolio` and `/index`: what is held, and what it is measured against."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Writer, most_bytes
from assetmix.api.dialects.mantarisk import reading, writing
from assetmix.api.dialects.mantarisk.faults import of_components
from assetmix.api.dialects.mantarisk.schemas import INDEX, PORTFOLIO
from assetmix.api.openapi import accepts
from assetmix.services import portfolios

router = APIRouter()

ClientReference = Annotated[str, Query(min_length=1, max_length=128)]
WRITTEN: dict[int | str, dict[str, Any]] = {200: {"description": "Replaced"}, 201: {"description": "Created"}}


@router.put("/portfolio", openapi_extra=accepts("MantaRiskPortfolio", PORTFOLIO), responses=WRITTEN)
async def put_portfolio(
    client_reference: ClientReference, request: Request, inside: InHouse, caller: Writer
) -> JSONResponse:
    """Create a portfolio or replace what it holds; its index stays."""
    body = await read_json(request, PORTFOLIO, most_bytes(inside))
    known = await portfolios.find(inside, caller, client_reference)
    held = reading.read_portfolio(body, None if known is None else known.portfolio)
    with of_components(body):
        stored, created = await portfolios.put_portfolio(inside, caller, client_reference, held)
    return JSONResponse(writing.write_portfolio(stored), status_code=201 if created else 200)


@router.get("/portfolio")
async def get_portfolio(client_reference: ClientReference, inside: InHouse, caller: Reader) -> dict[str, Any]:
    """Give a portfolio by the caller's own reference."""
    return writing.write_portfolio(await portfolios.get_portfolio(inside, caller, client_reference))


@router.delete("/portfolio", status_code=204)
async def delete_portfolio(client_reference: ClientReference, inside: InHouse, caller: Writer) -> None:
    """Delete a portfolio with its rebalances and backtests."""
    await portfolios.delete_portfolio(inside, caller, client_reference)


@router.put("/index", openapi_extra=accepts("MantaRiskIndex", INDEX))
async def put_index(
    client_reference: ClientReference, request: Request, inside: InHouse, caller: Writer
) -> dict[str, Any]:
    """Give a portfolio a composite benchmark; an empty list takes it away."""
    members = await read_json(request, INDEX, most_bytes(inside))
    benchmark = reading.read_index(members) if members else {}
    stored = await portfolios.put_benchmark(inside, caller, client_reference, benchmark)
    return writing.write_portfolio(stored)


@router.get("/index")
async def get_index(client_reference: ClientReference, inside: InHouse, caller: Reader) -> list[dict[str, Any]]:
    """Give the composite benchmark of a portfolio."""
    stored = await portfolios.get_portfolio(inside, caller, client_reference)
    return writing.write_index(stored.portfolio.benchmark)
