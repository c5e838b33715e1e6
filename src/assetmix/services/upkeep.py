"""What the scheduler does: takes back lost runs, rings for forgotten ones, and lets go of what is kept no longer."""

import logging

from assetmix.errors import Conflict, Unavailable
from assetmix.persistence import liveness, pulse, queue, retention
from assetmix.persistence.queue import Sweep
from assetmix.services.context import House
from assetmix.services.tenant_settings import RETENTION_DAYS

log = logging.getLogger(__name__)


async def sweep(house: House) -> Sweep:
    """Sweep the queue once; any number of schedulers may do so at the same time."""
    settings = house.settings
    async with house.database.transaction() as connection:
        found = await queue.sweep(
            connection, settings.max_attempts, (settings.ring_seconds, settings.ring_seconds_most)
        )
        await pulse.keep(connection)
    if found.rings:
        house.bell.ring(found.rings)
    return found


async def purge(house: House) -> int:
    """Delete what every tenant keeps no longer, a batch a transaction; how many rows that was."""
    async with house.database.transaction() as connection:
        await liveness.forget(connection)
        tenants = await retention.retentions(connection)
    gone = 0
    for tenant_id, days in tenants:
        while batch := await _purge_batch(house, tenant_id, days or RETENTION_DAYS):
            gone += batch
    return gone


async def _purge_batch(house: House, tenant_id: str, days: int) -> int:
    try:
        async with house.database.transaction() as connection:
            return await retention.purge(connection, tenant_id, days, house.settings.audit_days)
    except (Conflict, Unavailable) as error:
        log.warning("a purge is put off: %s", error.message)
        return 0
