"""Workers without a run of their own share in backtests and batches that others work on."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from assetmix import logs
from assetmix.errors import Unavailable
from assetmix.jobs.solver_process import SolverLost, SolverProcess
from assetmix.persistence import optimizations, tasks
from assetmix.persistence.optimizations import Run
from assetmix.persistence.tasks import Task
from assetmix.services.batching import work_chunk
from assetmix.services.context import House
from assetmix.services.errands import Errand

log = logging.getLogger(__name__)


class Unwanted(Exception):
    """The range is somebody else's by now, or its backtest has ended."""


async def help_out(house: House, solver: SolverProcess, worker: str) -> bool:
    """Take a range of any backtest, or a chunk of any batch, and work on it; whether there was one."""
    lease = house.settings.lease_seconds
    try:
        async with house.database.transaction() as connection:
            task = await tasks.take_any(connection, worker, lease)
            run = None if task is None else await optimizations.find_run(connection, task.tenant_id, task.run_id)
    except Unavailable as error:
        log.warning("nothing could be taken: %s", error.message)
        return False
    if task is None or run is None:
        return False
    with logs.about(optimization_id=run.id, tenant=run.tenant_id):
        await _help_with(house, solver, task, run)
    return True


async def _help_with(house: House, solver: SolverProcess, task: Task, run: Run) -> None:
    """Have a range decided; whatever that fails with, its lease ends by itself and others take it."""
    work = work_chunk if run.kind == "batch" else _decide
    try:
        await _watched(house, solver, task, work(house, run, solver, task))
    except Unwanted:
        log.debug("a range is somebody else's by now")
    except (SolverLost, Unavailable) as error:
        log.warning("a range is left to others: %s", error)


async def _decide(house: House, run: Run, solver: SolverProcess, task: Task) -> None:
    """Make the decisions of a range and store them."""
    errand = Errand(house, run, solver)
    question = errand.question(run.time_limit_seconds, decide=[task.first, task.last])
    answer = await solver.ask(question, errand.load)
    if "decided" not in answer.header:
        log.warning("a range could not be decided here: %s", answer.header.get("error", {}).get("detail"))
        return
    async with house.database.transaction(task.tenant_id) as connection:
        await tasks.finish(connection, task, answer.body)


async def _watched(house: House, solver: SolverProcess, task: Task, work: Coroutine[Any, Any, object]) -> None:
    """Work on a task, and keep its lease meanwhile.

    Raises
    ------
    Unwanted
        when the task is not this worker's any more, or its run has ended
    """
    solving = asyncio.create_task(work)
    try:
        while not solving.done():
            await asyncio.wait({solving}, timeout=house.settings.heartbeat_seconds)
            if not solving.done() and not await _is_wanted(house, task):
                raise Unwanted
        solving.result()
    finally:
        if not solving.done():
            await solver.kill()
            solving.cancel()
            await asyncio.gather(solving, return_exceptions=True)
            await solver.start()


async def _is_wanted(house: House, task: Task) -> bool:
    try:
        async with house.database.transaction(task.tenant_id) as connection:
            return await tasks.hold(connection, task, house.settings.lease_seconds)
    except Unavailable:
        return True
