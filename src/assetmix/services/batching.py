"""A batch seen through: its chunks are taken by this worker and by any other, and answered account by account."""

import asyncio
import json
import logging
from typing import Any

from assetmix.jobs.frames import Frame
from assetmix.jobs.solver_process import SolverLost, SolverProcess
from assetmix.persistence import batches, tasks
from assetmix.persistence.batches import Item
from assetmix.persistence.optimizations import Run
from assetmix.persistence.outcomes import Ending
from assetmix.persistence.tasks import Task
from assetmix.services.context import House
from assetmix.services.errands import LOOK_SECONDS, MOST_RINGS, OWN_LEASES, Errand
from assetmix.services.versions import versions

log = logging.getLogger(__name__)

SPARE_SECONDS = 5.0
"""Beyond the time of its accounts, what a chunk may take before its solver process is taken for stuck."""

STATUSES = ("succeeded", "infeasible", "refused", "failed")


async def see_batch(house: House, run: Run, solver: SolverProcess) -> Ending:
    """Open the chunks, take one after the other beside other workers, and count what became of the accounts."""
    async with house.database.transaction(run.tenant_id) as connection:
        count = await batches.count_chunks(connection, run.tenant_id, run.id)
        await tasks.open_tasks(connection, run.tenant_id, run.id, [(number, number + 1) for number in range(count)])
    house.bell.ring(min(count - 1, MOST_RINGS))
    await house.bell.flush()
    while (task := await _next(house, run, solver)) is not None:
        await work_chunk(house, run, solver, task)
    async with house.database.transaction(run.tenant_id) as connection:
        found = await batches.count_by_status(connection, run.tenant_id, run.id)
    result = {"count": sum(found.values())} | {name: found.get(name, 0) for name in STATUSES}
    return Ending(status="succeeded", result=json.dumps(result), details={"versions": versions(), **result})


async def work_chunk(house: House, run: Run, solver: SolverProcess, task: Task) -> bool:
    """Answer the accounts of a chunk and store the answers together; whether the chunk was still this worker's."""
    items = await _answers(house, run, solver, task)
    async with house.database.transaction(run.tenant_id) as connection:
        if not await tasks.close(connection, task):
            return False
        await batches.add_items(connection, run.tenant_id, run.id, items)
    return True


async def _next(house: House, run: Run, solver: SolverProcess) -> Task | None:
    """Take the next chunk; None when all are done. Chunks of lost workers come back in time."""
    lease = OWN_LEASES * house.settings.lease_seconds
    while True:
        async with house.database.transaction(run.tenant_id) as connection:
            task = await tasks.take_of(connection, run.tenant_id, run.id, run.attempt, lease)
            seen = await tasks.tally(connection, run.tenant_id, run.id)
        solver.progress = seen.done / max(1, seen.count)
        if task is not None or seen.done == seen.count:
            return task
        await asyncio.sleep(LOOK_SECONDS)


async def _answers(house: House, run: Run, solver: SolverProcess, task: Task) -> list[Item]:
    """The accounts of a chunk together; where the solver process is lost over them, one by one."""
    async with house.database.transaction(run.tenant_id) as connection:
        chunk = await batches.find_chunk(connection, run.tenant_id, run.id, task.first)
    if solver.memory_mb > house.settings.solve_memory_mb:
        await solver.kill()  # what earlier chunks left behind is too much to begin with
    try:
        return await _asked(house, run, solver, {"chunk": chunk.number}, chunk.count)
    except SolverLost as error:
        log.warning("the accounts of a chunk are answered one by one: %s", error)
    found: list[Item] = []
    for place, account in enumerate(json.loads(chunk.accounts)):
        try:
            found += await _asked(house, run, solver, {"chunk": chunk.number, "only": [place]}, 1)
        except SolverLost:
            found.append(_lost(account))
    return found


async def _asked(house: House, run: Run, solver: SolverProcess, what: dict[str, Any], count: int) -> list[Item]:
    """Ask the solver process for accounts of a chunk.

    Raises
    ------
    SolverLost
        when it ends, or takes far longer than it may
    """
    seconds, progress = float(run.inputs["seconds_each"]), solver.progress
    errand = Errand(house, run, solver)
    try:
        async with asyncio.timeout(count * seconds + SPARE_SECONDS):
            answer = await solver.ask(errand.question(seconds, **what), errand.load)
    except TimeoutError:
        await solver.kill()
        raise SolverLost("the solver process took longer than it may") from None
    finally:
        solver.progress = progress
    return _items(answer)


def _items(answer: Frame) -> list[Item]:
    if "error" in answer.header:
        raise SolverLost(str(answer.header["error"].get("detail")))
    found, start = [], 0
    for told in answer.header["items"]:
        end = start + told.pop("length")
        found.append(Item(**told, result=answer.body[start:end] or None))
        start = end
    return found


def _lost(account: dict[str, Any]) -> Item:
    named = {name: account[name] for name in ("number", "portfolio_id", "client_reference")}
    detail = "The solver process was lost over this account, or took longer than it may."
    return Item(**named, status="failed", error={"code": "solver-lost", "detail": detail, "errors": []})
