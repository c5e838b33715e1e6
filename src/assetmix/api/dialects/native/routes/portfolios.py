"""Portfolios by client reference or id."""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Writer, most_bytes
from assetmix.api.dialects.native import writing
from assetmix.api.etag import expected, quoted, unchanged
from assetmix.api.openapi import NOT_MODIFIED, accepts, takes
from assetmix.api.paging import DEFAULT, after, clamp, page
from assetmix.codec.documents import PORTFOLIO
from assetmix.services import portfolios

router = APIRouter()


@router.put(
    "/portfolios/{client_reference}",
    openapi_extra=accepts("Portfolio", PORTFOLIO, headers=("If-Match", "If-None-Match")),
    responses={200: {"description": "Replaced"}, 201: {"description": "Created"}},
)
async def put_portfolio(client_reference: str, request: Request, inside: InHouse, caller: Writer) -> JSONResponse:
    """Create a portfolio, or replace what it holds."""
    given = await read_json(request, PORTFOLIO, most_bytes(inside))
    wanted = expected(request)
    stored, created = await portfolios.put_portfolio(inside, caller, client_reference, given, wanted)
    status = 201 if created else 200
    return JSONResponse(writing.write_portfolio(stored), status_code=status, headers={"ETag": quoted(stored.tag)})


@router.get("/portfolios")
async def list_portfolios(
    inside: InHouse, caller: Reader, limit: int = DEFAULT, cursor: str | None = None
) -> dict[str, Any]:
    """List portfolios by id."""
    size = clamp(limit)
    found = await portfolios.list_portfolios(inside, caller, after(cursor, "portfolios", ""), size)
    items = [writing.write_portfolio(one) for one in found]
    return page(items, size, "portfolios", items[-1]["id"] if items else "")


@router.get("/portfolios/{client_reference}", openapi_extra=takes("If-None-Match"), responses=NOT_MODIFIED)
async def get_portfolio(client_reference: str, request: Request, inside: InHouse, caller: Reader) -> Response:
    """Give a portfolio as it is now."""
    stored = await portfolios.get_portfolio(inside, caller, client_reference)
    document = writing.write_portfolio(stored)
    return unchanged(request, stored.tag) or JSONResponse(document, headers={"ETag": quoted(stored.tag)})


@router.delete("/portfolios/{client_reference}", status_code=204, openapi_extra=takes("If-Match"))
async def delete_portfolio(client_reference: str, request: Request, inside: InHouse, caller: Writer) -> None:
    """Delete a portfolio with its runs."""
    await portfolios.delete_portfolio(inside, caller, client_reference, expected(request))
