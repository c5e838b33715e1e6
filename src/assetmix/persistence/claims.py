"""The next run for a worker: fair between tenants, in turn within one, never two of a portfolio.

Who is next is read through an index of the waiting runs, a tenant at a time; so a claim costs the
same whether a hundred runs wait or a hundred thousand.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from assetmix.errors import Conflict
from assetmix.persistence import tallies
from assetmix.persistence.optimizations import COLUMNS, Run, run_of
from assetmix.persistence.pulse import LIVE
from assetmix.persistence.rows import tenants
from assetmix.persistence.run_rows import jobs, optimizations, workers
from assetmix.persistence.session import Connection

NO_CAP = sa.literal_column("2147483647", sa.Integer)
ONE = sa.literal_column("1", sa.Integer)
QUEUED = sa.literal_column("'queued'", sa.Text)
RUNNING = sa.literal_column("'running'", sa.Text)
"""Texts, not parameters: so the plan of a claim may use the indexes of what waits and what runs, and be kept."""

BEFORE = "set local plan_cache_mode = force_generic_plan; set local enable_seqscan = off"
"""What a claim begins with: planning it anew takes longer than carrying it out.

A plan that is kept may come from the time when the queue was empty, when reading a whole table costs
nothing; so it keeps to the indexes, and costs the same whatever has come to wait meanwhile.
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who claims, for how long, and which part of all workers one tenant may keep busy at most."""

    worker: str
    lease_seconds: float
    share: float = 1.0


_BUSY = (
    sa.select(jobs.c.tenant_id, sa.func.count().label("running"))
    .where(jobs.c.state == RUNNING)
    .group_by(jobs.c.tenant_id)
    .cte("busy")
)
_OTHER = jobs.alias("other")
_OCCUPIED = sa.exists().where(
    _OTHER.c.tenant_id == jobs.c.tenant_id, _OTHER.c.portfolio_id == jobs.c.portfolio_id, _OTHER.c.state == RUNNING
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
    waits, in_order = jobs.c.state == QUEUED, jobs.c.tenant_id
    first = sa.select(jobs.c.tenant_id).where(waits).order_by(in_order).limit(ONE)
    found = sa.select(first.subquery().c.tenant_id).cte("waiting", recursive=True)
    following = sa.select(jobs.c.tenant_id).where(waits, jobs.c.tenant_id > found.c.tenant_id)
    step = sa.select(following.order_by(in_order).limit(ONE).scalar_subquery()).where(found.c.tenant_id.is_not(None))
    return found.union_all(step)


_WAITING = _waiting_tenants()
_TURN = (jobs.c.queued_at, jobs.c.run_id)
_HEAD = (
    sa.select(jobs.c.queued_at)
    .where(jobs.c.tenant_id == _WAITING.c.tenant_id, jobs.c.state == QUEUED, ~_OCCUPIED)
    .order_by(*_TURN)
    .limit(ONE)
    .lateral("head")
)
_RUNNING_NOW = sa.func.coalesce(_BUSY.c.running, 0)
_NEXT_TENANT = (
    sa.select(_WAITING.c.tenant_id, _CAP.label("cap"))
    .join(tenants, tenants.c.id == _WAITING.c.tenant_id)
    .join(_HEAD, sa.true())
    .outerjoin(_BUSY, _BUSY.c.tenant_id == _WAITING.c.tenant_id)
    .where(_RUNNING_NOW < _CAP)
    .order_by(_RUNNING_NOW, _HEAD.c.queued_at, _WAITING.c.tenant_id)
    .limit(ONE)
    .subquery("turn")
)
_WHOSE_TURN = sa.select(
    _NEXT_TENANT,
    sa.func.set_config("assetmix.tenant", _NEXT_TENANT.c.tenant_id, True),
    sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(_NEXT_TENANT.c.tenant_id, 4)),
)
"""From here on the tenant's rows are seen, and its claims go on one at a time: only then what is counted holds."""
_OF_TENANT = jobs.c.tenant_id == sa.bindparam("tenant")
_NEXT = (
    sa.select(jobs.c.run_id)
    .where(_OF_TENANT, jobs.c.state == QUEUED, ~_OCCUPIED)
    .order_by(*_TURN)
    .limit(ONE)
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
_RUNNING = (
    sa.select(sa.func.count())
    .where(_OTHER.c.tenant_id == sa.bindparam("tenant"), _OTHER.c.state == RUNNING)
    .scalar_subquery()
)
_TAKEN = (
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
    .cte("taken")
)
_STARTED = (
    sa.update(optimizations)
    .where(optimizations.c.tenant_id == sa.bindparam("tenant"), optimizations.c.id == _TAKEN.c.run_id)
    .values(
        status="running",
        attempt=_TAKEN.c.attempt,
        worker=sa.bindparam("name"),
        started_at=sa.func.coalesce(optimizations.c.started_at, sa.func.clock_timestamp()),
    )
    .returning(*COLUMNS)
    .cte("started")
)


def _counts() -> sa.Insert:
    """Count the attempt, and of a first one how long it has waited."""
    slot = sa.bindparam("slot", type_=sa.SmallInteger)
    waited = sa.cast(sa.extract("epoch", _STARTED.c.started_at - _STARTED.c.queued_at), sa.Double)
    bounds = sa.literal(list(tallies.BOUNDS), ARRAY(sa.Double))
    names = [*(f";{one}" for one in tallies.BOUNDS), ";+Inf"]
    labels: sa.ColumnElement[Any] = sa.literal_column(f"(array{names})", ARRAY(sa.Text))
    bucket = labels[1 + sa.func.width_bucket(waited, bounds)]
    first = _STARTED.c.attempt == 1
    rows = sa.union_all(
        sa.select(
            sa.literal("attempts").label("name"), sa.literal("").label("label"), sa.literal(1.0).label("value")
        ).select_from(_STARTED),
        sa.select(sa.literal("queue_wait_bucket"), bucket, sa.literal(1.0)).where(first),
        sa.select(sa.literal("queue_wait_sum"), sa.literal(""), waited).where(first),
    ).subquery("counts")
    return tallies.added(sa.select(rows.c.name, rows.c.label, slot, rows.c.value).order_by(rows.c.name))


_TAKE = sa.select(_STARTED).add_cte(_counts().cte("counted"))


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
    lease = {"cap": turn.cap, "lease": dt.timedelta(seconds=wanted.lease_seconds), "slot": tallies.slot()}
    taken = await connection.execute(_TAKE, lease | {"tenant": turn.tenant_id, "name": wanted.worker})
    run = taken.one_or_none()
    if run is None:
        raise Conflict("others have just claimed runs of the same tenant")
    return run_of(run)
