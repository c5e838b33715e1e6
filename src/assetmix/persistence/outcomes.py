"""How runs end: once, whoever ends them.

Taking the job's row away is what decides; whoever finds it gone is too late. Result, event and
audit entry are written in the same transaction.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from assetmix.persistence import journal, tallies
from assetmix.persistence.journal import Entry
from assetmix.persistence.optimizations import Run
from assetmix.persistence.prepared import Prepared
from assetmix.persistence.run_rows import jobs
from assetmix.persistence.session import Connection, Driver

CHANNEL = "optimizations"
"""Postgres notifies here when a run has ended; the payload is its id."""

WORKER_LOST: dict[str, Any] = {
    "type": "/problems/worker-lost",
    "title": "Worker lost",
    "detail": "Every attempt ended with its worker process lost; the request may need more memory than there is.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ends, and what the audit entry says of it."""

    status: str
    result: str | None = None
    error: dict[str, Any] | None = None
    timings: dict[str, float] | None = None
    details: dict[str, Any] = field(default_factory=dict)
    is_recommended: bool = False


ANSWERED = frozenset({"succeeded", "infeasible"})
"""Statuses of runs that have an answer."""

SUPERSEDED = Ending(status="superseded")
CANCELLED = Ending(status="cancelled")
GIVEN_UP = Ending(status="failed", error=WORKER_LOST)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who ends a run: a worker, a key, the scheduler; and in which request."""

    name: str
    request_id: str | None = None


_OTHERS_WAIT = sa.exists().where(jobs.c.tenant_id == sa.bindparam("tenant"), jobs.c.state == "queued")
_LOOK = Prepared(sa.select(_OTHERS_WAIT))


async def finish(connection: Connection | Driver, run: Run, ending: Ending) -> bool:
    """Write how a run ended, once, count it and tell those who wait; False when another attempt owns it.

    Also outside a transaction, which it then is by itself.
    """
    values = _values(run.tenant_id, run.id, ending, Actor(run.worker or "", run.request_id))
    values |= {"attempt": run.attempt} | tallies.values(counted(ending))
    return bool(await _END.value(connection, **values))


async def others_wait(connection: Connection | Driver, tenant_id: str) -> bool:
    """Whether other runs of a tenant wait: looked at after an ending, for what comes later rings by itself."""
    return bool(await _LOOK.value(connection, tenant=tenant_id))


async def supersede(
    connection: Connection, tenant_id: str, portfolio_id: str, actor: Actor, kept: str | None = None
) -> None:
    """End the queued runs of a portfolio in favor of a newer one, or of one of them."""
    waiting = (jobs.c.state == "queued") & (jobs.c.run_id != (kept or ""))
    await _end_of(connection, (tenant_id, portfolio_id), waiting, SUPERSEDED, actor)


async def abandon(connection: Connection, tenant_id: str, portfolio_id: str, actor: Actor) -> None:
    """End every run of a portfolio that is about to go; the jobs go first, as they do wherever a run ends."""
    await _end_of(connection, (tenant_id, portfolio_id), sa.true(), CANCELLED, actor)


async def _end_of(
    connection: Connection, portfolio: tuple[str, str], which: sa.ColumnElement[bool], ending: Ending, actor: Actor
) -> None:
    mine = (jobs.c.tenant_id == portfolio[0]) & (jobs.c.portfolio_id == portfolio[1])
    ended = (await connection.execute(sa.delete(jobs).where(mine, which).returning(jobs.c.run_id))).scalars().all()
    for run_id in ended:
        await _end(connection, portfolio[0], run_id, ending, actor)
    if ended:
        await tallies.add(connection, tallies.together([counted(ending)] * len(ended)))


async def cancel(connection: Connection, tenant_id: str, run_id: str, actor: Actor) -> bool:
    """End a queued run as cancelled, ask a running one to stop; False if it had ended."""
    mine = (jobs.c.tenant_id == tenant_id) & (jobs.c.run_id == run_id)
    state = (await connection.execute(sa.select(jobs.c.state).where(mine).with_for_update())).scalar_one_or_none()
    if state == "running":
        await connection.execute(sa.update(jobs).where(mine).values(cancel_requested=True))
    if state == "queued":
        await connection.execute(sa.delete(jobs).where(mine))
        await _end(connection, tenant_id, run_id, CANCELLED, actor)
        await tallies.add(connection, counted(CANCELLED))
    return state is not None


async def end_lost(connection: Connection, lost: Sequence[tuple[str, str]], ending: Ending, actor: Actor) -> None:
    """End runs of any tenants that nobody works on any more; their jobs are gone already."""
    for tenant_id, run_id in lost:
        await _end(connection, tenant_id, run_id, ending, actor)


def counted(ending: Ending) -> tallies.Counts:
    """What the tallies make of an ending."""
    reason = str((ending.error or {}).get("type", "")).removeprefix("/problems/")
    counts: dict[tuple[str, str], float] = {("ended", f"{ending.status};{reason}"): 1.0}
    if ending.timings and "solve_ms" in ending.timings:
        solver = str(ending.details.get("solver", ""))
        counts |= tallies.seconds("solve", f"{solver};{ending.status}", ending.timings["solve_ms"] / 1000)
    return counts


def held(run: Run) -> sa.ColumnElement[bool]:
    """Whether a job is still the one of this attempt; one whose lease ran out can no longer write."""
    return (
        (jobs.c.tenant_id == run.tenant_id)
        & (jobs.c.run_id == run.id)
        & (jobs.c.attempt == run.attempt)
        & (jobs.c.state == "running")
    )


_END = Prepared(
    sa.text("""
    select end_run(
        :tenant_id, :run_id, cast(:attempt as int),
        :status, cast(:result as json), cast(:error as jsonb), cast(:timings as jsonb), :is_answered,
        :entry_id, :entry_actor, :entry_action, :entry_request_id, cast(:entry_details as jsonb),
        :is_recommended, :event_id, :event_kind, :event_name,
        cast(:slot as smallint), cast(:names as text[]), cast(:labels as text[]), cast(:counted as float[])
    )
""")
)
"""Postgres' function that writes an ending in one round trip (migration 0022)."""


async def _end(connection: Connection, tenant_id: str, run_id: str, ending: Ending, actor: Actor) -> None:
    """Write how a run ended whose job is gone."""
    values = _values(tenant_id, run_id, ending, actor) | tallies.values({}) | {"attempt": None}
    await _END.value(connection, **values)


def _values(tenant_id: str, run_id: str, ending: Ending, actor: Actor) -> dict[str, object]:
    """What is written of an ending, as parameters."""
    entry = Entry(
        actor=actor.name,
        action="optimization.end",
        subject=run_id,
        request_id=actor.request_id,
        details={"status": ending.status} | ending.details,
    )
    values = {
        "tenant_id": tenant_id,
        "run_id": run_id,
        "status": ending.status,
        "result": ending.result,
        "error": _text(ending.error),
        "timings": _text(ending.timings),
        "is_answered": ending.status in ANSWERED,
        "is_recommended": ending.is_recommended,
        "entry_details": _text(entry.details),
    }
    return journal.noted(entry) | journal.event_of(ending.status) | values


def _text(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(dict(value))
