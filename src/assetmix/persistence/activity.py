"""What goes on with a portfolio: orders under way, orders that came to nothing, what its owner has chosen."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from assetmix.persistence.record_rows import owner_choices, records
from assetmix.persistence.run_rows import optimizations
from assetmix.persistence.session import Connection

UNDER_WAY = ("PLANNED", "PENDING", "PLACED")
NOT_EXECUTED = "NOT_EXECUTED"


@dataclass(frozen=True, slots=True)
class Activity:
    """How many orders are under way, and names of the last thing of each kind that asks for a fresh run."""

    under_way: int
    not_executed: str | None
    reoptimize: str | None
    accepted: str | None
    """The run that the owner has accepted last, unless orders of it are recorded."""

    @property
    def after(self) -> str | None:
        """What has happened that makes the same inputs a new question."""
        happened = [one for one in (self.not_executed, self.reoptimize) if one is not None]
        return "+".join(happened) or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What an owner has chosen to do with a run."""

    run_id: str
    version: int
    choice: str
    at: Any


async def activity_of(connection: Connection, tenant_id: str, portfolio_id: str) -> Activity:
    """Find out what goes on with a portfolio."""
    status = records.c.document["status"].as_string()
    ordered = records.c.document["optimization_id"].as_string()
    mine = (records.c.tenant_id == tenant_id) & (records.c.portfolio_id == portfolio_id) & ~records.c.is_deleted
    version = sa.func.concat(records.c.id, ":", records.c.version)
    query = sa.select(
        sa.func.count().filter(status.in_(UNDER_WAY), ordered.is_not(None)),
        sa.func.max(version).filter(status == NOT_EXECUTED),
    ).where(mine)
    under_way, not_executed = (await connection.execute(query)).one()
    newest = await _newest_choice(connection, tenant_id, portfolio_id)
    reoptimize = accepted = None
    if newest is not None and newest.choice == "REOPTIMIZE":
        reoptimize = f"{newest.run_id}:{newest.version}"
    if newest is not None and newest.choice == "ACCEPT":
        placed = sa.select(sa.exists().where(mine, ordered == newest.run_id))
        accepted = None if (await connection.execute(placed)).scalar_one() else newest.run_id
    return Activity(under_way, not_executed, reoptimize, accepted)


async def choices_of(connection: Connection, tenant_id: str, run_ids: list[str]) -> dict[str, Choice]:
    """Give the last choice of each of those runs that has one."""
    query = (
        sa.select(owner_choices)
        .where(owner_choices.c.tenant_id == tenant_id, owner_choices.c.run_id.in_(run_ids))
        .order_by(owner_choices.c.version)
    )
    return {row.run_id: _choice(row) for row in (await connection.execute(query)).all()}


async def add_choice(connection: Connection, tenant_id: str, run_id: str, choice: str, author: str) -> Choice:
    """Add what an owner chooses; versions count from 2, the run itself being the first."""
    name = sa.func.hashtextextended(f"{tenant_id} {run_id}", 7)
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(name)))
    known = (await choices_of(connection, tenant_id, [run_id])).get(run_id)
    values = {"version": 2 if known is None else known.version + 1, "choice": choice, "author": author}
    statement = sa.insert(owner_choices).values(tenant_id=tenant_id, run_id=run_id, **values)
    return _choice((await connection.execute(statement.returning(owner_choices))).one())


async def _newest_choice(connection: Connection, tenant_id: str, portfolio_id: str) -> Choice | None:
    runs = (optimizations.c.tenant_id == owner_choices.c.tenant_id) & (optimizations.c.id == owner_choices.c.run_id)
    query = (
        sa.select(owner_choices)
        .join(optimizations, runs)
        .where(optimizations.c.tenant_id == tenant_id, optimizations.c.portfolio_id == portfolio_id)
        .order_by(owner_choices.c.at.desc(), owner_choices.c.version.desc())
        .limit(1)
    )
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _choice(row)


def _choice(row: sa.Row[tuple[object, ...]]) -> Choice:
    return Choice(run_id=row.run_id, version=row.version, choice=row.choice, at=row.at)
