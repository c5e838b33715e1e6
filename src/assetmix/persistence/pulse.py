"""The pulse of the service: how much waits and runs, and how many processes work.

One row, which the scheduler counts anew with every sweep.
"""

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from assetmix.persistence.run_rows import jobs, pulse, workers
from assetmix.persistence.session import Connection

SEEN_SECONDS = 60
"""A worker not seen for so long does not count as one."""

KEPT = ("queued", "running", "processes", "oldest_seconds")
LIVE = workers.c.seen_at > sa.func.now() - dt.timedelta(seconds=SEEN_SECONDS)


@dataclass(frozen=True, slots=True)
class Pulse:
    """Runs that wait and run, worker processes, the age of the oldest that waits; due bells, and since how long."""

    queued: int = 0
    running: int = 0
    processes: int = 0
    oldest_seconds: float = 0.0
    due: int = 0
    due_seconds: float = 0.0


def _since(moment: sa.ColumnElement[dt.datetime]) -> sa.ColumnElement[float]:
    return sa.func.coalesce(sa.cast(sa.extract("epoch", sa.func.now() - moment), sa.Double), 0.0)


_QUEUED = jobs.c.state == "queued"
_DUE = _QUEUED & (jobs.c.ring_at <= sa.func.now())
_PROCESSES = sa.select(sa.func.coalesce(sa.func.sum(workers.c.processes), 0)).where(LIVE).scalar_subquery()
_COUNT = sa.select(
    sa.func.count().filter(_QUEUED).label("queued"),
    sa.func.count().filter(~_QUEUED).label("running"),
    _PROCESSES.label("processes"),
    _since(sa.func.min(jobs.c.queued_at).filter(_QUEUED)).label("oldest_seconds"),
    sa.func.count().filter(_DUE).label("due"),
    _since(sa.func.min(jobs.c.ring_at).filter(_DUE)).label("due_seconds"),
).select_from(jobs)


async def count_now(connection: Connection) -> Pulse:
    """Count, for a role that sees every job."""
    return Pulse(**(await connection.execute(_COUNT)).one()._mapping)  # noqa: SLF001 - its public name


async def keep(connection: Connection) -> None:
    """Count, and keep the count for those who may not see every job."""
    counted = await count_now(connection)
    values = {name: getattr(counted, name) for name in KEPT} | {"at": sa.func.now()}
    statement = insert(pulse).values(id=1, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


async def read(connection: Connection) -> Pulse:
    """Give the count that was kept last; zeros before the first."""
    row = (await connection.execute(sa.select(*(pulse.c[name] for name in KEPT)))).one_or_none()
    return Pulse() if row is None else Pulse(**row._mapping)  # noqa: SLF001 - its public name
