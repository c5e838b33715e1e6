"""Many accounts through POST /v1/batches, verified, with orders, stored: total CPU beside the bare solves.

Run by `make bench`. Every account has holdings of its own, so that each is really solved; the number of
answers is checked. Total CPU is that of all processes of the stack: database, queue, scheduler, two
workers, their solvers, API, from the request to the end of the run. The bare solve is PIQP alone, set
up and run on the assembled problem of the same accounts; with whole lots the bare rounding is added:
the rounding's own arithmetic, without resolving, reporting or storing. As many of both run beside each
other as there are workers, for cores that are both at work take longer for the same. Machines are
shared and have their times: there are three runs, each with a strategy of its own, so that nothing is
known from the one before, and each is held against the bare solves before and after it. The middle
ratio counts, and the worst stands beside it.
"""

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx
import psutil
from rich.console import Console
from rich.progress import Progress

from assetmix.codec.documents import STRATEGY
from assetmix.optimization import constraints as _constraints
from assetmix.optimization import measures as _measures
from assetmix.optimization import rules as _rules
from assetmix.optimization.memory import Memory
from assetmix.optimization.resolve import resolve
from assetmix.optimization.rounding import rounded_trades
from assetmix.optimization.solution import Solution
from assetmix.optimization.solve import solve
from assetmix.optimization.solvers import PIQP
from assetmix.optimization.statement import Statement
from benchmarks.accounts import Market
from benchmarks.bare import set_up_and_solve
from benchmarks.night import cpu_seconds
from benchmarks.records import Record, keep, show
from tests.service import UNHURRIED, Service, running_service

ACCOUNTS = int(os.environ.get("ACCOUNTS", "10000"))
SAMPLE = 300
TURNOVERS = (0.3, 0.301, 0.302)
"""What the strategy of each run lets an account trade."""
WORKERS = 2
REACH = {"fractions": 3.0, "lots": 2.0}
REGISTERED = (_constraints, _measures, _rules)
MEGABYTE = 2**20
HALF = 0.5


@dataclass(frozen=True)
class Measured:
    """Seconds by the clock, of CPU by all processes, and how the solvers' memory grew from half way on, megabytes."""

    seconds: float
    cpu_seconds: float
    grown_mb: float


@dataclass(frozen=True)
class Run:
    """One run, and the CPU seconds of an account's bare solve, on average before and after it."""

    measured: Measured
    bare: float

    @property
    def each(self) -> float:
        """CPU seconds of an account."""
        return self.measured.cpu_seconds / ACCOUNTS

    @property
    def ratio(self) -> float:
        """Total CPU of that of the bare solves."""
        return self.each / self.bare


def main() -> int:
    console = Console(width=110)
    records: list[Record] = []
    for kind, step in (("fractions", 1e-4), ("lots", None)):
        market = Market(step=step)
        with running_service(WORKERS, UNHURRIED) as service, service.client(kind) as client:
            load(client, market, console)
            records += figures(kind, list(runs(kind, market, service, client, console)))
    show(console, f"{ACCOUNTS:,} accounts of 100 names in one batch, two workers", records)
    keep("batches", records)
    return 0


def runs(kind: str, market: Market, service: Service, client: httpx.Client, console: Console) -> Iterator[Run]:
    """Every run of a kind, each with the bare solves before and after it."""
    before = bare_beside(market, rounding=kind == "lots")
    for turnover in TURNOVERS:
        name = f"track-{turnover:g}"
        strategy = STRATEGY.write(replace(market, turnover=turnover).strategy)
        client.put(f"/v1/strategies/{name}", json=strategy).raise_for_status()
        measured = through(service, client, name, console)
        after = bare_beside(market, rounding=kind == "lots")
        yield Run(measured, (before + after) / 2.0)
        before = after


def load(client: httpx.Client, market: Market, console: Console) -> None:
    """Store market, strategy and portfolios."""
    documents = market.documents()
    client.put("/v1/instruments", json={"instruments": documents["instruments"]}).raise_for_status()
    client.put("/v1/prices", json={"prices": documents["prices"]}).raise_for_status()
    client.put("/v1/risk-models/factors", json=documents["model"]).raise_for_status()
    with Progress(console=console, transient=True) as progress:
        for number in progress.track(range(ACCOUNTS), description="creating portfolios"):
            body = {"base_currency": "USD", "holdings": market.holdings(number)}
            client.put(f"/v1/portfolios/account-{number:05d}", json=body).raise_for_status()


def through(service: Service, client: httpx.Client, strategy: str, console: Console) -> Measured:
    """Ask for the batch and wait for its end."""
    before, started, halfway = cpu_seconds(), time.monotonic(), 0.0
    run = client.post("/v1/batches", json={"strategy": strategy, "query": {}}, timeout=120).raise_for_status().json()
    address = f"/v1/batches/{run['id']}"
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("optimizing", total=1.0)
        for seen in _events(client, address):
            progress.update(task, completed=seen["progress"])
            if not halfway and seen["progress"] > HALF:
                halfway = solvers_mb()
            service.supervisor.tend()
    run = client.get(address).raise_for_status().json()
    assert run["status"] == "succeeded", run
    answered = run["result"]
    assert answered["count"] == ACCOUNTS
    assert answered["succeeded"] + answered["infeasible"] == ACCOUNTS, answered
    return Measured(time.monotonic() - started, cpu_seconds() - before, solvers_mb() - halfway)


def _events(client: httpx.Client, address: str) -> Iterator[dict[str, Any]]:
    """What the batch's own stream tells of it until it has ended."""
    with client.stream("GET", f"{address}/events", timeout=None) as stream:
        for line in stream.iter_lines():
            if line.startswith("data:"):
                yield json.loads(line.removeprefix("data:"))


def solvers_mb() -> float:
    """Memory of the solver processes."""
    solvers = (one for one in psutil.Process().children(recursive=True) if "assetmix.jobs.solver_main" in one.cmdline())
    return sum(one.memory_info().rss for one in solvers) / MEGABYTE


def bare_beside(market: Market, *, rounding: bool) -> float:
    """CPU seconds of a bare solve, and of rounding alone, while each core does the same."""
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # as the workers have it
    with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool:
        taken = list(pool.map(partial(bare_cpu, rounding=rounding), [market] * WORKERS))
    return sum(taken) / len(taken)


def bare_cpu(market: Market, *, rounding: bool) -> float:
    """CPU seconds of PIQP alone on the assembled problems of some accounts, and of rounding alone, each on average."""
    memory, spent = Memory(16), []
    for number in range(SAMPLE):
        problem = resolve(market.question(number), memory)
        statement = memory.recall(("bare", problem.structure), partial(Statement, problem))
        statement.decision.set(problem)
        data, _, _ = statement.living.problem.get_problem_data(PIQP.name)
        began = time.process_time()
        set_up_and_solve(data)
        took = time.process_time() - began
        found = solve(problem, memory, lambda: 60.0)
        if rounding and isinstance(found, Solution):
            started = time.process_time()
            rounded_trades(problem, found.weights, found.cash)
            took += time.process_time() - started
        spent.append(took)
    return sum(spent) / len(spent)


def figures(kind: str, found: list[Run]) -> list[Record]:
    """What was measured of one kind, of the run with the middle ratio."""
    middle, worst = sorted(found, key=lambda run: run.ratio)[len(found) // 2], max(run.ratio for run in found)
    beside = "bare solves" if kind == "fractions" else "bare solves and bare rounding"
    return [
        Record(f"{kind}: total CPU of the {beside}", middle.ratio, "x", REACH[kind]),
        Record("... the worst of three runs", worst, "x"),
        Record(f"{kind}: CPU of all processes an account", 1000 * middle.each, "ms"),
        Record(f"{kind}: {beside} an account", 1000 * middle.bare, "ms"),
        Record(f"{kind}: accounts a second", ACCOUNTS / middle.measured.seconds, "1/s"),
        Record(f"{kind}: growth of both solvers over the second half", found[-1].measured.grown_mb, "MB", 20.0),
    ]


if __name__ == "__main__":
    sys.exit(main())
