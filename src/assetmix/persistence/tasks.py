"""Ranges of a backtest's decisions and chunks of a batch: opened by their run, taken by any worker, done once.

Tasks are seen across tenants, but hold no more than which decisions are meant. One whose lease has
ended is open again: a worker that is lost costs the range that it held.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from assetmix.persistence.run_rows import backtest_decisions, backtest_tasks, jobs
from assetmix.persistence.session import Connection, set_tenant

OWN = "attempt/"
"""Begins the name under which a run takes tasks of its own."""


@dataclass(frozen=True, slots=True)
class Task:
    """Decisions, or chunks, from `first` up to, not including, `last`, and who makes them."""

    tenant_id: str
    run_id: str
    number: int
    first: int
    last: int
    worker: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How many tasks of a run there are, and how many are done."""

    count: int
    done: int


_MAY_BE_TAKEN = (backtest_tasks.c.state == "open") | (
    (backtest_tasks.c.state == "taken") & (backtest_tasks.c.lease_until <= sa.func.now())
)


async def open_tasks(connection: Connection, tenant_id: str, run_id: str, ranges: Sequence[tuple[int, int]]) -> None:
    """Open the tasks of a run; those that are there stay as they are."""
    rows = [
        {"tenant_id": tenant_id, "run_id": run_id, "number": number, "first": first, "last": last}
        for number, (first, last) in enumerate(ranges)
    ]
    await connection.execute(insert(backtest_tasks).values(rows).on_conflict_do_nothing())


async def take_of(connection: Connection, tenant_id: str, run_id: str, attempt: int, seconds: float) -> Task | None:
    """Take a task of one run for an attempt of that run itself; what an earlier attempt has taken is free again."""
    own = f"{OWN}{attempt}"
    left = backtest_tasks.c.worker.startswith(OWN) & (backtest_tasks.c.worker != own)
    may = _MAY_BE_TAKEN | ((backtest_tasks.c.state == "taken") & left)
    return await _take(connection, may & _of(tenant_id, run_id), own, seconds)


async def take_any(connection: Connection, worker: str, seconds: float) -> Task | None:
    """Take a task of any run that is being worked on; the rest of the transaction is its tenant's."""
    same = (jobs.c.tenant_id == backtest_tasks.c.tenant_id) & (jobs.c.run_id == backtest_tasks.c.run_id)
    wanted = sa.exists().where(same, jobs.c.state == "running", ~jobs.c.cancel_requested)
    task = await _take(connection, _MAY_BE_TAKEN & wanted, worker, seconds)
    if task is not None:
        await set_tenant(connection, task.tenant_id)
    return task


async def hold(connection: Connection, task: Task, seconds: float) -> bool:
    """Prolong the lease of a task; False when it is not this worker's any more, or nobody wants it."""
    same = (jobs.c.tenant_id == task.tenant_id) & (jobs.c.run_id == task.run_id)
    wanted = sa.exists().where(same, jobs.c.state == "running", ~jobs.c.cancel_requested)
    lease = sa.func.now() + dt.timedelta(seconds=seconds)
    prolong = sa.update(backtest_tasks).where(_held(task), wanted).values(lease_until=lease)
    return (await connection.execute(prolong.returning(backtest_tasks.c.number))).one_or_none() is not None


async def close(connection: Connection, task: Task) -> bool:
    """Note that a task is done; False when somebody else has it by now, or nobody wants it any more."""
    done = sa.update(backtest_tasks).where(_held(task)).values(state="done", lease_until=None)
    return (await connection.execute(done.returning(backtest_tasks.c.number))).one_or_none() is not None


async def finish(connection: Connection, task: Task, payload: bytes) -> None:
    """Store what was decided, unless the task is not this worker's any more."""
    if not await close(connection, task):
        return
    key = {"tenant_id": task.tenant_id, "run_id": task.run_id, "number": task.number}
    await connection.execute(insert(backtest_decisions).values(**key, payload=payload).on_conflict_do_nothing())


async def tally(connection: Connection, tenant_id: str, run_id: str) -> Tally:
    """Count the tasks of a run."""
    done = sa.func.count().filter(backtest_tasks.c.state == "done")
    query = sa.select(sa.func.count(), done).select_from(backtest_tasks).where(_of(tenant_id, run_id))
    return Tally(*(await connection.execute(query)).one())


async def payloads(connection: Connection, tenant_id: str, run_id: str) -> list[bytes]:
    """Give what was decided in each task, in order."""
    mine = (backtest_decisions.c.tenant_id == tenant_id) & (backtest_decisions.c.run_id == run_id)
    query = sa.select(backtest_decisions.c.payload).where(mine).order_by(backtest_decisions.c.number)
    return [bytes(one) for one in (await connection.execute(query)).scalars()]


async def _take(connection: Connection, where: sa.ColumnElement[bool], worker: str, seconds: float) -> Task | None:
    key = (backtest_tasks.c.tenant_id, backtest_tasks.c.run_id, backtest_tasks.c.number)
    first = sa.select(*key).where(where).order_by(*key[1:]).limit(1).with_for_update(skip_locked=True).cte("first")
    lease = sa.func.now() + dt.timedelta(seconds=seconds)
    taken = (
        sa.update(backtest_tasks)
        .where(*(column == first.c[column.name] for column in key))
        .values(state="taken", worker=worker, lease_until=lease)
        .returning(*key, backtest_tasks.c.first, backtest_tasks.c.last, backtest_tasks.c.worker)
    )
    row = (await connection.execute(taken)).one_or_none()
    return None if row is None else Task(*row)


def _of(tenant_id: str, run_id: str) -> sa.ColumnElement[bool]:
    return (backtest_tasks.c.tenant_id == tenant_id) & (backtest_tasks.c.run_id == run_id)


def _held(task: Task) -> sa.ColumnElement[bool]:
    mine = _of(task.tenant_id, task.run_id) & (backtest_tasks.c.number == task.number)
    return mine & (backtest_tasks.c.state == "taken") & (backtest_tasks.c.worker == task.worker)
