"""What goes on with a portfolio: orders under way, orders that came to nothing, what its owner has chosen."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from assetmix.codec.documents import digest
from assetmix.persistence.record_rows import owner_choices, records
from assetmix.persistence.run_rows import optimizations
from assetmix.persistence.session import Connection

UNDER_WAY = ("PLANNED", "PENDING", "PLACED")
NOT_EXECUTED = "NOT_EXECUTED"
DIGITS = 32

_STATUS = records.c.document["status"].as_string()
_ORDERED = records.c.document["optimization_id"].as_string()
"""The run that a transaction is an order of."""


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
    mine = _of(tenant_id, portfolio_id)
    version = sa.func.concat(records.c.id, ":", records.c.version)
    query = sa.select(
        sa.func.count().filter(_STATUS.in_(UNDER_WAY), _ORDERED.is_not(None)),
        sa.func.string_agg(version, aggregate_order_by(sa.literal_column("','"), records.c.id)).filter(
            _STATUS == NOT_EXECUTED
        ),
    ).where(mine)
    under_way, lapsed = (await connection.execute(query)).one()
    made = await _choices_in(connection, tenant_id, portfolio_id)
    again = [f"{one.run_id}:{one.version}" for one in made if one.choice == "REOPTIMIZE"]
    newest = {one.run_id: one for one in made}
    accepted = [one.run_id for one in newest.values() if one.choice == "ACCEPT"]
    placed = sa.select(_ORDERED).where(mine, _ORDERED.in_(accepted)).distinct()
    begun = set((await connection.execute(placed)).scalars()) if accepted else set()
    waiting = [run_id for run_id in accepted if run_id not in begun]
    named = None if lapsed is None else digest(lapsed)[:DIGITS]
    return Activity(under_way, named, again[-1] if again else None, waiting[-1] if waiting else None)


async def statuses_of(connection: Connection, tenant_id: str, portfolio_id: str, run_ids: list[str]) -> set[str]:
    """Give the statuses of all orders of some runs."""
    query = sa.select(_STATUS).where(_of(tenant_id, portfolio_id), _ORDERED.in_(run_ids))
    return set((await connection.execute(query)).scalars())


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


def _of(tenant_id: str, portfolio_id: str) -> sa.ColumnElement[bool]:
    """Which records are transactions of a portfolio."""
    return (records.c.tenant_id == tenant_id) & (records.c.portfolio_id == portfolio_id) & ~records.c.is_deleted


async def _choices_in(connection: Connection, tenant_id: str, portfolio_id: str) -> list[Choice]:
    """Give every choice about runs of a portfolio, oldest first."""
    runs = (optimizations.c.tenant_id == owner_choices.c.tenant_id) & (optimizations.c.id == owner_choices.c.run_id)
    query = (
        sa.select(owner_choices)
        .join(optimizations, runs)
        .where(optimizations.c.tenant_id == tenant_id, optimizations.c.portfolio_id == portfolio_id)
        .order_by(owner_choices.c.at, owner_choices.c.run_id, owner_choices.c.version)
    )
    return [_choice(row) for row in (await connection.execute(query)).all()]


def _choice(row: sa.Row[tuple[object, ...]]) -> Choice:
    return Choice(run_id=row.run_id, version=row.version, choice=row.choice, at=row.at)
