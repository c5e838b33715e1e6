"""Rings the workers' bell without ever making a request wait for Redis."""

import asyncio
import logging
from contextlib import suppress

from celery import Celery
from kombu.exceptions import OperationalError

from assetmix.jobs.broker import WORK

log = logging.getLogger(__name__)


class Doorbell:
    """One background sender; a ring that cannot be sent is logged and dropped.

    Dropping is safe: the run is a committed row, and the scheduler rings again for it.
    """

    def __init__(self, celery: Celery) -> None:
        self._celery = celery
        self._due = 0
        self._wake = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the sender in the running event loop."""
        self._sender = asyncio.create_task(self._send_for_ever(), name="doorbell")

    def ring(self, times: int = 1) -> None:
        """Ask for rings; returns at once."""
        self._due += times
        self._wake.set()

    async def flush(self) -> None:
        """Send what is due before going on; for processes that have no background sender."""
        due, self._due = self._due, 0
        if due:
            await asyncio.to_thread(self._send, due)

    async def close(self) -> None:
        """Send what is due and stop."""
        if self._sender is not None:
            self._sender.cancel()
            with suppress(asyncio.CancelledError):
                await self._sender
        await self.flush()

    async def _send_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            due, self._due = self._due, 0
            await asyncio.to_thread(self._send, due)

    def _send(self, times: int) -> None:
        try:
            for _ in range(times):
                self._celery.send_task(WORK, retry=False, ignore_result=True)
        except (OperationalError, OSError) as error:
            log.warning("the queue cannot be reached, runs wait for the scheduler: %s", type(error).__name__)
