"""How long the queue is, as the scheduler last counted it: when it is worth asking again."""

import asyncio
import math
import random

from assetmix.errors import Unavailable
from assetmix.persistence import pulse
from assetmix.persistence.session import Database

FRESH_SECONDS = 1.0
SECONDS_A_RUN = 0.25
"""What one worker process takes for an ordinary run, roughly."""

SHORTEST, LONGEST = 1, 60
SPREAD = 5
"""One part in so many is added at random, so that those who wait do not all come back at once."""


class Backlog:
    """Remembers the length of the queue for a moment, so that a request in thousands asks for it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seconds = SHORTEST
        self._read_at = -math.inf

    async def retry_after(self) -> int:
        """Seconds after which a run that is queued now has probably ended."""
        now = asyncio.get_running_loop().time()
        if now - self._read_at > FRESH_SECONDS:
            self._read_at = now
            self._seconds = await self._estimate()
        return self._seconds + random.randint(0, self._seconds // SPREAD)  # noqa: S311 - to spread requests, not to hide anything

    async def _estimate(self) -> int:
        try:
            async with self._database.transaction() as connection:
                last = await pulse.read(connection)
        except Unavailable:
            return SHORTEST
        seconds = SECONDS_A_RUN * last.queued / max(1, last.processes)
        return min(max(math.ceil(seconds), SHORTEST), LONGEST)
