"""Signs of life of what this process depends on."""

from functools import lru_cache

from assetmix.jobs.broker import is_reachable
from assetmix.persistence.health import applied_revision
from assetmix.persistence.revisions import newest_revision
from assetmix.services.context import House


@lru_cache(maxsize=1)
def _newest() -> str:
    return newest_revision()


async def is_migrated(house: House) -> bool:
    """Whether the tables are those of this version."""
    async with house.database.transaction() as connection:
        return await applied_revision(connection) == _newest()


async def is_queue_reachable(house: House) -> bool:
    """Whether Redis answers."""
    return await is_reachable(house.settings.redis_url.get_secret_value())
