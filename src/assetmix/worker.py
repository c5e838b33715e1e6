"""The Celery application that workers run. A pool child supervises; it does not solve.

Each child keeps one event loop, one database pool and one solver process for as long as it
lives; they are made after the fork, never before it. The main process only listens: it makes sure
that it hears, and when it is asked to end it gives back what does not end in time.
"""

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import uvloop
from celery.signals import (
    setup_logging,
    task_received,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from celery.worker.state import reserved_requests

from assetmix import __version__, logs, traces
from assetmix.jobs.broker import QUEUE, SIGN, WORK, forget_queue, make_celery
from assetmix.jobs.doorbell import Doorbell
from assetmix.jobs.hearing import Ears, Hearing
from assetmix.jobs.solver_process import SolverProcess
from assetmix.optimization.memory import Memory
from assetmix.persistence.session import Database
from assetmix.services.context import House
from assetmix.services.lifecycle import leave, release_dead, sign
from assetmix.services.work import Workshop, work
from assetmix.settings import settings

log = logging.getLogger(__name__)

celery = make_celery(settings().redis_url.get_secret_value())

FAREWELL_SECONDS = 5.0
CHILD_CONNECTIONS = 2
"""One for the run, one for the heartbeat beside it."""


def worker_name(pid: int) -> str:
    """Name a worker by its main process."""
    return f"{socket.gethostname()}:{pid}"


def own_queue(pid: int) -> str:
    """Name the queue of a worker's signs."""
    return f"{QUEUE}.{worker_name(pid)}"


def queues(pid: int) -> tuple[str, str]:
    """Name what a worker listens to: the bell that all hear, and its own signs."""
    return QUEUE, own_queue(pid)


@dataclass(slots=True)
class Child:
    """What a pool child keeps."""

    runner: asyncio.Runner
    shop: Workshop
    owes: bool = False
    """Whether it has still to be looked for what dead processes held."""

    def run_once(self) -> None:
        """Follow one ring."""
        self.runner.run(self._follow())

    def sign(self, processes: int) -> None:
        """Write down that this worker hears, and give back what dead processes of this host held."""
        self.runner.run(self._sign(processes))

    async def _sign(self, processes: int) -> None:
        await sign(self.shop.house, worker_name(os.getppid()), processes, __version__)
        await self._release_dead()

    async def begin(self) -> None:
        """Give back what those held in whose place this child may be, and start the solver process."""
        await self._release_dead()
        await self.shop.solver.start()

    async def _release_dead(self) -> None:
        self.owes = not await release_dead(self.shop.house, socket.gethostname())
        await self.shop.house.bell.flush()

    async def _follow(self) -> None:
        await self.shop.solver.start()
        if self.owes:
            await self._release_dead()
        await work(self.shop)
        await self.shop.house.bell.flush()

    def close(self) -> None:
        """End the solver process and the connections."""
        self.runner.run(self._close())
        self.runner.close()

    async def _close(self) -> None:
        await self.shop.solver.kill()
        await self.shop.house.database.close()


_children: list[Child] = []
_hearing: list[Hearing] = []
_ending = threading.Event()


def _make_house(connections: int) -> House:
    chosen = settings()
    return House(Database(chosen.async_database_url, connections), Doorbell(celery), chosen, Memory(1))


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _open(**_: object) -> None:
    traces.set_up("assetmix-worker")
    house = _make_house(CHILD_CONNECTIONS)
    solver = SolverProcess(house.settings.solve_memory_mb, house.settings.snapshot_memory)
    child = Child(
        asyncio.Runner(loop_factory=uvloop.new_event_loop),
        Workshop(house, solver, f"{worker_name(os.getppid())}:{os.getpid()}"),
    )
    child.runner.run(child.begin())
    _children.append(child)


@worker_process_shutdown.connect  # type: ignore[untyped-decorator]
def _close(**_: object) -> None:
    while _children:
        _children.pop().close()


@setup_logging.connect  # type: ignore[untyped-decorator]
def _write_logs(**_: object) -> None:
    logs.set_up()


@worker_ready.connect  # type: ignore[untyped-decorator]
def _listen(sender: object, **_: object) -> None:
    chosen = settings()
    ears = Ears(
        queue=own_queue(os.getpid()),
        processes=sender.pool.limit,  # type: ignore[attr-defined]
        busy=lambda: len(reserved_requests),
        sign_seconds=chosen.sign_seconds,
        deaf_seconds=chosen.deaf_seconds,
        force_seconds=chosen.grace_seconds + FAREWELL_SECONDS,
    )
    hearing = Hearing(celery, ears)
    _hearing.append(hearing)
    hearing.start()


@task_received.connect  # type: ignore[untyped-decorator]
def _hear(**_: object) -> None:
    for hearing in _hearing:
        hearing.heard()


@worker_shutdown.connect  # type: ignore[untyped-decorator]
def _leave(**_: object) -> None:
    forget_queue(celery, own_queue(os.getpid()))
    asyncio.run(_with_house(lambda house: leave(house, worker_name(os.getpid()))))


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _end(**_: object) -> None:
    if _ending.is_set():
        return  # told for a second time
    _ending.set()
    for hearing in _hearing:
        hearing.stop()
    threading.Thread(target=_give_back, args=(settings().grace_seconds,), name="grace", daemon=True).start()


def _give_back(grace_seconds: float) -> None:
    """Let runs go on for a while, then give back those that have not ended, and end."""
    time.sleep(grace_seconds)
    asyncio.run(_with_house(lambda house: leave(house, worker_name(os.getpid()))))
    os.kill(os.getpid(), signal.SIGQUIT)


async def _with_house(use: Callable[[House], Awaitable[object]]) -> None:
    house = _make_house(1)
    try:
        await use(house)
        await house.bell.flush()
    finally:
        await house.database.close()


@celery.task(name=WORK)  # type: ignore[untyped-decorator]
def follow_ring() -> None:
    """Claim the next eligible run and see it through."""
    _children[0].run_once()


@celery.task(name=SIGN)  # type: ignore[untyped-decorator]
def sign_of_life(processes: int) -> None:
    """Write down that this worker hears."""
    _children[0].sign(processes)
