"""Transactions of a portfolio."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from assetmix.api.body import read_json
from assetmix.api.deps import InHouse, Reader, Writer, most_bytes
from assetmix.api.dialects.investsuite.reading.transaction import read_transaction
from assetmix.api.dialects.investsuite.routes.pages import Page, Version, listed
from assetmix.api.dialects.investsuite.routes.slashes import both
from assetmix.api.dialects.investsuite.schemas.transaction import TRANSACTION, TRANSACTIONS
from assetmix.api.dialects.investsuite.writing import entities as writing
from assetmix.api.etag import expected, quoted
from assetmix.api.openapi import accepts
from assetmix.errors import NotFound
from assetmix.services import portfolios, records, transactions

router = APIRouter(prefix="/portfolios/{portfolio_id}/transactions", tags=["investsuite"])

CREATED: dict[int | str, dict[str, Any]] = {201: {"description": "Created"}}
DESCRIBED = accepts("InvestSuiteTransactions", TRANSACTIONS)
CHANGED = accepts("InvestSuiteTransaction", TRANSACTION, headers=("If-Match",))


@both(router, "POST", "/", status_code=201, responses=CREATED, openapi_extra=DESCRIBED)
async def add_transactions(portfolio_id: str, request: Request, inside: InHouse, caller: Writer) -> JSONResponse:
    """Record a transaction, or several: all or none. Holdings are told apart from them."""
    given = await read_json(request, TRANSACTIONS, most_bytes(inside))
    many = {f"/{i}": one for i, one in enumerate(given)} if isinstance(given, list) else {"": given}
    documents = {pointer: read_transaction(one, pointer) for pointer, one in many.items()}
    stored = await transactions.add(inside, caller, portfolio_id, documents)
    written = [writing.write_transaction(one) for one in stored]
    return JSONResponse(written if isinstance(given, list) else written[0], status_code=201)


@both(router, "GET", "/")
async def list_transactions(
    portfolio_id: str, page: Annotated[Page, Depends()], request: Request, inside: InHouse, caller: Reader
) -> Response:
    """List the transactions of a portfolio that a query finds."""
    stored = await portfolios.get_portfolio(inside, caller, portfolio_id)
    found, count = await records.search(inside, caller, "transaction", page.wanted, stored.id)
    return await listed(page, request, inside, caller, [writing.write_transaction(one) for one in found], count)


@both(router, "GET", "/{transaction_id}/")
async def get_transaction(
    portfolio_id: str, transaction_id: str, inside: InHouse, caller: Reader, version: Version = None
) -> Response:
    """Give a transaction as it is now, or an earlier version."""
    portfolio = await portfolios.get_portfolio(inside, caller, portfolio_id)
    stored = await records.get(inside, caller, "transaction", transaction_id)
    if stored.portfolio_id != portfolio.id:
        raise NotFound("no such transaction")
    if version is not None:
        stored = await records.get_version(inside, caller, "transaction", transaction_id, version)
    return JSONResponse(writing.write_transaction(stored), headers={"ETag": quoted(stored.tag)})


@both(router, "PATCH", "/{transaction_id}/", openapi_extra=CHANGED)
async def change_transaction(
    portfolio_id: str, transaction_id: str, request: Request, inside: InHouse, caller: Writer
) -> JSONResponse:
    """Replace the movements of a transaction; when the last order has ended, a fresh run may follow."""
    body = await read_json(request, TRANSACTION, most_bytes(inside))
    document = read_transaction(body, exclude_unset=True)
    stored = await transactions.change(inside, caller, portfolio_id, transaction_id, document, expected(request))
    return JSONResponse(writing.write_transaction(stored), headers={"ETag": quoted(stored.tag)})
