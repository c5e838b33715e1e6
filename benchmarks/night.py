"""A night of the robo advisor: every portfolio swept in one go, in total CPU beside the bare solves.

Run by `make bench`. Every portfolio has holdings of its own and follows the published policy (bands of
groups, positions and cash, a least order, fractional steps), so that each is really solved; the number
of runs is checked. Total CPU is that of all processes of the stack: database, queue, scheduler,
workers, solvers, API. The bare solve is HiGHS alone on the assembled mixed-integer program of the same
accounts.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from dataclasses import dataclass

import httpx
import numpy as np
import psutil
from rich.console import Console
from rich.progress import Progress

from assetmix.codec.documents import PORTFOLIO, STRATEGY
from assetmix.codec.snapshots import read_snapshot
from assetmix.jobs.broker import make_celery
from assetmix.jobs.doorbell import Doorbell
from assetmix.optimization.master import Master
from assetmix.optimization.memory import Memory
from assetmix.optimization.resolve import Question, resolve
from assetmix.optimization.solvers import HIGHS
from assetmix.persistence.session import Database
from assetmix.services import nights
from assetmix.services.context import House
from benchmarks.records import Record, keep, show
from tests import robo
from tests.service import Service, running_service

PORTFOLIOS = int(os.environ.get("PORTFOLIOS", "1000"))
SAMPLE = 40
AIM = 3.0
TENANT = "night"


@dataclass(frozen=True)
class Night:
    """What a sweep took: seconds by the clock, and of CPU by all processes."""

    seconds: float
    cpu_seconds: float


def main() -> int:
    console = Console(width=100)
    with running_service() as service, service.client(TENANT) as client:
        prepare(client, console)
        night = sweep(service, console)
        bare = bare_solves(service)
    report(night, bare, console)
    return 0


def prepare(client: httpx.Client, console: Console) -> None:
    """Create every portfolio before there are prices, so that nothing is solved by day."""
    client.put("/v1/instruments", json={"instruments": robo.instruments()}).raise_for_status()
    policy = client.post("/robo-advisor/policies/", json=robo.policy()).raise_for_status().json()["id"]
    owner = client.post("/users/", json={}).raise_for_status().json()["id"]
    random = np.random.default_rng(1)
    with Progress(console=console, transient=True) as progress:
        for _ in progress.track(range(PORTFOLIOS), description="creating portfolios"):
            held = account(random)
            client.post("/portfolios/", json=robo.portfolio(owner, policy, held)).raise_for_status()
    client.put("/v1/prices", content=robo.history(), headers={"Content-Type": "text/csv"}).raise_for_status()


def account(random: np.random.Generator) -> dict[str, float]:
    """Some units of some funds, and cash: worth 5,000 to 200,000."""
    value = float(np.exp(random.uniform(np.log(5e3), np.log(2e5))))
    parts = random.dirichlet(np.ones(len(robo.PRICES) + 1)) * (random.random(len(robo.PRICES) + 1) < 0.7)  # noqa: PLR2004 - most
    held = {
        key: round(value * float(part) / price, 4)
        for (key, price), part in zip(robo.PRICES.items(), parts[1:], strict=True)
        if part > 0
    }
    spent = sum(units * robo.PRICES[key] for key, units in held.items())
    return {"$USD": round(value - spent, 2), **held}


def sweep(service: Service, console: Console) -> Night:
    """Begin the night, and wait until every portfolio has its answer."""
    before, started = cpu_seconds(), time.monotonic()
    asyncio.run(begin(service))
    ended = (
        "select count(*) from optimizations where status in ('succeeded', 'infeasible') and snapshot_digest is not null"
    )
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("optimizing", total=PORTFOLIOS)
        while (done := service.sql(ended)[0][0]) < PORTFOLIOS:
            progress.update(task, completed=done)
            service.supervisor.tend()
            time.sleep(0.5)
    night = Night(time.monotonic() - started, cpu_seconds() - before)
    hashes = "select count(distinct optimization_hash) from optimizations where snapshot_digest is not null"
    assert service.sql(hashes)[0][0] == PORTFOLIOS, "a portfolio was answered without being solved"
    return night


async def begin(service: Service) -> None:
    """Do what the scheduler does at its hour."""
    settings = service.settings().model_copy(update={"nightly_hour": 0})
    database = Database(settings.async_database_url, 1)
    bell = Doorbell(make_celery(settings.redis_url.get_secret_value()))
    assert await nights.begin_night(House(database, bell, settings, Memory(1)))
    await database.close()


def cpu_seconds() -> float:
    """CPU of every process that was started here."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            used = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += used.user + used.system
    return total


def bare_solves(service: Service) -> list[float]:
    """CPU seconds of HiGHS alone on the assembled programs of some of the accounts."""
    rows = service.sql(
        "select o.inputs, s.payload from optimizations o join snapshots s on s.tenant_id = o.tenant_id"
        " and s.digest = o.snapshot_digest where o.status = 'succeeded' order by o.id limit $1",
        SAMPLE,
    )
    snapshot = read_snapshot(bytes(rows[0]["payload"]))
    return [bare_solve(json.loads(row["inputs"]), snapshot) for row in rows]


def bare_solve(inputs: dict[str, object], snapshot: object) -> float:
    """CPU seconds of one."""
    portfolio, strategy = PORTFOLIO.read_value(inputs["portfolio"]), STRATEGY.read_value(inputs["strategy"])
    question = Question(strategy, portfolio, snapshot, "bench", "bench")  # type: ignore[arg-type]
    problem = resolve(question, Memory(4))
    program = Master(problem)._plain  # noqa: SLF001 - the assembled program is what is timed
    data, chain, _ = program.get_problem_data("HIGHS")
    options = HIGHS.limited(60.0, problem.gap, root=False).options
    started = time.process_time()
    chain.solve_via_data(program, data, solver_opts=dict(options))
    return time.process_time() - started


def report(night: Night, bare: list[float], console: Console) -> None:
    """Show the figures and keep them."""
    each, alone = night.cpu_seconds / PORTFOLIOS, statistics.mean(bare)
    records = [
        Record("night, portfolios per second", PORTFOLIOS / night.seconds, "1/s"),
        Record("night, CPU of all processes a portfolio", 1000 * each, "ms"),
        Record("night, CPU of the bare solve a portfolio", 1000 * alone, "ms"),
        Record("night, total CPU of bare solves", each / alone, "x", AIM),
    ]
    show(console, f"A night of {PORTFOLIOS} portfolios, each with holdings of its own, all solved", records)
    keep("night", records)


if __name__ == "__main__":
    sys.exit(main())
