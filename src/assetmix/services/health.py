"""Signs of life of what this process depends on."""

from functools import lru_cache

from assetmix.jobs.broker import is_reachable
from assetmix.persistence.migrate import applied, head
from assetmix.services.context import House


@lru_cache(maxsize=1)
def _head() -> str:
    return head()


async def is_migrated(house: House) -> bool:
    """Whether the tables are those of this version."""
    async with house.database.transaction() as connection:
        return await applied(connection) == _head()


async def is_queue_reachable(house: House) -> bool:
    """Whether Redis answers."""
    return await is_reachable(house.settings.redis_url.get_secret_value())
