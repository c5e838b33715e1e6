"""Transactions of portfolios: recorded as the broker reports them. They never change holdings by themselves."""

from typing import Any

from assetmix.errors import Fault, InvalidRequest, NotFound
from assetmix.persistence import activity, optimizations, portfolios
from assetmix.persistence.activity import NOT_EXECUTED
from assetmix.persistence.records import NewRecord, Record
from assetmix.persistence.session import Connection
from assetmix.services import records
from assetmix.services.context import Caller, House
from assetmix.services.ids import new_id
from assetmix.services.preconditions import ANYTHING, Expected
from assetmix.services.triggers import Triggered, ring, trigger

NOTHING = Triggered(None)
DONE = ("EXECUTED", "SETTLED")


async def add(house: House, caller: Caller, portfolio_id: str, documents: dict[str, dict[str, Any]]) -> list[Record]:
    """Store transactions of a portfolio, all or none; each by the pointer to where it was sent.

    Raises
    ------
    NotFound
        when there is no such portfolio
    InvalidRequest
        when an optimization that is named is not of this portfolio
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        known = await portfolios.find_portfolio(connection, caller.tenant_id, portfolio_id, lock=True)
        if known is None:
            raise NotFound("no such portfolio")
        await _require_own(connection, caller, known.id, documents)
        stored = [
            await records.add(connection, caller, _new(caller, known.id, document)) for document in documents.values()
        ]
        triggered = await _after(house, connection, caller, known.id, stored)
    ring(house, triggered)
    return stored


async def change(  # noqa: PLR0913, PLR0917 - each is a part of the request
    house: House,
    caller: Caller,
    portfolio_id: str,
    transaction_id: str,
    document: dict[str, Any],
    expected: Expected = ANYTHING,
) -> Record:
    """Add a version to a transaction; when the last order has ended and one was not executed, a fresh run is asked for.

    Raises
    ------
    NotFound
        when the portfolio has no such transaction
    InvalidRequest
        as `add` does
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        portfolio = await portfolios.find_portfolio(connection, caller.tenant_id, portfolio_id, lock=True)
        known = await records.locked(connection, caller, "transaction", transaction_id, expected)
        if portfolio is None or known.portfolio_id != portfolio.id:
            raise NotFound("no such transaction")
        await _require_own(connection, caller, portfolio.id, {"": document})
        stored = await records.changed(connection, caller, known, known.document | document)
        changed = [] if stored.version == known.version else [stored]
        triggered = await _after(house, connection, caller, portfolio.id, changed)
    ring(house, triggered)
    return stored


async def _require_own(
    connection: Connection, caller: Caller, portfolio_id: str, documents: dict[str, dict[str, Any]]
) -> None:
    for pointer, document in documents.items():
        run_id = document.get("optimization_id")
        run = None if run_id is None else await optimizations.find_run(connection, caller.tenant_id, run_id)
        if run_id is not None and (run is None or run.portfolio_id != portfolio_id):
            detail = "this portfolio has no such optimization"
            raise InvalidRequest(detail, [Fault(f"{pointer}/optimization_id", "unknown-optimization", detail)])


async def _after(
    house: House, connection: Connection, caller: Caller, portfolio_id: str, changed: list[Record]
) -> Triggered:
    """Ask for a fresh run when the last order has ended and none was executed.

    Where one was, the holdings are about to be told anew, and that triggers: a run before would see old ones.
    """
    run_ids = [one.document["optimization_id"] for one in changed if one.document.get("optimization_id")]
    statuses = await activity.statuses_of(connection, caller.tenant_id, portfolio_id, run_ids)
    statuses |= {one.document["status"] for one in changed}
    if NOT_EXECUTED not in statuses or statuses & {*activity.UNDER_WAY, *DONE}:
        return NOTHING
    return await trigger(house, connection, caller, portfolio_id)


def _new(caller: Caller, portfolio_id: str, document: dict[str, Any]) -> NewRecord:
    return NewRecord(
        id=new_id("T"),
        kind="transaction",
        document=document,
        author=caller.key_id,
        external_id=document.get("external_id"),
        portfolio_id=portfolio_id,
    )
