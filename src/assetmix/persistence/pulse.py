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

LIVE = workers.c.seen_at > sa.func.now() - dt.timedelta(seconds=SEEN_SECONDS)


@dataclass(frozen=True, slots=True)
class Pulse:
    """Runs that wait and run, worker processes, seconds that the oldest has waited."""

    queued: int = 0
    running: int = 0
    processes: int = 0
    oldest_seconds: float = 0.0


async def count(connection: Connection) -> None:
    """Count anew."""
    queued = jobs.c.state == "queued"
    waited = sa.extract("epoch", sa.func.now() - sa.func.min(jobs.c.queued_at).filter(queued))
    processes = sa.select(sa.func.coalesce(sa.func.sum(workers.c.processes), 0)).where(LIVE).scalar_subquery()
    found = sa.select(
        sa.literal(1),
        sa.func.count().filter(queued),
        sa.func.count().filter(~queued),
        processes,
        sa.func.coalesce(waited, 0.0),
        sa.func.now(),
    ).select_from(jobs)
    names = ["id", *Pulse.__dataclass_fields__, "at"]
    statement = insert(pulse).from_select(names, found)
    changed = {name: statement.excluded[name] for name in names[1:]}
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed))


async def read(connection: Connection) -> Pulse:
    """Give the last count; zeros before the first."""
    row = (await connection.execute(sa.select(*(pulse.c[name] for name in Pulse.__dataclass_fields__)))).one_or_none()
    return Pulse() if row is None else Pulse(**row._mapping)  # noqa: SLF001 - its public name
