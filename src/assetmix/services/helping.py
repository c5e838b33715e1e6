"""Workers without a run of their own make decisions of backtests that others work on."""

import asyncio
import logging

from assetmix import logs
from assetmix.errors import Unavailable
from assetmix.jobs.frames import Frame
from assetmix.jobs.solver_process import SolverLost, SolverProcess
from assetmix.persistence import optimizations, tasks
from assetmix.persistence.optimizations import Run
from assetmix.persistence.tasks import Task
from assetmix.services.context import House
from assetmix.services.errands import Errand

log = logging.getLogger(__name__)


class Unwanted(Exception):
    """The range is somebody else's by now, or its backtest has ended."""


async def help_out(house: House, solver: SolverProcess, worker: str) -> bool:
    """Take a range of any backtest and make its decisions; whether there was one."""
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
    try:
        answer = await _watched(house, solver, task, run)
        if "decided" not in answer.header:
            log.warning("a range could not be decided here: %s", answer.header.get("error", {}).get("detail"))
            return
        async with house.database.transaction(task.tenant_id) as connection:
            await tasks.finish(connection, task, answer.body)
    except Unwanted:
        log.debug("a range is somebody else's by now")
    except (SolverLost, Unavailable) as error:
        log.warning("a range is left to others: %s", error)


async def _watched(house: House, solver: SolverProcess, task: Task, run: Run) -> Frame:
    """Have the solver process decide, and keep the range's lease meanwhile.

    Raises
    ------
    Unwanted
        when the range is not this worker's any more, or its backtest has ended
    """
    question = {
        "inputs": run.inputs,
        "snapshot_digest": run.snapshot_digest,
        "model_digest": None,
        "seconds": run.time_limit_seconds,
        "decide": [task.first, task.last],
    }
    solving = asyncio.create_task(solver.ask(question, Errand(house, run, solver).load))
    try:
        while not solving.done():
            await asyncio.wait({solving}, timeout=house.settings.heartbeat_seconds)
            if not solving.done() and not await _is_wanted(house, task):
                raise Unwanted
        return solving.result()
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
