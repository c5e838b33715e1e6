"""The next run for a worker: fair between tenants, in turn within one, never two of a portfolio.

Who is next is read through an index of the waiting runs, a tenant at a time; so a claim costs the
same whether a hundred runs wait or a hundred thousand.
"""

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from assetmix.errors import Conflict
from assetmix.persistence import tallies
from assetmix.persistence.optimizations import COLUMNS, Run, run_of
from assetmix.persistence.pulse import LIVE
from assetmix.persistence.rows import tenants
from assetmix.persistence.run_rows import jobs, optimizations, workers
from assetmix.persistence.session import Connection, set_tenant

NO_CAP = 2**31 - 1


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


def _waiting_tenants() -> sa.CTE:
    """Tenants with waiting runs: one step through the index for each, whatever the number of runs."""
    waits, in_order = jobs.c.state == "queued", jobs.c.tenant_id
    first = sa.select(jobs.c.tenant_id).where(waits).order_by(in_order).limit(1)
    found = sa.select(first.subquery().c.tenant_id).cte("waiting", recursive=True)
    following = sa.select(jobs.c.tenant_id).where(waits, jobs.c.tenant_id > found.c.tenant_id)
    step = sa.select(following.order_by(in_order).limit(1).scalar_subquery()).where(found.c.tenant_id.is_not(None))
    return found.union_all(step)


_WAITING = _waiting_tenants()
_TURN = (jobs.c.queued_at, jobs.c.run_id)
_HEAD = (
    sa.select(jobs.c.queued_at)
    .where(jobs.c.tenant_id == _WAITING.c.tenant_id, jobs.c.state == "queued", ~_OCCUPIED)
    .order_by(*_TURN)
    .limit(1)
    .lateral("head")
)
_RUNNING_NOW = sa.func.coalesce(_BUSY.c.running, 0)
_WHOSE_TURN = (
    sa.select(_WAITING.c.tenant_id, _CAP.label("cap"))
    .join(tenants, tenants.c.id == _WAITING.c.tenant_id)
    .join(_HEAD, sa.true())
    .outerjoin(_BUSY, _BUSY.c.tenant_id == _WAITING.c.tenant_id)
    .where(_RUNNING_NOW < _CAP)
    .order_by(_RUNNING_NOW, _HEAD.c.queued_at, _WAITING.c.tenant_id)
    .limit(1)
)
_OF_TENANT = jobs.c.tenant_id == sa.bindparam("tenant")
_NEXT = (
    sa.select(jobs.c.run_id)
    .where(_OF_TENANT, jobs.c.state == "queued", ~_OCCUPIED)
    .order_by(*_TURN)
    .limit(1)
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
_RUNNING = (
    sa.select(sa.func.count())
    .where(_OTHER.c.tenant_id == sa.bindparam("tenant"), _OTHER.c.state == "running")
    .scalar_subquery()
)
_TAKE = (
    sa.update(jobs)
    .where(_OF_TENANT, jobs.c.run_id == _NEXT, sa.bindparam("cap", type_=sa.Double) > _RUNNING)
    .values(
        state="running",
        attempt=jobs.c.attempt + 1,
        worker=sa.bindparam("name"),
        lease_until=sa.func.now() + sa.bindparam("lease", type_=sa.Interval),
        ring_at=None,
    )
    .returning(jobs.c.run_id, jobs.c.attempt)
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
        when others claimed at the same moment; the next attempt, in a transaction of its own, may succeed
    """
    turn = (await connection.execute(_WHOSE_TURN, {"share": wanted.share})).one_or_none()
    if turn is None:
        return None
    named = {"tenant": turn.tenant_id, "name": wanted.worker}
    await set_tenant(connection, turn.tenant_id)
    # one claim of a tenant at a time: only then is what was counted still true
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(turn.tenant_id, 4))))
    lease = {"cap": turn.cap, "lease": dt.timedelta(seconds=wanted.lease_seconds)}
    taken = (await connection.execute(_TAKE, named | lease)).one_or_none()
    if taken is None:
        raise Conflict("others have just claimed runs of the same tenant")
    started = await connection.execute(_START, named | {"run": taken.run_id, "number": taken.attempt})
    run = run_of(started.one())
    await tallies.add(connection, _started(run))
    return run


def _started(run: Run) -> tallies.Counts:
    counts: dict[tuple[str, str], float] = {("attempts", ""): 1.0}
    if run.attempt == 1 and run.started_at is not None:
        counts |= tallies.seconds("queue_wait", "", (run.started_at - run.queued_at).total_seconds())
    return counts
