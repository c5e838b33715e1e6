"""A storm of kills over a loaded stack: `make faults`, or `make faults SHORT=1` for the short form.

Clients send requests, each with inputs and an idempotency key of its own, again and again until they
are accepted. Meanwhile processes are killed at random: solvers, pool children, workers,
schedulers, the API, Valkey, Postgres; connections are cut and the queue is flushed. In the end the
database's history is checked: every accepted run has ended once, with one result, one event and
one audit entry, and there is no run that nobody asked for.
"""

import json
import os
import random
import signal
import statistics
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
from redis import Redis
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table

from tests.faults import solver
from tests.faults.stack import SCHEDULERS, WORKERS, Hurtable, hurtable
from tests.makers import make_snapshot
from tests.service import load_market, strategy_document

REPORT = Path("build") / "faults.json"
CLIENTS = 6
PORTFOLIOS = 48
PATIENCE_SECONDS = 240.0
SAMPLE = 50
EVERY_SECONDS = 5.0
"""Pause between two lines of progress."""

MOST_HURTS = int(os.environ.get("MOST_HURTS", "2"))
"""A run that is hurt three times is given up, and rightly; one that was not must succeed."""

BRIEF_EVERY = 8
"""One run in so many takes a moment longer, so that there is something to be killed in."""

AWAY = (httpx.HTTPError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, RedisError)


@dataclass(frozen=True)
class Size:
    """How many runs and kills at least."""

    runs: int
    kills: int


SHORT, LONG = Size(2_000, 60), Size(20_000, 500)


@dataclass
class History:
    """What the clients were told, and what was done to the stack."""

    accepted: dict[str, str] = field(default_factory=dict)
    """Run by idempotency key."""

    strange: list[str] = field(default_factory=list)
    """Answers that no client should ever have."""

    retries: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    reclaims: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    hurt: Counter[str] = field(default_factory=Counter)
    """How often each run was hurt."""

    @property
    def kills(self) -> int:
        """How many processes were killed."""
        return sum(count for name, count in self.done.items() if name.startswith("kill "))


@dataclass(frozen=True)
class Wound:
    """A run whose process was killed, and when."""

    kind: str
    run_id: str
    attempt: int
    at: float


class Clients:
    """Threads that send requests until they are told to stop."""

    def __init__(self, hurt: Hurtable, key: str, history: History, runs: int) -> None:
        self._hurt = hurt
        self._headers = {"Authorization": f"Bearer {key}"}
        self._history = history
        self._runs = runs
        self._numbers = iter(range(10**9))
        self._lock = threading.Lock()
        self.enough = threading.Event()
        self._threads = [threading.Thread(target=self._send_for_ever, daemon=True) for _ in range(CLIENTS)]

    def start(self) -> None:
        """Start sending."""
        for thread in self._threads:
            thread.start()

    def are_done(self) -> bool:
        """Whether all have stopped."""
        return not any(thread.is_alive() for thread in self._threads)

    def _send_for_ever(self) -> None:
        with httpx.Client(base_url=self._hurt.base_url, headers=self._headers, timeout=60, trust_env=False) as client:
            while not (self.enough.is_set() and len(self._history.accepted) >= self._runs):
                with self._lock:
                    number = next(self._numbers)
                self._send(client, number)

    def _send(self, client: httpx.Client, number: int) -> None:
        deed = solver.BRIEF if number % BRIEF_EVERY == 0 else 0.0
        body = {"portfolio": f"p{number % PORTFOLIOS}", "strategy": "track", "cash_flow": number + deed}
        key = f"storm {number}"
        while True:
            try:
                response = client.post("/v1/optimizations", json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError as error:
                self._history.retries[type(error).__name__] += 1
                time.sleep(0.05)
                continue
            if response.status_code == httpx.codes.ACCEPTED:
                self._history.accepted[key] = response.json()["id"]
                return
            self._history.retries[str(response.status_code)] += 1
            if response.status_code not in {409, 429, 503} or "retry-after" not in response.headers:
                self._history.strange.append(response.text[:500])
            time.sleep(0.1)


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
        names = list(self._deeds)
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

    def _wound(self, kind: str, victims: Callable[[int], list[int]]) -> None:
        running = self._hurt.sql("select run_id, attempt, worker from jobs where state = 'running'")
        rows = [row for row in running if self._history.hurt[row["run_id"]] < MOST_HURTS]
        if not rows:
            raise ProcessLookupError
        row = self._random.choice(rows)
        child = int(row["worker"].rpartition(":")[2])
        if child not in {one.pid for one in self._hurt.children()}:
            raise ProcessLookupError  # not ours: dead by now, and its number may be somebody else's
        for pid in victims(child):
            os.kill(pid, signal.SIGKILL)
        self._history.hurt[row["run_id"]] += 1
        self._wounds.append(Wound(kind, row["run_id"], row["attempt"], time.monotonic()))

    def _group_of(self, child: int) -> list[int]:
        """Give a worker with all its processes; an orphan's parent is nobody of ours."""
        main = psutil.Process(child).parent()
        if main is None or main.pid not in {self._hurt.supervisor.pid(name) for name in WORKERS}:
            raise ProcessLookupError
        return [main.pid, *(one.pid for one in main.children(recursive=True))]

    def _kill(self, name: str) -> None:
        if not self._hurt.alive(name):
            raise ProcessLookupError
        os.kill(self._hurt.supervisor.pid(name) or 0, signal.SIGKILL)

    def _flush(self) -> None:
        with Redis.from_url(self._hurt.addresses.redis_url, socket_timeout=2) as redis:
            redis.flushall()


def _itself(child: int) -> list[int]:
    return [child]


def _solver_of(child: int) -> list[int]:
    return [one.pid for one in psutil.Process(child).children() if "tests.faults.solver" in one.cmdline()]


def main() -> int:
    """Run the storm; 1 if anything was lost or doubled."""
    size = SHORT if os.environ.get("SHORT") else LONG
    seed = int(os.environ.get("SEED", str(random.randrange(10**6))))  # noqa: S311 - as above
    console = Console(width=100, highlight=False)
    console.print(f"at least {size.runs} runs, {size.kills} kills, seed {seed}")
    history, began = History(), time.monotonic()
    with hurtable({"ASSETMIX_SIGN_SECONDS": "2"}) as hurt:
        injector = Injector(hurt, history, seed)
        _blow(hurt, injector, history, size, console)
        verdict = _verdict(hurt, history)
    report = verdict | _figures(history) | {"seed": seed, "seconds": round(time.monotonic() - began, 1)}
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    _show(report, console)
    solved = verdict["inputs"] == verdict["runs"] <= verdict["attempts"]
    return int(bool(verdict["lost"] or verdict["doubled"] or verdict["strange"] or not solved))


def _blow(hurt: Hurtable, injector: Injector, history: History, size: Size, console: Console) -> None:
    clients = Clients(hurt, _load(hurt), history, size.runs)
    clients.start()
    told = struck = time.monotonic()
    while not clients.are_done():
        hurt.supervisor.tend()
        injector.look()
        due = min(1.0, len(history.accepted) / size.runs) * size.kills
        now = time.monotonic()
        if history.kills < due and now - struck > size.runs / size.kills / 100:
            injector.strike()
            struck = now
        if history.kills >= size.kills:
            clients.enough.set()
        if now - told > EVERY_SECONDS:
            console.print(f"  {len(history.accepted)} accepted, {history.kills} kills, {_jobs(hurt)} not ended")
            told = now
        time.sleep(0.02)
    _settle(hurt, injector)


def _settle(hurt: Hurtable, injector: Injector) -> None:
    """Wait until every run has ended; what has not after minutes is lost."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and (injector.waits or _jobs(hurt) != "0"):
        hurt.supervisor.tend()
        injector.look()
        time.sleep(0.05)


def _load(hurt: Hurtable) -> str:
    key = hurt.key("storm")
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=hurt.base_url, headers=headers, timeout=60, trust_env=False) as client:
        load_market(client, make_snapshot())
        client.put("/v1/strategies/track", json=strategy_document()).raise_for_status()
        for number in range(PORTFOLIOS):
            held = {"base_currency": "USD", "holdings": {"$USD": 10_000 + number}}
            client.put(f"/v1/portfolios/p{number}", json=held).raise_for_status()
    return key


def _jobs(hurt: Hurtable) -> str:
    with suppress(*AWAY):
        return str(hurt.sql("select count(*) as n from jobs")[0]["n"])
    return "?"


def _verdict(hurt: Hurtable, history: History) -> dict[str, Any]:
    """Compare what the database holds with what the clients were told."""
    rows = hurt.sql(
        "select o.id, o.status, o.error, o.result is not null as answered, o.optimization_hash, o.attempt,"
        " (select count(*) from events e where e.tenant_id = o.tenant_id and e.run_id = o.id) as events,"
        " (select count(*) from audit a where a.tenant_id = o.tenant_id and a.subject = o.id"
        "   and a.action = 'optimization.end') as ends from optimizations o"
    )
    ended = {row["id"] for row in rows if row["status"] == "succeeded" and row["answered"]}
    written = {row["id"] for row in rows if row["events"] >= 1 and row["ends"] >= 1}
    twice = {row["id"] for row in rows if row["events"] > 1 or row["ends"] > 1}
    known = set(history.accepted.values())
    return {
        "runs": len(history.accepted),
        "kills": history.kills,
        "lost": len(known - (ended & written)),
        # a run told twice, or one that no client knows of
        "doubled": len(twice | ({row["id"] for row in rows} - known)) + len(history.accepted) - len(known),
        "attempts": sum(row["attempt"] for row in rows),
        "inputs": len({row["optimization_hash"] for row in rows}),
        "strange": history.strange[:5] + _disagreements(hurt, history),
        "unlike": [_told(row, history) for row in rows if row["id"] not in ended],
    }


def _told(row: asyncpg.Record, history: History) -> str:
    """Say of a run that did not succeed how it ended, and how often it was hurt."""
    return (
        f"{row['id']} {row['status']}, attempt {row['attempt']}, hurt {history.hurt[row['id']]} times: {row['error']}"
    )


def _disagreements(hurt: Hurtable, history: History) -> list[str]:
    """Whether the API tells of some runs what the database holds."""
    chosen = random.sample(sorted(history.accepted.values()), min(SAMPLE, len(history.accepted)))
    with hurt.client("storm") as client:
        found = [client.get(f"/v1/optimizations/{run_id}").json() for run_id in chosen]
    return [run["id"] for run in found if run["status"] != "succeeded" or run["result"] is None]


def _figures(history: History) -> dict[str, Any]:
    return {
        "faults": dict(sorted(history.done.items())),
        "retries": dict(sorted(history.retries.items())),
        "reclaim_seconds": {kind: _percentiles(seconds) for kind, seconds in sorted(history.reclaims.items())},
        "workers": len(WORKERS),
    }


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    last = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return {"n": len(ordered), "p50": round(statistics.median(ordered), 2), "p99": round(last, 2)}


def _show(report: dict[str, Any], console: Console) -> None:
    table = Table("", "", title="Storm")
    for name in ("runs", "kills", "lost", "doubled", "attempts", "seconds", "seed"):
        table.add_row(name, str(report[name]))
    for kind, figures in report["reclaim_seconds"].items():
        table.add_row(f"{kind}, seconds to the next claim", ", ".join(f"{k} {v}" for k, v in figures.items()))
    console.print(table)
    console.print(f"written to {REPORT}")
    for kind in ("strange", "unlike"):
        for one in report[kind]:
            console.print(f"{kind}: {one}")


if __name__ == "__main__":
    sys.exit(main())
