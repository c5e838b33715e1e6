"""What a solver process asks for while it answers, and what it hands over before it has ended."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from assetmix.codec.backtests import join_paths
from assetmix.codec.payload import enclosed
from assetmix.jobs.frames import Frame
from assetmix.jobs.solver_process import SolverProcess
from assetmix.persistence import backtests, batches, queue, risk_models, snapshots, tasks
from assetmix.persistence.backtests import StoredPart
from assetmix.persistence.optimizations import Run
from assetmix.persistence.session import Connection
from assetmix.persistence.tasks import Task
from assetmix.services.context import House

LOOK_SECONDS = 0.1
"""Pause between two looks at tasks that others have taken."""

MOST_RINGS = 16
"""Workers that are asked to help with one backtest."""

DIVIDED = 0.95
"""Part of a divided backtest that is done when all its decisions are made."""


OWN_LEASES = 100.0
"""So many leases a range is the run's own: that of the run is what is watched."""


class Lost(Exception):
    """The run belongs to another attempt now."""


class Errand:
    """Loads and keeps on behalf of the solver process that works on one run."""

    def __init__(self, house: House, run: Run, solver: SolverProcess) -> None:
        self._house, self._run, self._solver = house, run, solver
        self._task: Task | None = None

    def question(self, seconds: float, **what: Any) -> Frame:  # noqa: ANN401 - JSON
        """What the solver process is to know of the run, and `what` it is asked; its inputs go as they are stored."""
        run = self._run
        header = {
            "snapshot_digest": run.snapshot_digest,
            "model_digest": run.model_digest,
            "seconds": seconds,
            "run": run.id,
            "attempt": run.attempt,
            **what,
        }
        return Frame(header, run.inputs_text.encode())

    async def load(self, what: str, name: str) -> bytes:
        """Give what is asked for: by digest, or of the run itself."""
        if what == "task":
            return await self._next_task()
        async with self._house.database.transaction(self._run.tenant_id) as connection:
            return await LOADS[what](connection, self._run.tenant_id, name)

    async def keep(self, frame: Frame) -> None:
        """Store a part, a decided range, or the ranges that a backtest is divided into.

        Raises
        ------
        Lost
            when another attempt owns the run by now
        """
        lease = self._house.settings.lease_seconds
        async with self._house.database.transaction(self._run.tenant_id) as connection:
            if await queue.keep_alive(connection, self._run, lease, self._solver.progress) == "lost":
                raise Lost
            await self._keep(connection, frame)
        if "ranges" in frame.header:
            self._house.bell.ring(min(len(frame.header["ranges"]), MOST_RINGS))
            await self._house.bell.flush()  # at once: this worker comes to an end of its work too late

    async def _keep(self, connection: Connection, frame: Frame) -> None:
        if "ranges" in frame.header:
            ranges = [(first, last) for first, last in frame.header["ranges"]]
            await tasks.open_tasks(connection, self._run.tenant_id, self._run.id, ranges)
        elif "decided" in frame.header and self._task is not None:
            await tasks.finish(connection, self._task, frame.body)
        elif "part" in frame.header:
            await backtests.add_part(connection, self._run, part_of(frame))

    async def _next_task(self) -> bytes:
        """Take the next range of this run; nothing when all are done. Ranges of lost workers come back in time."""
        run = self._run
        while True:
            async with self._house.database.transaction(run.tenant_id) as connection:
                lease = self._house.settings.lease_seconds
                self._task = await tasks.take_of(connection, run.tenant_id, run.id, run.attempt, OWN_LEASES * lease)
                seen = await tasks.tally(connection, run.tenant_id, run.id)
            self._solver.progress = DIVIDED * seen.done / max(1, seen.count)
            if self._task is not None:
                return json.dumps([self._task.first, self._task.last]).encode()
            if seen.done == seen.count:
                return b""
            await asyncio.sleep(LOOK_SECONDS)


async def walked(connection: Connection, tenant_id: str, run_id: str) -> bytes:
    """Give what earlier attempts of a backtest have walked; nothing where there is no part."""
    paths = await backtests.paths_of(connection, tenant_id, run_id)
    return join_paths(paths) if paths else b""


async def decided(connection: Connection, tenant_id: str, run_id: str) -> bytes:
    """Give what was decided in every range of a backtest."""
    return enclosed(await tasks.payloads(connection, tenant_id, run_id))


async def chunk(connection: Connection, tenant_id: str, name: str) -> bytes:
    """Give the accounts of a chunk, named by run and number."""
    run_id, _, number = name.partition("/")
    return (await batches.find_chunk(connection, tenant_id, run_id, int(number))).accounts.encode()


LOADS: Mapping[str, Callable[[Connection, str, str], Awaitable[bytes]]] = {
    "snapshot": snapshots.get_payload,
    "risk_model": risk_models.get_payload,
    "walked": walked,
    "decided": decided,
    "chunk": chunk,
}
"""How to load what a solver process asks for."""


def part_of(frame: Frame) -> StoredPart:
    """Read a part as the solver process hands it over."""
    told, end = frame.header["part"], frame.header["part"]["path"]
    return StoredPart(
        number=told["number"],
        first=told["first"],
        count=told["count"],
        path=frame.body[:end],
        decisions=frame.body[end:].decode(),
    )
