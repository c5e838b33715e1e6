"""Whether a worker hears the bell: it sends itself signs through the queue, and notes what it hears.

A consumer may go deaf after its connection was cut without a word, while process, port and even a
ping look well. Only what arrives proves that something arrives.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from celery import Celery
from kombu.exceptions import OperationalError

from assetmix.jobs.broker import SIGN

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ears:
    """What a worker listens with.

    `queue` is its own, in which its signs come back; `busy` tells how many of its `processes` have
    something to do: when all have, nothing is taken from any queue.
    """

    queue: str
    processes: int
    busy: Callable[[], int]
    sign_seconds: float
    deaf_seconds: float
    force_seconds: float


class Hearing:
    """Watches the consumer of this process from a thread of its own."""

    def __init__(self, celery: Celery, ears: Ears, clock: Callable[[], float] = time.monotonic) -> None:
        self._celery = celery
        self._ears = ears
        self._clock = clock
        self._heard_at = clock()
        self._ended = threading.Event()

    def start(self) -> None:
        """Send the first sign and start watching."""
        threading.Thread(target=self._watch, name="hearing", daemon=True).start()

    def heard(self) -> None:
        """Note that a message has come."""
        self._heard_at = self._clock()

    def stop(self) -> None:
        """Stop watching; the worker is ending."""
        self._ended.set()

    def look(self) -> bool:
        """Send a sign; whether the worker still hears, as far as can be known."""
        sent = self._send()
        if self._ears.busy() >= self._ears.processes or not sent:
            self.heard()  # nothing is taken now, or nothing can come: that says nothing about the consumer
        return self._clock() - self._heard_at < self._ears.deaf_seconds

    def _watch(self) -> None:
        while True:
            if not self.look():
                log.critical(
                    "nothing was heard for %s seconds though the queue answers; ending", self._ears.deaf_seconds
                )
                self._end()
                return
            if self._ended.wait(self._ears.sign_seconds):
                return

    def _send(self) -> bool:
        try:
            how = {"queue": self._ears.queue, "retry": False, "ignore_result": True, "expires": self._ears.deaf_seconds}
            self._celery.send_task(SIGN, (self._ears.processes,), **how)
        except (OperationalError, OSError):
            return False
        return True

    def _end(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(self._ears.force_seconds)  # the process has ended by then, and this thread with it
        os.kill(os.getpid(), signal.SIGKILL)
