"""A rebalance of the demo portfolio over HTTP, warm, beside the bare solver on the same problem.

Run by `make bench`. Every request has holdings of its own, so that each is really solved; the number of
solves is checked. Latency is from sending the POST to the last byte of the 200 that carries the answer: by a client
that prefers to wait (POST /v1/optimizations), and by one that polls (POST /portfolio/rebalance, then the latest
optimization every five milliseconds; the polls cost the same two cores that solve). The one that waits is Python's
own http.client on a connection that it keeps: httpx, which the other one is, takes a millisecond more by itself.
After each answer the same client asks FastAPI, Celery and Redis for a task that does nothing (`benchmarks.noop`):
what a stack takes here and now, whatever the machine is busy with.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from assetmix.codec.documents import PORTFOLIO, STRATEGY
from assetmix.codec.snapshots import read_snapshot
from assetmix.demo import content
from assetmix.demo.client import DemoClient
from assetmix.optimization.memory import Memory
from assetmix.optimization.resolve import Question, resolve
from assetmix.optimization.solvers import PIQP
from assetmix.optimization.statement import Statement
from benchmarks.bare import set_up_and_solve
from benchmarks.noop import bare_stack, milliseconds
from benchmarks.records import Record, keep, show
from tests.service import UNHURRIED, Service, running_service

REQUESTS = int(os.environ.get("REQUESTS", "300"))
WARM = 20
POLL_SECONDS = 0.005
AIM_MS = 40.0
MOST_ADDED_MS = 25.0
STAGES = ("queued_ms", "load_ms", "build_ms", "solve_ms", "orders_ms", "total_ms")


def main() -> int:
    console = Console(width=100)
    with running_service(patience=UNHURRIED) as service:
        key = service.key(content.TENANT)
        DemoClient(service.base_url, key, console.print).load()
        with service.client(content.TENANT) as client:
            waited, nothing = measure_waiting(service, client, console)
            polled = measure(client, console, "polling", lambda: poll_for_answer(client))
        bare = bare_solves(service, waited.runs)
    report(waited, polled, (bare, nothing), console)
    return 0


def measure_waiting(service: Service, client: httpx.Client, console: Console) -> tuple["Measured", list[float]]:
    """What the client that waits has measured, and beside it the milliseconds of asking for nothing."""
    key, nothing = service.key(content.TENANT), []
    redis_url = service.settings().redis_url.get_secret_value()
    with closing(HTTPConnection(urlsplit(service.base_url).netloc)) as connection, bare_stack(redis_url) as beside:

        def ask() -> bytes:
            return wait_for_answer(connection, key)

        measured = measure(client, console, "waiting", ask, lambda: nothing.append(milliseconds(beside)))
    return measured, nothing[WARM:]


@dataclass(frozen=True)
class Measured:
    """Latencies in milliseconds, and the runs behind them."""

    latencies: list[float]
    runs: list[dict[str, Any]]

    def at(self, part: float) -> float:
        """Percentile of the latencies."""
        return float(np.percentile(self.latencies, part))


def measure(
    client: httpx.Client, console: Console, seed: str, ask: Callable[[], bytes], after: Callable[[], None] | None = None
) -> Measured:
    latencies, answers = [], []
    with console.status("measuring") as status:
        for number, holdings in enumerate(accounts(WARM + REQUESTS, seed)):
            put_holdings(client, holdings)
            started = time.perf_counter()
            answers.append(ask())
            latencies.append(1000 * (time.perf_counter() - started))
            if after is not None:
                after()
            status.update(f"measuring: {number + 1} of {WARM + REQUESTS}")
    ids = [str(json.loads(answer)["id"]) for answer in answers]
    runs = [client.get(f"/v1/optimizations/{run_id}").json() for run_id in ids]
    assert len(set(ids)) == len(ids), "a request was answered without being solved"
    assert all(run["status"] == "succeeded" and run["attempt"] == 1 for run in runs)
    return Measured(latencies[WARM:], runs[WARM:])


def accounts(count: int, seed: str) -> Iterator[dict[str, float]]:
    """Holdings of their own for every request."""
    random = np.random.default_rng(sum(seed.encode()))
    plain = content.portfolio()["holdings"]
    for number in range(count):
        factors = random.uniform(0.5, 1.5, len(plain))
        yield {
            key: float(round(units * factor)) + (number if key == "$USD" else 0)
            for (key, units), factor in zip(plain.items(), factors, strict=True)
        }


def put_holdings(client: httpx.Client, holdings: dict[str, float]) -> None:
    body = content.portfolio() | {"holdings": holdings}
    client.put(f"/v1/portfolios/{content.PORTFOLIO}", json=body).raise_for_status()


BODY = json.dumps({"portfolio": content.PORTFOLIO, "strategy": "track-the-index"})


def wait_for_answer(connection: HTTPConnection, key: str) -> bytes:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Prefer": "wait=30"}
    connection.request("POST", "/v1/optimizations", BODY, headers)
    answer = connection.getresponse()
    assert answer.status == httpx.codes.OK
    return answer.read()


def poll_for_answer(client: httpx.Client) -> bytes:
    accepted = client.post("/portfolio/rebalance", json={"client_reference": content.PORTFOLIO, "strategy_id": 1})
    address = f"/optimizations/latest?client_reference={content.PORTFOLIO}"
    while client.get(address).status_code != httpx.codes.OK:
        time.sleep(POLL_SECONDS)
    return accepted.raise_for_status().content


def bare_solves(service: Service, runs: list[dict[str, Any]]) -> list[float]:
    """Milliseconds of PIQP alone, set up and solve, on the assembled problem of the same accounts."""
    rows = service.sql(
        "select inputs, payload from optimizations o join snapshots s on s.tenant_id = o.tenant_id and "
        "s.digest = o.snapshot_digest where o.id = any($1::text[])",
        [run["id"] for run in runs[:50]],
    )
    snapshot = read_snapshot(bytes(rows[0]["payload"]))
    return [bare_solve(json.loads(row["inputs"]), snapshot) for row in rows]


def bare_solve(inputs: dict[str, Any], snapshot: Any) -> float:  # noqa: ANN401
    portfolio, strategy = PORTFOLIO.read_value(inputs["portfolio"]), STRATEGY.read_value(inputs["strategy"])
    return bare_milliseconds(Question(strategy, portfolio, snapshot, "bench", "bench"))


def bare_milliseconds(question: Question) -> float:
    """Milliseconds of PIQP alone on the assembled problem of a question."""
    statement = Statement(resolve(question, Memory(4)))
    data, _, _ = statement.living.problem.get_problem_data(PIQP.name)
    started = time.perf_counter()
    solver = set_up_and_solve(data)
    took = 1000 * (time.perf_counter() - started)
    assert solver.result.info.status.name == "PIQP_SOLVED", solver.result.info.status
    return took


def report(waited: Measured, polled: Measured, bare: tuple[list[float], list[float]], console: Console) -> None:
    stages = {name: statistics.median(run["timings"][name] for run in waited.runs) for name in STAGES}
    alone, nothing = (statistics.median(one) for one in bare)
    rows = [
        (f"{way}, p{part}", one.at(part))
        for way, one in (("waiting", waited), ("polling", polled))
        for part in (50, 99)
    ]
    table = Table(title=f"POST to 200 over HTTP, {len(waited.runs)} requests and solves each way")
    for name in ("what", "ms", "times the bare solve"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for name, value in [*rows, *stages.items(), ("bare solve", alone), ("a task that does nothing", nothing)]:
        table.add_row(name.removesuffix("_ms"), f"{value:.2f}", f"{value / alone:.1f}")
    console.print(table)
    records = [
        Record(f"rebalance over HTTP, {name}", value, "ms", AIM_MS if name == "waiting, p50" else None)
        for name, value in rows
    ]
    added = waited.at(50) - stages["solve_ms"]
    records += [
        Record("rebalance over HTTP, p50: added to the solve", added, "ms", MOST_ADDED_MS),
        Record("rebalance over HTTP, p50 of bare solve", waited.at(50) / alone, "x"),
        Record("a task that does nothing through the bare stack, p50", nothing, "ms"),
        Record("added to the solve, p50, of a task that does nothing", added / nothing, "x"),
        *(Record(f"stage {name.removesuffix('_ms')}, median", value, "ms") for name, value in stages.items()),
    ]
    show(console, "one account over HTTP", records)
    keep("rebalance", records)


if __name__ == "__main__":
    sys.exit(main())
