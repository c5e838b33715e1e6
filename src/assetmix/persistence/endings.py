"""Waiting for runs to end: one LISTEN connection a process, however many wait.

A notice may be missed while the connection is made anew, so whoever waits also looks from time to
time; the notice only makes it quick.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from assetmix.persistence.outcomes import CHANNEL

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


class Endings:
    """Wakes those who wait for a run when Postgres says that it has ended."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url.replace("+asyncpg", "")
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start listening in the running event loop."""
        self._listener = asyncio.create_task(self._listen_for_ever(), name="endings")

    async def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener

    @asynccontextmanager
    async def of(self, run_id: str) -> AsyncIterator[asyncio.Event]:
        """Give an event that is set when the run ends while the block runs."""
        event = asyncio.Event()
        self._waiting[run_id].add(event)
        try:
            yield event
        finally:
            self._waiting[run_id].discard(event)
            if not self._waiting[run_id]:
                del self._waiting[run_id]

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("not listening for endings, trying again: %s", type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(self._url, timeout=5)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._notice)
            await lost.wait()
        finally:
            connection.terminate()

    def _notice(self, _connection: object, _pid: int, _channel: str, run_id: str) -> None:
        for event in self._waiting.get(run_id, ()):
            event.set()
