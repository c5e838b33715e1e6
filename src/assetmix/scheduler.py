"""The scheduler: sweeps the queue, has due portfolios optimized, sends messages, and purges.

Any number may run; rows are taken with SKIP LOCKED, so that two never do the same thing twice.
"""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from typing import Any

from assetmix.errors import Error
from assetmix.jobs.broker import make_celery
from assetmix.jobs.doorbell import Doorbell
from assetmix.jobs.post import PostOffice
from assetmix.optimization.memory import Memory
from assetmix.persistence.session import Database
from assetmix.services.context import House
from assetmix.services.deliveries import Sender
from assetmix.services.nights import begin_night, optimize_all_due
from assetmix.services.upkeep import purge, sweep
from assetmix.settings import Settings

log = logging.getLogger(__name__)

CONNECTIONS = 6
"""One each for sweeps, the purge and what is due, which may take long; the others for messages."""


async def run(settings: Settings) -> None:
    """Sweep until asked to stop by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    database = Database(settings.async_database_url, CONNECTIONS)
    house = House(
        database,
        Doorbell(make_celery(settings.redis_url.get_secret_value())),
        settings,
        Memory(settings.snapshot_memory),
    )
    chores = [
        asyncio.create_task(_purge_for_ever(house), name="purge"),
        asyncio.create_task(_optimize_for_ever(house), name="due"),
        asyncio.create_task(_deliver_for_ever(house), name="deliver"),
    ]
    while not stop.is_set():
        await _guarded(_sweep(house), "the next sweep tries again")
        if any(chore.done() for chore in chores):
            log.error("a chore has ended; this process ends, to be started anew")
            break
        try:
            await asyncio.wait_for(stop.wait(), settings.reap_seconds)
        except TimeoutError:
            continue
    for chore in chores:
        chore.cancel()
    await asyncio.gather(*chores, return_exceptions=True)
    await database.close()


async def _purge_for_ever(house: House) -> None:
    while True:
        await _guarded(_purge(house), "the next purge tries again")
        await asyncio.sleep(house.settings.purge_seconds)


async def _optimize_for_ever(house: House) -> None:
    while True:
        await _guarded(_optimize(house), "portfolios that are due wait")
        await asyncio.sleep(house.settings.reap_seconds)


async def _optimize(house: House) -> None:
    if await begin_night(house):
        log.info("the nightly sweep begins")
    await optimize_all_due(house)
    await house.bell.flush()


async def _deliver_for_ever(house: House) -> None:
    async with PostOffice(house.settings.webhook_networks, house.settings.webhook_seconds) as office:
        sender = Sender(house, office)
        try:
            while True:
                await _guarded(sender.send_due(), "messages wait")
                await sender.rest(house.settings.reap_seconds)
        finally:
            await sender.close()


async def _guarded(chore: Coroutine[Any, Any, object], consequence: str) -> None:
    """Do a chore once; whatever it fails with, the next time comes."""
    try:
        await chore
    except Error as error:
        log.warning("%s; %s", error.message, consequence)
    except Exception:
        log.exception("a chore has failed; %s", consequence)


async def _purge(house: House) -> None:
    gone = await purge(house)
    if gone:
        log.info("%s rows were kept long enough and are deleted", gone)


async def _sweep(house: House) -> None:
    found = await sweep(house)
    await house.bell.flush()
    if house.settings.sweep_file is not None:
        await asyncio.to_thread(house.settings.sweep_file.touch)
    if found.requeued or found.failed:
        log.warning("runs of lost workers: %s queued again, %s given up", found.requeued, found.failed)
