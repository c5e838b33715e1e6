"""A storm of kills over a loaded stack: `make faults`, or `make faults SHORT=1` for the short form.

Clients send requests, each with inputs and an idempotency key of its own, again and again until they
are accepted. Meanwhile processes are killed at random: solvers, pool children, workers, schedulers,
the API, Valkey, Postgres; connections are cut and the queue is flushed. `ONLY="kill child, kill solver"`
makes it of those deeds alone. In the end the database's history is checked: every accepted run has
ended once, with one result, one event and one audit entry, and there is no run that nobody asked for.
"""

import json
import os
import random
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from tests.faults import solver
from tests.faults.history import History, figures_of, verdict_of
from tests.faults.injector import AWAY, Injector
from tests.faults.stack import Hurtable, hurtable
from tests.makers import make_snapshot
from tests.service import load_market, strategy_document

REPORT = Path("build") / "faults.json"
CLIENTS = 6
PORTFOLIOS = 48
PATIENCE_SECONDS = 120.0
EVERY_SECONDS = 5.0
"""Pause between two lines of progress."""

BRIEF_EVERY = 8
"""One run in so many takes a moment longer, so that there is something to be killed in."""


@dataclass(frozen=True)
class Size:
    """How many runs and kills at least."""

    runs: int
    kills: int


SHORT, LONG = Size(900, 27), Size(20_000, 500)


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
        verdict = verdict_of(hurt, history)
    report = verdict | figures_of(history) | {"seed": seed, "seconds": round(time.monotonic() - began, 1)}
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    _show(report, console)
    solved = verdict["inputs"] == verdict["runs"] <= verdict["attempts"]
    wrong = [verdict[name] for name in ("lost", "doubled", "blamed", "strange")]
    return int(any(wrong) or not solved)


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
    _settle(hurt, injector, console)


def _settle(hurt: Hurtable, injector: Injector, console: Console) -> None:
    """Wait until every run has ended; what has not after minutes in which none has ended is lost."""
    left, moved = _jobs(hurt), time.monotonic()
    told = moved
    while time.monotonic() - moved < PATIENCE_SECONDS and (injector.waits or left != "0"):
        hurt.supervisor.tend()
        injector.look()
        now = _jobs(hurt)
        if now != left:
            left, moved = now, time.monotonic()
        if time.monotonic() - told > EVERY_SECONDS:
            console.print(f"  all is accepted, {now} not ended")
            told = time.monotonic()
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


def _show(report: dict[str, Any], console: Console) -> None:
    table = Table("", "", title="Storm")
    for name in ("runs", "kills", "lost", "doubled", "blamed", "attempts", "seconds", "seed"):
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
