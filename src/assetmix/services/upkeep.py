"""What the scheduler does: takes back lost runs and rings for forgotten ones."""

from assetmix.persistence import queue
from assetmix.persistence.queue import Sweep
from assetmix.services.context import House


async def sweep(house: House) -> Sweep:
    """Sweep the queue once; any number of schedulers may do so at the same time."""
    settings = house.settings
    async with house.database.transaction() as connection:
        found = await queue.sweep(
            connection, settings.max_attempts, (settings.ring_seconds, settings.ring_seconds_most)
        )
    if found.rings:
        house.bell.ring(found.rings)
    return found
