"""What a worker does with a ring: claim a run, see it through, write its ending once."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from assetmix import logs, traces
from assetmix.errors import Conflict, Unavailable
from assetmix.jobs.frames import Frame
from assetmix.jobs.solver_process import SolverLost, SolverProcess
from assetmix.persistence import claims, liveness, outcomes, queue, tallies
from assetmix.persistence.claims import Claim
from assetmix.persistence.optimizations import Run
from assetmix.persistence.outcomes import WORKER_LOST, Ending
from assetmix.persistence.session import Connection
from assetmix.services.batching import see_batch
from assetmix.services.context import House
from assetmix.services.errands import Errand, Lost
from assetmix.services.helping import help_out
from assetmix.services.versions import versions

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_SECONDS = 0.5
DIGEST_DIGITS = 32
CLAIMS = 5
"""Tries to claim a run when others claim at the same moment."""

NEVER = 2**31 - 1
LOOK_SECONDS = 0.25
"""Pause between two looks at the time and the memory that a run takes."""

ENDINGS = {"optimal": "succeeded", "feasible": "succeeded", "infeasible": "infeasible"}
"""Run status by the status of its result; anything else has failed."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """A worker child's tools."""

    house: House
    solver: SolverProcess
    worker: str
    """Name of the pool child: that of its worker, a colon, its process id."""


async def work(shop: Workshop) -> bool:
    """Claim the next eligible run and see it through, or help with a backtest; whether there was anything to do."""
    if shop.solver.memory_mb > shop.house.settings.solve_memory_mb:
        await shop.solver.kill()  # what earlier runs left behind is too much to begin with
    await shop.solver.ready()
    run = await _claim(shop)
    if run is None:
        return await _help_others(shop)
    await _work_on(shop, run)
    return True


async def _help_others(shop: Workshop) -> bool:
    """Make decisions of backtests as long as there are any, and no run waits."""
    helped = False
    while await help_out(shop.house, shop.solver, shop.worker):
        helped = True
        await shop.solver.ready()
        run = await _claim(shop)
        if run is not None:
            await _work_on(shop, run)
    return helped


async def _work_on(shop: Workshop, run: Run) -> None:
    origin = {"request_id": run.request_id, "trace_id": run.trace_id, "tenant": run.tenant_id}
    about: dict[str, str | int] = {"optimization_id": run.id, "attempt": run.attempt}
    with logs.about(**about, **origin), traces.span(f"run {run.kind}", run.traceparent, **about):
        await _work_through(shop, run)


async def _work_through(shop: Workshop, run: Run) -> None:
    started = time.perf_counter()
    try:
        ending = await _see_through(shop, run)
    except Lost:
        await _discarded(shop)
    except SolverLost as error:
        await _solver_lost(shop, run, error)
    except Unavailable as error:
        log.warning("the run is given back, for it could not be loaded: %s", error.message)
        await _persist(
            shop,
            shop.house.database.transaction,
            lambda connection: queue.give_back(connection, run, NEVER, blame=False),
        )
    else:
        timed = _timed(run, ending, started)
        await _finish(shop, run, timed)
        log.info("ended", extra={"status": timed.status, "ms": (timed.timings or {}).get("total_ms")})


async def _discarded(shop: Workshop) -> None:
    log.warning("another attempt owns the run by now; the answer of this one is discarded")
    shop.house.bell.ring()  # what ended it may have freed its portfolio or its tenant's share
    with suppress(Unavailable):  # a count is nothing to wait for
        async with shop.house.database.transaction() as connection:
            await tallies.add(connection, {("discarded", ""): 1.0})


async def _claim(shop: Workshop) -> Run | None:
    settings = shop.house.settings
    wanted = Claim(shop.worker, settings.lease_seconds, settings.tenant_share)
    for _ in range(CLAIMS):
        try:
            async with shop.house.database.statement() as connection:
                return await claims.claim(connection, wanted)
        except Conflict:
            continue
        except Unavailable as error:
            log.warning("nothing could be claimed: %s", error.message)
            return None
    return None


async def _see_through(shop: Workshop, run: Run) -> Ending:
    solving = asyncio.create_task(_solve(shop, run))
    try:
        return await _watch(shop, run, solving)
    finally:
        if not solving.done():
            await shop.solver.kill()
            solving.cancel()
            await asyncio.gather(solving, return_exceptions=True)
            await shop.solver.start()


async def _watch(shop: Workshop, run: Run, solving: asyncio.Task[Ending]) -> Ending:
    clock, settings = asyncio.get_running_loop().time, shop.house.settings
    deadline, beat = clock() + run.time_limit_seconds, clock() + settings.heartbeat_seconds
    while True:
        left = min(deadline, beat, clock() + LOOK_SECONDS) - clock()
        done, _ = await asyncio.wait({solving}, timeout=max(0.0, left))
        if done:
            return solving.result()
        beyond = _beyond(shop, run, deadline - clock())
        if beyond is not None:
            return beyond
        if clock() >= beat:
            beat = clock() + settings.heartbeat_seconds
            if await _heartbeat(shop, run) == "cancel":
                return Ending(status="cancelled")


def _beyond(shop: Workshop, run: Run, left: float) -> Ending | None:
    if left <= 0:
        return failure("solver-timeout", f"No answer within {run.time_limit_seconds:g} seconds; allow more.")
    most = shop.house.settings.solve_memory_mb
    if run.kind != "batch" and shop.solver.grown_mb > most:  # one account of many ends itself at the last barrier
        return failure("resource-limit", f"The problem needs more memory than the {most} MB that a run may use.")
    return None


async def _heartbeat(shop: Workshop, run: Run) -> str:
    try:
        async with shop.house.database.transaction(run.tenant_id) as connection:
            found = await queue.keep_alive(connection, run, shop.house.settings.lease_seconds, shop.solver.progress)
            await liveness.still_there(connection, shop.worker.rpartition(":")[0])
    except Unavailable:
        return "mine"
    if found == "lost":
        raise Lost
    return found


async def _solve(shop: Workshop, run: Run) -> Ending:
    if run.kind == "batch":
        return await see_batch(shop.house, run, shop.solver)
    errand = Errand(shop.house, run, shop.solver)
    return _ending(await shop.solver.ask(errand.question(run.time_limit_seconds), errand.load, errand.keep))


def _ending(answer: Frame) -> Ending:
    if "error" in answer.header:
        problem = answer.header["error"]
        return failure(problem["code"], problem["detail"], problem.get("errors"))
    status = ENDINGS.get(answer.header["status"], "failed")
    digest = hashlib.sha256(answer.body).hexdigest()[:DIGEST_DIGITS]
    details = {"solver": answer.header["solver"], "versions": versions(), "result_digest": digest}
    ended = Ending(
        status=status,
        result=answer.body.decode(),
        timings=answer.header["timings"],
        details=details,
        is_recommended=answer.header["is_recommended"],
    )
    if status != "failed":
        return ended
    code = {"unbounded": "unbounded", "timed_out": "solver-timeout"}[answer.header["status"]]
    return replace(ended, error=failure(code, "See result.sentence.").error)


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
    return replace(ending, timings=timings, details=ending.details | {"attempt": run.attempt})


async def _solver_lost(shop: Workshop, run: Run, error: SolverLost) -> None:
    log.warning("%s", error)
    most = shop.house.settings.max_attempts
    if await _persist(shop, shop.house.database.transaction, lambda connection: queue.give_back(connection, run, most)):
        shop.house.bell.ring()
    else:
        await _finish(shop, run, Ending(status="failed", error=WORKER_LOST))


async def _finish(shop: Workshop, run: Run, ending: Ending) -> None:
    statement = shop.house.database.statement
    if not await _persist(shop, statement, lambda connection: outcomes.finish(connection, run, ending)):
        await _discarded(shop)
    elif await _others_wait(shop, run):
        shop.house.bell.ring()


async def _others_wait(shop: Workshop, run: Run) -> bool:
    """Whether other runs of the tenant wait, perhaps for this one; where that is not known the scheduler rings."""
    try:
        async with shop.house.database.statement() as connection:
            return await outcomes.others_wait(connection, run.tenant_id)
    except Unavailable:
        return False


async def _persist(
    shop: Workshop,
    within: Callable[[], AbstractAsyncContextManager[Connection]],
    write: Callable[[Connection], Awaitable[T]],
) -> T:
    """Write again and again while the database is away and the lease may be ours."""
    deadline = asyncio.get_running_loop().time() + shop.house.settings.lease_seconds
    while True:
        try:
            async with within() as connection:
                return await write(connection)
        except Unavailable:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(RETRY_SECONDS)
