"""A rebalance of the demo portfolio over HTTP, warm, beside the bare solver on the same problem.

Run by `make bench`. Every request has holdings of its own, so that each is really solved; the number of
solves is checked. Latency is from sending POST /portfolio/rebalance to the 200 of the latest optimization,
by a client that polls every two milliseconds.
"""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import piqp
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
from tests.service import Service, running_service

REQUESTS = int(os.environ.get("REQUESTS", "300"))
WARM = 20
POLL_SECONDS = 0.002
AIM_MS = 40.0
RESULTS = Path("build") / "bench"
STAGES = ("queued_ms", "load_ms", "build_ms", "solve_ms", "orders_ms", "total_ms")


def main() -> int:
    console = Console(width=100)
    with running_service() as service:
        key = service.key(content.TENANT)
        DemoClient(service.base_url, key, console.print).load()
        with service.client(content.TENANT) as client:
            latencies, runs = measure(client, console)
        bare = bare_solves(service, runs)
    report(latencies, runs, bare, console)
    return 0


def measure(client: httpx.Client, console: Console) -> tuple[list[float], list[dict[str, Any]]]:
    """Latencies in milliseconds, and the runs behind them."""
    portfolio = client.get(f"/v1/portfolios/{content.PORTFOLIO}").json()["id"]
    strategy = {one["name"]: one["strategy_id"] for one in client.get("/strategy").json()}["track-the-index"]
    latencies, ids = [], []
    with console.status("measuring") as status:
        for number, holdings in enumerate(accounts(WARM + REQUESTS)):
            put_holdings(client, holdings)
            started = time.perf_counter()
            ids.append(rebalance(client, portfolio, strategy))
            latencies.append(1000 * (time.perf_counter() - started))
            status.update(f"measuring: {number + 1} of {WARM + REQUESTS}")
    runs = [client.get(f"/v1/optimizations/{run_id}").json() for run_id in ids]
    assert len(set(ids)) == len(ids), "a request was answered without being solved"
    assert all(run["status"] == "succeeded" and run["attempt"] == 1 for run in runs)
    return latencies[WARM:], runs[WARM:]


def accounts(count: int) -> Iterator[dict[str, float]]:
    """Holdings of their own for every request."""
    random = np.random.default_rng(2022)
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


def rebalance(client: httpx.Client, portfolio: str, strategy: int) -> str:
    body = {"client_reference": content.PORTFOLIO, "strategy_id": strategy}
    run_id = str(client.post("/portfolio/rebalance", json=body).raise_for_status().json()["id"])
    while client.get(f"/portfolios/{portfolio}/optimizations/latest/").status_code != httpx.codes.OK:
        time.sleep(POLL_SECONDS)
    return run_id


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
    statement = Statement(resolve(Question(strategy, portfolio, snapshot, "bench", "bench"), Memory(4)))
    data, _, _ = statement._problem.get_problem_data("PIQP")  # noqa: SLF001 - the assembled problem is what is timed
    started = time.perf_counter()
    solver = piqp.SparseSolver()
    for name, value in PIQP.options.items():
        setattr(solver.settings, name, value)
    solver.setup(data["P"], data["q"], data["A"], data["b"], data["F"], None, data["G"])
    status = solver.solve()
    assert status == piqp.PIQP_SOLVED, status
    return 1000 * (time.perf_counter() - started)


def report(latencies: list[float], runs: list[dict[str, Any]], bare: list[float], console: Console) -> None:
    stages = {name: statistics.median(run["timings"][name] for run in runs) for name in STAGES}
    p50, p99 = (float(np.percentile(latencies, part)) for part in (50, 99))
    alone = statistics.median(bare)
    table = Table(title=f"One rebalance over HTTP, {len(latencies)} requests, {len(runs)} solves")
    for name in ("what", "ms", "times the bare solve"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for name, value in [("POST to 200, p50", p50), ("POST to 200, p99", p99), *stages.items(), ("bare solve", alone)]:
        table.add_row(name.removesuffix("_ms"), f"{value:.2f}", f"{value / alone:.1f}")
    console.print(table)
    console.print(f"aim: p50 under {AIM_MS:.0f} ms: {'met' if p50 < AIM_MS else 'missed'}")
    records = [
        {"name": "rebalance-http-p50", "value": p50, "unit": "ms", "reach": AIM_MS, "met": p50 < AIM_MS},
        {"name": "rebalance-http-p99", "value": p99, "unit": "ms", "reach": None, "met": None},
        {"name": "rebalance-http-p50-of-bare", "value": p50 / alone, "unit": "ratio", "reach": None, "met": None},
    ]
    RESULTS.mkdir(parents=True, exist_ok=True)
    machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    text = json.dumps({"records": records, "stages": stages, "machine": machine}, indent=2)
    (RESULTS / "rebalance.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
