"""The Celery application that workers run. A pool child supervises; it does not solve.

Each child keeps one event loop, one database pool and one solver process for as long as it
lives; they are made after the fork, never before it.
"""

import asyncio
import logging
import os
import socket
from dataclasses import dataclass

from celery.signals import worker_process_init, worker_process_shutdown

from assetmix.jobs.broker import WORK, make_celery
from assetmix.jobs.doorbell import Doorbell
from assetmix.jobs.solver_process import SolverProcess
from assetmix.optimization.memory import Memory
from assetmix.persistence.session import Database
from assetmix.services.context import House
from assetmix.services.work import Workshop, work
from assetmix.settings import settings

log = logging.getLogger(__name__)

celery = make_celery(settings().redis_url.get_secret_value())

CHILD_CONNECTIONS = 2
"""One for the run, one for the heartbeat beside it."""


@dataclass(slots=True)
class Child:
    """What a pool child keeps."""

    runner: asyncio.Runner
    shop: Workshop

    def run_once(self) -> None:
        """Follow one ring."""
        self.runner.run(self._follow())

    async def _follow(self) -> None:
        await self.shop.solver.start()
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


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _open(**_: object) -> None:
    chosen = settings()
    database = Database(chosen.async_database_url, CHILD_CONNECTIONS)
    house = House(database, Doorbell(celery), chosen, Memory(1))
    solver = SolverProcess(chosen.solve_memory_mb, chosen.snapshot_memory)
    name = f"{socket.gethostname()}:{os.getppid()}:{os.getpid()}"
    child = Child(asyncio.Runner(), Workshop(house, solver, name))
    child.runner.run(solver.start())
    _children.append(child)


@worker_process_shutdown.connect  # type: ignore[untyped-decorator]
def _close(**_: object) -> None:
    while _children:
        _children.pop().close()


@celery.task(name=WORK)  # type: ignore[untyped-decorator]
def follow_ring() -> None:
    """Claim the next eligible run and see it through."""
    _children[0].run_once()
