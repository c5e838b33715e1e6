"""Waiting for a run's end inside a request, for callers who prefer that to polling."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from assetmix.persistence.optimizations import Run
from assetmix.services.context import Caller, House
from assetmix.services.draining import DRAIN
from assetmix.services.optimizations import get_run

LOOK_SECONDS = 2.0
"""Pause between two looks when no notice comes."""

WATCH_SECONDS = 0.5
"""Pause between two looks of whoever watches the progress."""


async def wait_for_end(house: House, caller: Caller, run: Run, seconds: float) -> Run:
    """Give the run as it is when it has ended, or after so many seconds, or when this process is about to end."""
    if house.endings is None:
        return run
    deadline = asyncio.get_running_loop().time() + seconds
    async with house.endings.of(run.id) as ended:
        while run.is_active and not DRAIN.is_on and (left := deadline - asyncio.get_running_loop().time()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), min(left, LOOK_SECONDS))
            run = await get_run(house, caller, run.id)
    return run


async def changes_of(house: House, caller: Caller, run: Run) -> AsyncIterator[Run]:
    """Give a run as it is, again whenever it has changed, and for the last time when it has ended.

    It ends before that where this process is about to end: whoever watches asks again.
    """
    yield run
    while run.is_active and not DRAIN.is_on:
        tag = run.tag
        run = await _looked_at(house, caller, run)
        if run.tag != tag:
            yield run


async def _looked_at(house: House, caller: Caller, run: Run) -> Run:
    if house.endings is None:
        await asyncio.sleep(WATCH_SECONDS)
        return await get_run(house, caller, run.id)
    async with house.endings.of(run.id) as ended:
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), WATCH_SECONDS)
    return await get_run(house, caller, run.id)
