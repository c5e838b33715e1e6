"""Runs as workers see them: claimed, kept alive, given back. The job's row is the work.

Jobs are seen across tenants, but hold no more than who is next; what a run was asked is read only
after its tenant has been set. Only the database's clock is used.
"""

import datetime as dt
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from assetmix.errors import Conflict
from assetmix.persistence import tallies
from assetmix.persistence.journal import Entry, note
from assetmix.persistence.optimizations import COLUMNS, Run, run_of
from assetmix.persistence.outcomes import CANCELLED, GIVEN_UP, Actor, counted, end_lost, held
from assetmix.persistence.pulse import LIVE
from assetmix.persistence.rows import tenants
from assetmix.persistence.run_rows import jobs, optimizations, workers
from assetmix.persistence.session import Connection, set_tenant

MOST_RINGS = 100
"""Bells rung in one sweep: a backlog never floods the queue."""

NO_CAP = 2**31 - 1
SCHEDULER = Actor("scheduler")


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep found: runs to ring for, runs taken back from lost workers, runs given up."""

    rings: int
    requeued: int
    failed: int


@dataclass(frozen=True, slots=True)
class Claim:
    """Who claims, for how long, and which part of all workers one tenant may keep busy at most."""

    worker: str
    lease_seconds: float
    share: float = 1.0


_BUSY = (
    sa.select(jobs.c.tenant_id, sa.func.count().label("running"))
    .where(jobs.c.state == "running")
    .group_by(jobs.c.tenant_id)
    .cte("busy")
)
_OTHER = jobs.alias("other")
_OCCUPIED = sa.exists().where(
    _OTHER.c.tenant_id == jobs.c.tenant_id, _OTHER.c.portfolio_id == jobs.c.portfolio_id, _OTHER.c.state == "running"
)
_PROCESSES = (
    sa.select(sa.func.ceil(sa.bindparam("share", type_=sa.Double) * sa.func.sum(workers.c.processes)))
    .where(LIVE)
    .scalar_subquery()
)
_CAP = sa.func.least(tenants.c.settings["concurrent_runs"].as_integer(), _PROCESSES, NO_CAP)
"""The smaller of what the tenant sets itself and of its share; what is not known does not count."""

_NEXT = (
    sa.select(jobs.c.tenant_id, jobs.c.run_id, _CAP.label("cap"))
    .join(tenants, tenants.c.id == jobs.c.tenant_id)
    .outerjoin(_BUSY, _BUSY.c.tenant_id == jobs.c.tenant_id)
    .where(jobs.c.state == "queued", ~_OCCUPIED, sa.func.coalesce(_BUSY.c.running, 0) < _CAP)
    .order_by(sa.func.coalesce(_BUSY.c.running, 0), jobs.c.queued_at, jobs.c.run_id)
    .limit(1)
    .with_for_update(of=jobs, skip_locked=True)
)
_RUNNING = (
    sa.select(sa.func.count())
    .where(_OTHER.c.tenant_id == sa.bindparam("tenant"), _OTHER.c.state == "running")
    .scalar_subquery()
)
_TAKE = (
    sa.update(jobs)
    .where(jobs.c.tenant_id == sa.bindparam("tenant"), jobs.c.run_id == sa.bindparam("run"), ~_OCCUPIED)
    .where(sa.bindparam("cap", type_=sa.Double) > _RUNNING)
    .values(
        state="running",
        attempt=jobs.c.attempt + 1,
        worker=sa.bindparam("name"),
        lease_until=sa.func.now() + sa.bindparam("lease", type_=sa.Interval),
        ring_at=None,
    )
    .returning(jobs.c.attempt)
)
_START = (
    sa.update(optimizations)
    .where(optimizations.c.tenant_id == sa.bindparam("tenant"), optimizations.c.id == sa.bindparam("run"))
    .values(
        status="running",
        attempt=sa.bindparam("number"),
        worker=sa.bindparam("name"),
        started_at=sa.func.coalesce(optimizations.c.started_at, sa.func.clock_timestamp()),
    )
    .returning(*COLUMNS)
)


async def claim(connection: Connection, wanted: Claim) -> Run | None:
    """Take the next eligible run, fair between tenants: the tenant with the fewest running comes first.

    A run is eligible when no other of its portfolio is running and its tenant has room below its
    cap. None when nothing is eligible.

    Raises
    ------
    Conflict
        when others claimed at the same moment; the transaction is lost then, and the next may succeed
    """
    found = (await connection.execute(_NEXT, {"share": wanted.share})).one_or_none()
    if found is None:
        return None
    named = {"tenant": found.tenant_id, "run": found.run_id, "name": wanted.worker}
    await set_tenant(connection, found.tenant_id)
    # one claim of a tenant at a time: only then is what was counted still true
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(found.tenant_id, 4))))
    lease = {"cap": found.cap, "lease": dt.timedelta(seconds=wanted.lease_seconds)}
    attempt = (await connection.execute(_TAKE, named | lease)).scalar_one_or_none()
    if attempt is None:
        raise Conflict("others have just claimed runs of the same tenant")
    run = run_of((await connection.execute(_START, named | {"number": attempt})).one())
    await tallies.add(connection, _started(run))
    return run


def _started(run: Run) -> tallies.Counts:
    counts: dict[tuple[str, str], float] = {("attempts", ""): 1.0}
    if run.attempt == 1 and run.started_at is not None:
        counts |= tallies.seconds("queue_wait", "", (run.started_at - run.queued_at).total_seconds())
    return counts


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
    await _requeue(connection, [(run.tenant_id, run.id)], actor)
    return True


async def release(connection: Connection, worker: str) -> int:
    """Queue what a worker holds that leaves: at once, and without blame; how many runs that were."""
    mine = (jobs.c.state == "running") & jobs.c.worker.startswith(f"{worker}:", autoescape=True)
    back = await _some(connection, mine, sa.update(jobs).values(_BACK))
    await _requeue(connection, back, Actor(worker))
    return len(back)


async def sweep(connection: Connection, most_losses: int, ring_seconds: tuple[float, float]) -> Sweep:
    """Take back what lost workers held, and find the runs whose bell is due.

    Parameters
    ----------
    most_losses : runs that were lost so often are given up
    ring_seconds : first and longest pause between two rings for the same run
    """
    expired = (jobs.c.state == "running") & (jobs.c.lease_until < sa.func.now())
    spent = jobs.c.losses + 1 >= most_losses
    asked = jobs.c.cancel_requested
    unwanted = await _some(connection, expired & asked, sa.delete(jobs))
    lost = await _some(connection, expired & ~asked & spent, sa.delete(jobs))
    await end_lost(connection, unwanted, CANCELLED, SCHEDULER)
    await end_lost(connection, lost, GIVEN_UP, SCHEDULER)
    again = _BACK | {"losses": jobs.c.losses + 1}
    back = await _some(connection, expired & ~asked & ~spent, sa.update(jobs).values(again))
    await _requeue(connection, back, SCHEDULER)
    await _wake(connection, {tenant_id for tenant_id, _ in (*unwanted, *lost)})
    first, longest = ring_seconds
    pause = sa.func.least(first * sa.func.power(2.0, sa.func.least(jobs.c.rings, 20)), longest)
    later = sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, pause)
    due = (jobs.c.state == "queued") & (jobs.c.ring_at <= sa.func.now())
    rings = await _some(connection, due, sa.update(jobs).values(rings=jobs.c.rings + 1, ring_at=later))
    await _count(connection, len(unwanted), len(lost), len(back))
    return Sweep(len(rings), len(back), len(lost))


async def _wake(connection: Connection, tenant_ids: set[str]) -> None:
    """Have the bells of these tenants' runs be due: one of them may have waited for what has ended."""
    if tenant_ids:
        waiting = jobs.c.tenant_id.in_(tenant_ids) & (jobs.c.state == "queued")
        await connection.execute(sa.update(jobs).where(waiting).values(ring_at=sa.func.now()))


async def _count(connection: Connection, unwanted: int, lost: int, back: int) -> None:
    if unwanted or lost or back:
        expired = {("leases_expired", ""): float(unwanted + lost + back)}
        counts = [counted(CANCELLED)] * unwanted + [counted(GIVEN_UP)] * lost + [expired]
        await tallies.add(connection, tallies.together(counts))


_BACK: dict[str, Any] = {"state": "queued", "lease_until": None, "worker": None, "ring_at": sa.func.now()}


async def _requeue(connection: Connection, runs: list[tuple[str, str]], actor: Actor) -> None:
    for tenant_id, group in groupby(sorted(runs), key=lambda one: one[0]):
        ids = [run_id for _, run_id in group]
        await set_tenant(connection, tenant_id)
        await connection.execute(_of(ids, tenant_id).values(status="queued", worker=None))
        await note(connection, tenant_id, *(_lost(run_id, actor) for run_id in ids))


def _lost(run_id: str, actor: Actor) -> Entry:
    return Entry(actor=actor.name, action="optimization.lost", subject=run_id, request_id=actor.request_id)


async def _some(
    connection: Connection, which: sa.ColumnElement[bool], change: sa.Update | sa.Delete
) -> list[tuple[str, str]]:
    """Change or delete some jobs that nobody else holds; gives tenant and run of each."""
    found = sa.select(jobs.c.tenant_id, jobs.c.run_id).where(which).order_by(jobs.c.queued_at)
    some = found.limit(MOST_RINGS).with_for_update(skip_locked=True).cte("some")
    mine = (jobs.c.tenant_id == some.c.tenant_id) & (jobs.c.run_id == some.c.run_id)
    rows = await connection.execute(change.where(mine).returning(jobs.c.tenant_id, jobs.c.run_id))
    return [(row.tenant_id, row.run_id) for row in rows.all()]


def _of(ids: list[str], tenant_id: str) -> sa.Update:
    return sa.update(optimizations).where(optimizations.c.tenant_id == tenant_id, optimizations.c.id.in_(ids))
