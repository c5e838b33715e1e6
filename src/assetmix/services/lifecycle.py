"""How workers come, show that they live, and go."""

import logging
import os

from assetmix.errors import Unavailable
from assetmix.persistence import liveness, queue
from assetmix.services.context import House

log = logging.getLogger(__name__)


async def sign(house: House, worker: str, processes: int, version: str) -> None:
    """Write that a worker hears the bell and reaches the database; without a database that can wait."""
    try:
        async with house.database.transaction() as connection:
            await liveness.sign(connection, worker, processes, version)
    except Unavailable as error:
        log.warning("no sign of life could be written: %s", error.message)


async def leave(house: House, worker: str) -> None:
    """Give back what a worker that ends has not finished; others go on with it at once."""
    try:
        async with house.database.transaction() as connection:
            released = await queue.release(connection, worker)
            await liveness.leave(connection, worker)
    except Unavailable as error:
        log.warning("the runs of this worker wait for their leases to end: %s", error.message)
        return
    if released:
        log.warning("%s runs did not end in time and are given back", released)
        house.bell.ring(released)


async def is_hearing(house: House, host: str, within_seconds: float) -> bool:
    """Whether a worker of a host was heard of lately."""
    async with house.database.transaction() as connection:
        ago = await liveness.newest_sign(connection, host)
    return ago is not None and ago <= within_seconds


async def release_dead(house: House, host: str) -> bool:
    """Give back what dead pool children of this host held, without waiting for their leases to end.

    A process id that was given out again looks alive; then the lease decides. False where the
    database could not be reached.
    """
    try:
        async with house.database.transaction() as connection:
            dead = [child for child in await liveness.holders(connection, host) if not _is_alive(child)]
            for child in dead:
                await liveness.release(connection, child)
            taken = await queue.take_back(connection, house.settings.max_attempts) if dead else queue.NOTHING
    except Unavailable as error:
        log.warning("the runs of dead processes are not given back yet: %s", error.message)
        return False
    if taken.rings:
        log.warning("the runs of %s dead processes are given back", len(dead))
        house.bell.ring(taken.rings)
    return True


def _is_alive(child: str) -> bool:
    try:
        os.kill(int(child.rpartition(":")[2]), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
