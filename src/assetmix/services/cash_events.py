"""Cash that has come or gone: noted, and the portfolio optimized; holdings are told apart from this."""

from dataclasses import dataclass
from typing import Literal

from assetmix.errors import Conflict, Fault, InvalidRequest
from assetmix.persistence import activity
from assetmix.persistence.idempotency import Answered
from assetmix.persistence.journal import note
from assetmix.persistence.session import Connection
from assetmix.services.accounts import Changed, locked
from assetmix.services.context import Caller, House, entry
from assetmix.services.idempotency import Once, once_only
from assetmix.services.triggers import ring, trigger


@dataclass(frozen=True, slots=True)
class Moved:
    """Cash that has come or gone."""

    portfolio_id: str
    kind: Literal["deposit", "withdraw"]
    amount: float
    currency: str


async def cash_moved(house: House, caller: Caller, moved: Moved, once: Once | None) -> Changed | Answered:
    """Note that cash has come or gone and have the portfolio optimized.

    A request that was carried out before under its key is given the answer of that time.

    Raises
    ------
    NotFound
        when there is no such portfolio
    InvalidRequest
        for money of another currency
    Conflict
        for a withdrawal while orders are being executed
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        if once is None:
            outcome: Changed | Answered = await _moved(house, connection, caller, moved)
        else:
            outcome = await once_only(
                connection, caller, once, lambda: _moved(house, connection, caller, moved), _run_id
            )
    if isinstance(outcome, Changed):
        ring(house, outcome.triggered)
    return outcome


async def _moved(house: House, connection: Connection, caller: Caller, moved: Moved) -> Changed:
    known = await locked(connection, caller, moved.portfolio_id)
    base = known.document["base_currency"]
    if moved.currency != base:
        detail = f"the portfolio is kept in {base}"
        raise InvalidRequest(detail, [Fault("/data/currency", "other-currency", detail)])
    if moved.kind == "withdraw":
        under_way = await activity.activity_of(connection, caller.tenant_id, known.id)
        if under_way.under_way or under_way.accepted:
            count = under_way.under_way or "accepted"
            raise Conflict(f"{count} orders are being executed; withdraw when they have ended")
    told = {"amount": moved.amount, "currency": moved.currency}
    await note(connection, caller.tenant_id, entry(caller, f"portfolio.{moved.kind}", known.id, **told))
    return Changed(known, await trigger(house, connection, caller, known.id))


def _run_id(changed: Changed) -> str | None:
    return None if changed.triggered.run is None else changed.triggered.run.id
