"""The key of the demo's tenant."""

import asyncio

from assetmix.demo import content
from assetmix.jobs.broker import make_celery
from assetmix.jobs.doorbell import Doorbell
from assetmix.optimization.memory import Memory
from assetmix.persistence.session import Database
from assetmix.services.context import House
from assetmix.services.keys import SCOPES, create_key
from assetmix.settings import Settings


def make_key(database_url: str, redis_url: str, key_pepper: str) -> str:
    """Make a key with every scope for the demo's tenant, and the tenant if it is new."""
    settings = Settings(database_url=database_url, redis_url=redis_url, key_pepper=key_pepper)
    return asyncio.run(_make(settings))


async def _make(settings: Settings) -> str:
    database = Database(settings.async_database_url, 1)
    bell = Doorbell(make_celery(settings.redis_url.get_secret_value()))
    try:
        house = House(database, bell, settings, Memory(1))
        return (await create_key(house, content.TENANT, SCOPES, "demo")).text
    finally:
        await database.close()
