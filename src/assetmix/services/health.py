"""Signs of life of what this process depends on."""

from functools import lru_cache

from assetmix.jobs.broker import is_reachable
from assetmix.persistence.health import applied_revision, sees_everything
from assetmix.persistence.revisions import known_revisions
from assetmix.services.context import House


@lru_cache(maxsize=1)
def _outdated() -> frozenset[str | None]:
    """Revisions that lack what this code needs; one that it does not know is a newer one, and has it."""
    return frozenset([None, *known_revisions()[:-1]])


async def database_fault(house: House) -> str | None:
    """What keeps this process from serving on the database, with the cure; None when nothing does."""
    async with house.database.transaction() as connection:
        if await sees_everything(connection):
            return "its role is not bound by row level security; log in as the role that ends in _app"
        if await applied_revision(connection) in _outdated():
            return "not migrated; run assetmix migrate"
    return None


async def is_queue_reachable(house: House) -> bool:
    """Whether Redis answers."""
    return await is_reachable(house.settings.redis_url.get_secret_value())
