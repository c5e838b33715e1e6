"""Claimed runs as workers see them: kept alive, given back, taken from the lost. The job's row is the work.

Jobs are seen across tenants, but hold no more than who is next; what a run was asked is read only
after its tenant has been set. Only the database's clock is used.
"""

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from assetmix.persistence import tallies
from assetmix.persistence.journal import Entry, note
from assetmix.persistence.optimizations import Run
from assetmix.persistence.outcomes import CANCELLED, GIVEN_UP, Actor, counted, end_lost, held
from assetmix.persistence.run_rows import jobs, optimizations
from assetmix.persistence.session import Connection, set_tenant

MOST_AT_ONCE = 100
"""Jobs that one sweep changes, and rings for: a backlog never floods the queue."""

SCHEDULER = Actor("scheduler")


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep found: runs to ring for, runs taken back from lost workers, runs given up."""

    rings: int
    requeued: int
    failed: int


NOTHING = Sweep(0, 0, 0)


async def keep_alive(connection: Connection, run: Run, lease_seconds: float, progress: float = 0.0) -> str:
    """Prolong the lease, note the progress; tells to go on (`mine`), to `cancel`, or that it is `lost` to another."""
    lease = sa.func.now() + dt.timedelta(seconds=lease_seconds)
    prolong = sa.update(jobs).where(held(run)).values(lease_until=lease).returning(jobs.c.cancel_requested)
    asked = (await connection.execute(prolong)).scalar_one_or_none()
    if asked is None:
        return "lost"
    if progress:
        await connection.execute(_of([run.id], run.tenant_id).values(progress=progress))
    return "cancel" if asked else "mine"


async def give_back(connection: Connection, run: Run, most_losses: int, *, blame: bool = True) -> bool:
    """Queue a run again that could not be worked on; False when it was lost too often, or another attempt owns it.

    A run that is to blame counts as lost once more; one that somebody wants cancelled is.
    """
    actor = Actor(run.worker or "", run.request_id)
    unwanted = sa.delete(jobs).where(held(run), jobs.c.cancel_requested).returning(jobs.c.run_id)
    if (await connection.execute(unwanted)).one_or_none() is not None:
        await end_lost(connection, [(run.tenant_id, run.id)], CANCELLED, actor)
        await tallies.add(connection, counted(CANCELLED))
        return True
    losses = jobs.c.losses + (1 if blame else 0)
    back = sa.update(jobs).where(held(run), losses < most_losses).values(_BACK | {"losses": losses})
    if (await connection.execute(back.returning(jobs.c.run_id))).one_or_none() is None:
        return False
    await _requeue(connection, [(run.tenant_id, run.id)], actor, blame=blame)
    return True


async def release(connection: Connection, worker: str) -> int:
    """Queue what a worker holds that leaves: at once, and without blame; how many runs that were."""
    mine = (jobs.c.state == "running") & jobs.c.worker.startswith(f"{worker}:", autoescape=True)
    back = await _some(connection, mine, sa.update(jobs).values(_BACK))
    await _requeue(connection, back, Actor(worker), blame=False)
    return len(back)


async def sweep(connection: Connection, most_losses: int, ring_seconds: tuple[float, float]) -> Sweep:
    """Take back what lost workers held, and find the runs whose bell is due.

    Parameters
    ----------
    most_losses : runs that were lost so often are given up
    ring_seconds : first and longest pause between two rings for the same run
    """
    taken = await take_back(connection, most_losses)
    first, longest = ring_seconds
    pause = sa.func.least(first * sa.func.power(2.0, sa.func.least(jobs.c.rings, 20)), longest)
    later = sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, pause)
    due = (jobs.c.state == "queued") & (jobs.c.ring_at <= sa.func.now())
    rings = await _some(connection, due, sa.update(jobs).values(rings=jobs.c.rings + 1, ring_at=later))
    return Sweep(len(rings), taken.requeued, taken.failed)


async def take_back(connection: Connection, most_losses: int) -> Sweep:
    """Queue, cancel or give up the runs whose leases have ended; `rings` tells how many workers have room now."""
    expired = (jobs.c.state == "running") & (jobs.c.lease_until <= sa.func.now())
    spent = jobs.c.losses + 1 >= most_losses
    asked = jobs.c.cancel_requested
    unwanted = await _some(connection, expired & asked, sa.delete(jobs))
    lost = await _some(connection, expired & ~asked & spent, sa.delete(jobs))
    await end_lost(connection, unwanted, CANCELLED, SCHEDULER)
    await end_lost(connection, lost, GIVEN_UP, SCHEDULER)
    again = _BACK | {"losses": jobs.c.losses + 1}
    back = await _some(connection, expired & ~asked & ~spent, sa.update(jobs).values(again))
    await _requeue(connection, back, SCHEDULER, blame=True)
    await _wake(connection, [tenant_id for tenant_id, _ in (*unwanted, *lost)])
    await _count(connection, len(unwanted), len(lost), len(back))
    return Sweep(len(unwanted) + len(lost) + len(back), len(back), len(lost))


async def _wake(connection: Connection, tenant_ids: list[str]) -> None:
    """Have the bell of one waiting run be due for each run that has ended: it may have waited for that."""
    for tenant_id, ended in Counter(tenant_ids).items():
        waiting = (jobs.c.tenant_id == tenant_id) & (jobs.c.state == "queued")
        await _some(connection, waiting, sa.update(jobs).values(ring_at=sa.func.now()), ended)


async def _count(connection: Connection, unwanted: int, lost: int, back: int) -> None:
    if unwanted or lost or back:
        expired = {("leases_expired", ""): float(unwanted + lost + back)}
        counts = [counted(CANCELLED)] * unwanted + [counted(GIVEN_UP)] * lost + [expired]
        await tallies.add(connection, tallies.together(counts))


_BACK: dict[str, Any] = {"state": "queued", "lease_until": None, "worker": None, "ring_at": sa.func.now()}


async def _requeue(connection: Connection, runs: list[tuple[str, str]], actor: Actor, *, blame: bool) -> None:
    for tenant_id, group in groupby(sorted(runs), key=lambda one: one[0]):
        ids = [run_id for _, run_id in group]
        await set_tenant(connection, tenant_id)
        await connection.execute(_of(ids, tenant_id).values(status="queued", worker=None))
        await note(connection, tenant_id, *(_lost(run_id, actor, blame) for run_id in ids))


def _lost(run_id: str, actor: Actor, blame: bool) -> Entry:  # noqa: FBT001 - a fact to be written down
    details = {"blame": blame}
    return Entry(
        actor=actor.name, action="optimization.lost", subject=run_id, request_id=actor.request_id, details=details
    )


async def _some(
    connection: Connection, which: sa.ColumnElement[bool], change: sa.Update | sa.Delete, most: int = MOST_AT_ONCE
) -> list[tuple[str, str]]:
    """Change or delete some jobs that nobody else holds; gives tenant and run of each."""
    found = sa.select(jobs.c.tenant_id, jobs.c.run_id).where(which).order_by(jobs.c.queued_at)
    some = found.limit(most).with_for_update(skip_locked=True).cte("some")
    mine = (jobs.c.tenant_id == some.c.tenant_id) & (jobs.c.run_id == some.c.run_id)
    rows = await connection.execute(change.where(mine).returning(jobs.c.tenant_id, jobs.c.run_id))
    return [(row.tenant_id, row.run_id) for row in rows.all()]


def _of(ids: list[str], tenant_id: str) -> sa.Update:
    return sa.update(optimizations).where(optimizations.c.tenant_id == tenant_id, optimizations.c.id.in_(ids))
