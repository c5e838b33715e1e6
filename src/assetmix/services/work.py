"""What a worker does with a ring: claim a run, see it through, write its ending once."""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any

from assetmix.errors import Conflict, Unavailable
from assetmix.jobs.frames import Frame
from assetmix.jobs.solver_process import SolverLost, SolverProcess
from assetmix.persistence import queue, risk_models, snapshots
from assetmix.persistence.optimizations import Run
from assetmix.persistence.queue import Ending
from assetmix.services.context import House

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
ENDINGS = {"optimal": "succeeded", "feasible": "succeeded", "infeasible": "infeasible"}
"""Run status by the status of its result; anything else has failed."""


class Lost(Exception):
    """The run belongs to another attempt now."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """A worker child's tools."""

    house: House
    solver: SolverProcess
    worker: str


async def work(shop: Workshop) -> bool:
    """Claim the next eligible run and see it through; whether there was one."""
    await shop.solver.ready()
    run = await _claim(shop)
    if run is None:
        return False
    started = time.perf_counter()
    try:
        ending = await _see_through(shop, run)
    except Lost:
        log.warning("run %s attempt %s: the lease was lost, its answer is discarded", run.id, run.attempt)
    except SolverLost as error:
        await _solver_lost(shop, run, error)
    else:
        await _finish(shop, run, _timed(run, ending, started))
    return True


async def _claim(shop: Workshop) -> Run | None:
    try:
        async with shop.house.database.transaction() as connection:
            return await queue.claim(connection, shop.worker, shop.house.settings.lease_seconds)
    except Conflict:
        return None


async def _see_through(shop: Workshop, run: Run) -> Ending:
    solving = asyncio.create_task(_solve(shop, run))
    deadline = asyncio.get_running_loop().time() + run.time_limit_seconds
    try:
        return await _watch(shop, run, solving, deadline)
    finally:
        if not solving.done():
            await shop.solver.kill()
            solving.cancel()
            await asyncio.gather(solving, return_exceptions=True)
            await shop.solver.start()


async def _watch(shop: Workshop, run: Run, solving: asyncio.Task[Ending], deadline: float) -> Ending:
    settings = shop.house.settings
    while True:
        left = deadline - asyncio.get_running_loop().time()
        if left <= 0:
            return failure("solver-timeout", f"No answer within {run.time_limit_seconds:g} seconds; allow more.")
        done, _ = await asyncio.wait({solving}, timeout=min(left, settings.heartbeat_seconds))
        if done:
            return solving.result()
        match await _heartbeat(shop, run):
            case "cancel":
                return Ending(status="cancelled")
            case "lost":
                raise Lost


async def _heartbeat(shop: Workshop, run: Run) -> str:
    try:
        async with shop.house.database.transaction() as connection:
            return await queue.keep_alive(connection, run, shop.house.settings.lease_seconds, shop.solver.progress)
    except Unavailable:
        return "mine"


async def _solve(shop: Workshop, run: Run) -> Ending:
    async def load(what: str, digest: str) -> bytes:
        get_payload = risk_models.get_payload if what == "risk_model" else snapshots.get_payload
        async with shop.house.database.transaction() as connection:
            return await get_payload(connection, run.tenant_id, digest)

    question = {
        "inputs": run.inputs,
        "snapshot_digest": run.snapshot_digest,
        "model_digest": run.model_digest,
        "seconds": run.time_limit_seconds,
    }
    return _ending(await shop.solver.ask(question, load))


def _ending(answer: Frame) -> Ending:
    if "error" in answer.header:
        problem = answer.header["error"]
        return failure(problem["code"], problem["detail"], problem.get("errors"))
    result, timings = answer.body.decode(), answer.header["timings"]
    status = ENDINGS.get(answer.header["status"], "failed")
    if status != "failed":
        return Ending(status=status, result=result, timings=timings)
    code = {"unbounded": "unbounded", "timed_out": "solver-timeout"}[answer.header["status"]]
    error = failure(code, "See result.sentence.").error
    return Ending(status=status, result=result, timings=timings, error=error)


def failure(code: str, detail: str, errors: list[dict[str, str]] | None = None) -> Ending:
    """A failed run with its reason as a problem (RFC 9457)."""
    title = code.replace("-", " ").capitalize()
    problem: dict[str, Any] = {"type": f"/problems/{code}", "title": title, "detail": detail}
    return Ending(status="failed", error=problem | ({"errors": errors} if errors else {}))


def _timed(run: Run, ending: Ending, started: float) -> Ending:
    stages = ending.timings or {}
    total = 1000 * (time.perf_counter() - started)
    waited = 1000 * (run.started_at - run.queued_at).total_seconds() if run.started_at else 0.0
    load = max(0.0, total - sum(stages.values()))
    timings = {"queued_ms": round(waited, 3), "load_ms": round(load, 3), **stages}
    timings["total_ms"] = round(waited + total, 3)
    return Ending(status=ending.status, result=ending.result, error=ending.error, timings=timings)


async def _solver_lost(shop: Workshop, run: Run, error: SolverLost) -> None:
    log.warning("run %s attempt %s: %s", run.id, run.attempt, error)
    if run.attempt >= shop.house.settings.max_attempts:
        ending = failure("worker-lost", f"The solver process was lost {run.attempt} times; the run is given up.")
        await _finish(shop, run, ending)
        return
    async with shop.house.database.transaction() as connection:
        await queue.give_back(connection, run)
    shop.house.bell.ring()


async def _finish(shop: Workshop, run: Run, ending: Ending) -> None:
    """Write the ending, again and again while the database is away and the lease is ours."""
    deadline = asyncio.get_running_loop().time() + shop.house.settings.lease_seconds
    while True:
        try:
            async with shop.house.database.transaction() as connection:
                written = await queue.finish(connection, run, ending)
            break
        except Unavailable:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(RETRY_SECONDS)
    if not written.done:
        log.warning("run %s attempt %s: fenced out, its answer is discarded", run.id, run.attempt)
    if written.unblocks:
        shop.house.bell.ring()
