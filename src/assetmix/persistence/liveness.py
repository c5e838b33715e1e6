"""Workers that live: one row each, written by what they do, not by the fact that they exist."""

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from assetmix.persistence.run_rows import jobs, workers
from assetmix.persistence.session import Connection

REFRESH_SECONDS = 5
GONE_DAYS = 1


async def sign(connection: Connection, name: str, processes: int, version: str) -> None:
    """Write that a worker has heard the bell and got as far as the database."""
    statement = insert(workers).values(name=name, processes=processes, version=version)
    changed = {"processes": processes, "version": version, "seen_at": sa.func.now()}
    await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))


async def still_there(connection: Connection, name: str) -> None:
    """Write that a worker is busy with a run; not more often than every few seconds."""
    stale = workers.c.seen_at < sa.func.now() - dt.timedelta(seconds=REFRESH_SECONDS)
    await connection.execute(sa.update(workers).where(workers.c.name == name, stale).values(seen_at=sa.func.now()))


async def leave(connection: Connection, name: str) -> None:
    """Take a worker's row away."""
    await connection.execute(sa.delete(workers).where(workers.c.name == name))


async def holders(connection: Connection, host: str) -> list[str]:
    """Give the pool children of a host that hold runs."""
    here = (jobs.c.state == "running") & jobs.c.worker.startswith(f"{host}:", autoescape=True)
    return list((await connection.execute(sa.select(jobs.c.worker).where(here).distinct())).scalars())


async def release(connection: Connection, child: str) -> None:
    """End the leases of a pool child that has died."""
    mine = (jobs.c.state == "running") & (jobs.c.worker == child)
    await connection.execute(sa.update(jobs).where(mine).values(lease_until=sa.func.now()))


async def forget(connection: Connection) -> None:
    """Take away the rows of workers that were not seen for a day."""
    old = workers.c.seen_at < sa.func.now() - dt.timedelta(days=GONE_DAYS)
    await connection.execute(sa.delete(workers).where(old))


async def newest_sign(connection: Connection, host: str) -> float | None:
    """Seconds since any worker of a host was last seen; None where there is none."""
    ago = sa.extract("epoch", sa.func.now() - sa.func.max(workers.c.seen_at))
    here = workers.c.name.startswith(f"{host}:", autoescape=True)
    found = (await connection.execute(sa.select(ago).where(here))).scalar_one()
    return None if found is None else float(found)
