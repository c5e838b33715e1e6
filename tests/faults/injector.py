"""Does one bad thing after the other to a stack, and watches how soon what was hurt goes on."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import asyncpg
import httpx
import psutil
from redis import Redis
from redis.exceptions import RedisError

from tests.faults.history import History
from tests.faults.stack import SCHEDULERS, WORKERS, Hurtable

MOST_HURTS = int(os.environ.get("MOST_HURTS", "2"))
"""A run that is hurt three times is given up, and rightly; one that was not must succeed."""


ONLY = {name.strip() for name in os.environ.get("ONLY", "").split(",") if name.strip()}
"""Deeds that a storm is made of; all of them where none is named."""

BUSY_SECONDS = 1.0
"""How long a moment is waited for in which there is something to be killed."""

IN_FLIGHT_SECONDS = 0.03
"""What a process has sent before it was frozen has arrived by then."""

AWAY = (httpx.HTTPError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, RedisError)


@dataclass(frozen=True)
class Wound:
    """A run whose process was killed, and when."""

    kind: str
    run_id: str
    attempt: int
    at: float


class Injector:
    """Does one bad thing after the other, and watches how soon what was hurt goes on."""

    def __init__(self, hurt: Hurtable, history: History, seed: int) -> None:
        self._hurt = hurt
        self._history = history
        self._random = random.Random(seed)  # noqa: S311 - to repeat a storm, not to hide anything
        self._wounds: list[Wound] = []
        self._deeds: dict[str, tuple[int, Callable[[], None]]] = {
            "kill solver": (20, lambda: self._wound("kill solver", _solver_of)),
            "kill child": (16, lambda: self._wound("kill child", _itself)),
            "kill worker": (8, lambda: self._wound("kill worker", self._group_of)),
            "kill scheduler": (8, lambda: self._kill(self._random.choice(SCHEDULERS))),
            "kill api": (4, lambda: self._kill("api")),
            "kill valkey": (4, lambda: self._kill("valkey")),
            "kill postgres": (3, lambda: self._kill("postgres")),
            "flush the queue": (2, self._flush),
            "cut redis": (2, self._hurt.redis.cut),
            "cut postgres": (2, self._hurt.postgres.cut),
        }

    def strike(self) -> None:
        """Do something bad."""
        names = [name for name in self._deeds if not ONLY or name in ONLY]
        name = self._random.choices(names, [self._deeds[one][0] for one in names])[0]
        with suppress(psutil.Error, ProcessLookupError, *AWAY):
            self._deeds[name][1]()
            self._history.done[name] += 1

    def look(self) -> None:
        """Note which runs that were hurt are being worked on again, or have ended."""
        with suppress(*AWAY):
            for wound in list(self._wounds):
                rows = self._hurt.sql("select attempt, status from optimizations where id = $1", wound.run_id)
                if rows[0]["attempt"] > wound.attempt or rows[0]["status"] not in {"queued", "running"}:
                    self._history.reclaims[wound.kind].append(time.monotonic() - wound.at)
                    self._wounds.remove(wound)

    @property
    def waits(self) -> bool:
        """Whether any run that was hurt is not worked on yet."""
        return bool(self._wounds)

    def _wound(self, kind: str, victims: Callable[[psutil.Process], list[psutil.Process]]) -> None:
        ours = {one.pid: one for one in self._hurt.children()}
        chosen = self._busy(set(ours))
        dying = victims(ours[self._random.choice(chosen)])
        struck = [one for one in ours.values() if one in dying or any(solver in dying for solver in one.children())]
        with _frozen(struck):
            held = [job for job in self._running() if _child(job) in {one.pid for one in struck}]
            if not held or any(self._history.hurt[job["run_id"]] >= MOST_HURTS for job in held):
                raise ProcessLookupError
            for one in dying:
                one.kill()
        for job in held:
            self._history.hurt[job["run_id"]] += 1
            self._wounds.append(Wound(kind, job["run_id"], job["attempt"], time.monotonic()))

    def _busy(self, children: set[int]) -> list[int]:
        """Wait a moment for pool children that have something to do."""
        until = time.monotonic() + BUSY_SECONDS
        while time.monotonic() < until:
            if chosen := [_child(job) for job in self._running() if _child(job) in children]:
                return chosen
        raise ProcessLookupError

    def _running(self) -> list[asyncpg.Record]:
        return self._hurt.sql("select run_id, attempt, worker from jobs where state = 'running'")

    def _group_of(self, child: psutil.Process) -> list[psutil.Process]:
        """Give a worker with all its processes; an orphan's parent is nobody of ours."""
        main = child.parent()
        if main is None or main.pid not in {self._hurt.supervisor.pid(name) for name in WORKERS}:
            raise ProcessLookupError
        return [main, *main.children(recursive=True)]

    def _kill(self, name: str) -> None:
        if not self._hurt.alive(name):
            raise ProcessLookupError
        os.kill(self._hurt.supervisor.pid(name) or 0, signal.SIGKILL)

    def _flush(self) -> None:
        with Redis.from_url(self._hurt.addresses.redis_url, socket_timeout=2) as redis:
            redis.flushall()


def _child(job: asyncpg.Record) -> int:
    return int(job["worker"].rpartition(":")[2])


@contextmanager
def _frozen(processes: list[psutil.Process]) -> Iterator[None]:
    """Hold processes still, so that what they are working on is known to be that."""
    try:
        for one in processes:
            one.suspend()
        time.sleep(IN_FLIGHT_SECONDS)
        yield
    finally:
        for one in processes:
            with suppress(psutil.Error):
                one.resume()


def _itself(child: psutil.Process) -> list[psutil.Process]:
    return [child]


def _solver_of(child: psutil.Process) -> list[psutil.Process]:
    return [one for one in child.children() if "tests.faults.solver" in one.cmdline()]
