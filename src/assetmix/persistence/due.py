"""Portfolios that the scheduler is to optimize, and the night that was begun last."""

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from assetmix.persistence.record_rows import due, nights
from assetmix.persistence.rows import portfolios, tenants
from assetmix.persistence.session import Connection, set_tenant

MANAGED = portfolios.c.details["config"]["manager"].as_string().like("ROBO_ADVISOR_%")
STRATEGY = portfolios.c.document["strategy"].as_string()


async def make_due(connection: Connection, tenant_id: str, cause: str, strategy: str | None = None) -> None:
    """Have every managed portfolio of a tenant that follows a strategy optimized, or one strategy's alone."""
    follows = STRATEGY.is_not(None) if strategy is None else strategy == STRATEGY
    wanted = sa.select(portfolios.c.tenant_id, portfolios.c.id, sa.literal(cause)).where(
        portfolios.c.tenant_id == tenant_id, ~portfolios.c.is_deleted, MANAGED, follows
    )
    statement = insert(due).from_select(["tenant_id", "portfolio_id", "cause"], wanted)
    await connection.execute(statement.on_conflict_do_nothing())


async def begin_night(connection: Connection, day: dt.date) -> bool:
    """Make every managed portfolio of every tenant due, unless that was done for this day; whether it was done now."""
    statement = insert(nights).values(id=1, day=day)
    later = statement.on_conflict_do_update(
        index_elements=["id"], set_={"day": statement.excluded.day}, where=nights.c.day < statement.excluded.day
    )
    if (await connection.execute(later.returning(nights.c.day))).one_or_none() is None:
        return False
    for tenant_id in (await connection.execute(sa.select(tenants.c.id))).scalars().all():
        await set_tenant(connection, tenant_id)
        await make_due(connection, tenant_id, "night")
    return True


@dataclass(frozen=True, slots=True)
class Due:
    """A portfolio that is to be optimized, and why."""

    tenant_id: str
    portfolio_id: str
    cause: str


async def take_due(connection: Connection) -> Due | None:
    """Take the portfolio that has been due for longest. Others take others meanwhile.

    The rest of the transaction is its tenant's; where that fails, the portfolio is due again.
    """
    ready = sa.select(due.c.tenant_id, due.c.portfolio_id).where(due.c.at <= sa.func.now()).order_by(due.c.at)
    first = ready.limit(1).with_for_update(skip_locked=True)
    gone = sa.delete(due).where(sa.tuple_(due.c.tenant_id, due.c.portfolio_id).in_(first)).returning(due)
    row = (await connection.execute(gone)).one_or_none()
    if row is None:
        return None
    await set_tenant(connection, row.tenant_id)
    return Due(row.tenant_id, row.portfolio_id, row.cause)


async def put_off(connection: Connection, tenant_id: str, portfolio_id: str, cause: str, seconds: float) -> None:
    """Make a portfolio due in a while."""
    later = sa.func.now() + dt.timedelta(seconds=seconds)
    values = {"tenant_id": tenant_id, "portfolio_id": portfolio_id, "cause": cause, "at": later}
    await connection.execute(insert(due).values(values).on_conflict_do_nothing())


async def postpone(connection: Connection, tenant_id: str, portfolio_id: str, seconds: float) -> None:
    """Let others go first for a while."""
    mine = (due.c.tenant_id == tenant_id) & (due.c.portfolio_id == portfolio_id)
    later = sa.func.now() + dt.timedelta(seconds=seconds)
    await connection.execute(sa.update(due).where(mine).values(at=later))
