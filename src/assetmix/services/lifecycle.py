"""How workers come, show that they live, and go."""

import logging

from assetmix.errors import Unavailable
from assetmix.persistence import liveness
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
            released = await liveness.leave(connection, worker)
    except Unavailable as error:
        log.warning("the runs of this worker wait for their leases to end: %s", error.message)
        return
    if released:
        log.warning("%s runs did not end in time and are given back", released)


async def is_hearing(house: House, host: str, within_seconds: float) -> bool:
    """Whether a worker of a host was heard of lately."""
    async with house.database.transaction() as connection:
        ago = await liveness.newest_sign(connection, host)
    return ago is not None and ago <= within_seconds
