"""Runs as workers see them: claimed, kept alive, finished, given back. The row is the job.

Every write of a worker names the attempt it belongs to, so that one whose lease ran out can no
longer write. Only the database's clock is used.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from assetmix.persistence.optimizations import COLUMNS, Run, run_of
from assetmix.persistence.rows import optimizations
from assetmix.persistence.session import Connection

CHANNEL = "optimizations"
"""Postgres notifies here when a run has ended; the payload is its id."""

MOST_RINGS = 100
"""Bells rung in one sweep: a backlog never floods the queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ends."""

    status: str
    result: str | None = None
    error: dict[str, Any] | None = None
    timings: dict[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Whether an ending was written, and whether another run of the same portfolio had waited for it."""

    done: bool
    unblocks: bool


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep found: runs to ring for, runs taken back from lost workers, runs given up."""

    rings: int
    requeued: int
    failed: int


async def claim(connection: Connection, worker: str, lease_seconds: float) -> Run | None:
    """Take the next eligible run, fair between tenants: the tenant with the fewest running comes first.

    None when nothing is eligible.

    Raises
    ------
    Conflict
        when another worker was faster with the same portfolio; the transaction is lost then
    """
    busy = (
        sa.select(optimizations.c.tenant_id, sa.func.count().label("running"))
        .where(optimizations.c.status == "running")
        .group_by(optimizations.c.tenant_id)
        .cte("busy")
    )
    other = optimizations.alias("other")
    occupied = sa.exists().where(
        other.c.tenant_id == optimizations.c.tenant_id,
        other.c.portfolio_id == optimizations.c.portfolio_id,
        other.c.status == "running",
    )
    chosen = (
        sa.select(optimizations.c.tenant_id, optimizations.c.id)
        .outerjoin(busy, busy.c.tenant_id == optimizations.c.tenant_id)
        .where(optimizations.c.status == "queued", ~occupied)
        .order_by(sa.func.coalesce(busy.c.running, 0), optimizations.c.queued_at, optimizations.c.id)
        .limit(1)
        .with_for_update(of=optimizations, skip_locked=True)
        .cte("chosen")
    )
    values = {
        "status": "running",
        "attempt": optimizations.c.attempt + 1,
        "worker": worker,
        "lease_until": _in(lease_seconds),
        "started_at": sa.func.coalesce(optimizations.c.started_at, sa.func.clock_timestamp()),
        "ring_at": None,
    }
    mine = (optimizations.c.tenant_id == chosen.c.tenant_id) & (optimizations.c.id == chosen.c.id)
    statement = sa.update(optimizations).where(mine).values(values).returning(*COLUMNS)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else run_of(row)


async def keep_alive(connection: Connection, run: Run, lease_seconds: float, progress: float = 0.0) -> str:
    """Prolong the lease, note the progress; tells to go on (`mine`), to `cancel`, or that it is `lost` to another."""
    statement = (
        sa.update(optimizations)
        .where(_held(run))
        .values(lease_until=_in(lease_seconds), progress=progress)
        .returning(optimizations.c.cancel_requested)
    )
    cancel = (await connection.execute(statement)).scalar_one_or_none()
    if cancel is None:
        return "lost"
    return "cancel" if cancel else "mine"


async def finish(connection: Connection, run: Run, ending: Ending) -> Written:
    """Write how a run ended, once, and tell those who wait; not done when another attempt owns it."""
    values = {
        "status": ending.status,
        "result": None if ending.result is None else sa.cast(sa.literal(ending.result, sa.Text()), JSONB),
        "error": ending.error,
        "timings": ending.timings,
        "finished_at": sa.func.now(),
        "lease_until": None,
        "progress": 1.0 if ending.status in {"succeeded", "infeasible"} else optimizations.c.progress,
    }
    other = optimizations.alias("other")
    same = (other.c.tenant_id == run.tenant_id) & (other.c.portfolio_id == run.portfolio_id)
    blocked = sa.exists().where(same, other.c.status == "queued")
    told = sa.func.pg_notify(CHANNEL, run.id)
    statement = sa.update(optimizations).where(_held(run)).values(values).returning(blocked.label("blocked"), told)
    row = (await connection.execute(statement)).one_or_none()
    return Written(done=row is not None, unblocks=row is not None and bool(row.blocked))


async def give_back(connection: Connection, run: Run) -> bool:
    """Queue a run again whose solver process was lost; False when another attempt owns it."""
    values = {"status": "queued", "lease_until": None, "worker": None, "ring_at": sa.func.now()}
    return (await connection.execute(sa.update(optimizations).where(_held(run)).values(values))).rowcount > 0


async def sweep(connection: Connection, most_attempts: int, ring_seconds: tuple[float, float]) -> Sweep:
    """Take back what lost workers held, and find the runs whose bell is due.

    Parameters
    ----------
    most_attempts : runs that were lost so often are given up
    ring_seconds : first and longest pause between two rings for the same run
    """
    expired = (optimizations.c.status == "running") & (optimizations.c.lease_until < sa.func.now())
    spent = optimizations.c.attempt >= most_attempts
    given_up = await _end_lost(connection, expired & spent)
    back = {"status": "queued", "lease_until": None, "worker": None, "ring_at": sa.func.now()}
    requeued = await _update_some(connection, expired & ~spent, back)
    first, longest = ring_seconds
    pause = sa.func.least(first * sa.func.power(2.0, sa.func.least(optimizations.c.rings, 20)), longest)
    due = (optimizations.c.status == "queued") & (optimizations.c.ring_at <= sa.func.now())
    later = sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, pause)
    rings = await _update_some(connection, due, {"rings": optimizations.c.rings + 1, "ring_at": later})
    return Sweep(len(rings), len(requeued), len(given_up))


async def _end_lost(connection: Connection, which: sa.ColumnElement[bool]) -> list[str]:
    error = {
        "type": "/problems/worker-lost",
        "title": "Worker lost",
        "detail": "Every attempt ended with its worker process lost; the request may need more memory than there is.",
    }
    values = {"status": "failed", "error": error, "finished_at": sa.func.now(), "lease_until": None}
    ended = await _update_some(connection, which, values)
    for run_id in ended:
        await connection.execute(sa.select(sa.func.pg_notify(CHANNEL, run_id)))
    return ended


async def _update_some(connection: Connection, which: sa.ColumnElement[bool], values: dict[str, Any]) -> list[str]:
    found = sa.select(optimizations.c.tenant_id, optimizations.c.id).where(which).order_by(optimizations.c.queued_at)
    some = found.limit(MOST_RINGS).with_for_update(skip_locked=True).cte("some")
    mine = (optimizations.c.tenant_id == some.c.tenant_id) & (optimizations.c.id == some.c.id)
    statement = sa.update(optimizations).where(mine).values(values).returning(optimizations.c.id)
    return list((await connection.execute(statement)).scalars())


def _held(run: Run) -> sa.ColumnElement[bool]:
    return (
        (optimizations.c.tenant_id == run.tenant_id)
        & (optimizations.c.id == run.id)
        & (optimizations.c.attempt == run.attempt)
        & (optimizations.c.status == "running")
    )


def _in(seconds: float) -> sa.ColumnElement[dt.datetime]:
    return sa.func.now() + dt.timedelta(seconds=seconds)
