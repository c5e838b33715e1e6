"""IBM's construct for 40 assets over HTTP, warm, beside the bare solver on the same problem.

Run by `make bench`. Every request brings an amount of its own, so that each is really solved; the
number of runs is checked. The risk model is a given one of 30 days, as IBM's own was.
"""

import json
import os
import statistics
import sys
import time
from typing import Any

import httpx
import numpy as np
from rich.console import Console

from assetmix.codec.documents import PORTFOLIO, STRATEGY
from assetmix.codec.risk_models import read_model
from assetmix.codec.snapshots import read_snapshot
from assetmix.optimization.resolve import Question
from benchmarks.rebalance import Measured, bare_milliseconds
from benchmarks.records import Record, keep, show
from tests.service import Service, running_service

ASSETS, GROUPS = 40, 4
REQUESTS, WARM = int(os.environ.get("REQUESTS", "300")), 20
AIM_MS = 60.0
IDS = [f"CX_{number:02d}" for number in range(ASSETS)]


def main() -> int:
    console = Console(width=100)
    with running_service() as service:
        with service.client("ibm") as client:
            load(client)
        headers = {"X-IBM-Access-Token": service.key("ibm")}
        with httpx.Client(base_url=service.base_url, headers=headers, timeout=60, trust_env=False) as client:
            measured = measure(client)
        bare = statistics.median(bare_solves(service))
    report(measured, bare, console)
    return 0


def load(client: httpx.Client) -> None:
    random = np.random.default_rng(40)
    loadings = random.normal(0.0, 0.03, (ASSETS, 3)) + 0.03
    covariance = loadings @ loadings.T + np.diag(random.uniform(0.0005, 0.004, ASSETS))
    prices = [
        {"instrument": key, "date": "2017-08-11", "close": close}
        for key, close in zip(IDS, random.uniform(5, 200, ASSETS), strict=True)
    ]
    client.put(
        "/v1/instruments", json={"instruments": [{"id": key, "currency": "USD"} for key in IDS]}
    ).raise_for_status()
    client.put("/v1/prices", json={"prices": prices}).raise_for_status()
    model = {"instruments": IDS, "horizon_days": 30, "default": True, "covariance": covariance.tolist()}
    returns = {"expected_returns": random.normal(0.006, 0.004, ASSETS).tolist()}
    client.put("/v1/risk-models/thirty", json=model | returns).raise_for_status()


def mandate(amount: float) -> dict[str, Any]:
    every = {"attribute": "weight", "members": "Root"}
    held = [{"asset": key, "quantity": 0} for key in IDS]
    groups = [
        {"name": f"Group {n}", "type": "subportfolio", "ParentPortfolio": "Root", "holdings": held[n::GROUPS]}
        for n in range(GROUPS)
    ]
    return {
        "portfolios": [{"name": "Root", "type": "root", "holdings": held}, *groups],
        "objectives": [
            {"sense": "minimize", "measure": "variance", "attribute": "return", "portfolio": "Root", "timestep": 30}
        ],
        "constraints": [
            {"attribute": "value", "portfolio": "Root", "CashAdjust": amount},
            every | {"relation": "greater-or-equal", "constant": 0},
            every | {"relation": "less-or-equal", "constant": 0.15},
            *(
                {"attribute": "weight", "portfolio": one["name"], "relation": "less-or-equal", "constant": 0.4}
                for one in groups
            ),
        ],
    }


def measure(client: httpx.Client) -> Measured:
    latencies, ids = [], set()
    for number in range(WARM + REQUESTS):
        body = mandate(100_000.0 + number)
        started = time.perf_counter()
        answer = client.post("/api/v1/optimization/portfolio/construct", json=body)
        latencies.append(1000 * (time.perf_counter() - started))
        ids.add(answer.raise_for_status().json()["metadata"][0]["transactionid"])
    assert len(ids) == WARM + REQUESTS, "a request was answered without being solved"
    return Measured(latencies[WARM:], [])


def bare_solves(service: Service) -> list[float]:
    rows = service.sql(
        "select o.inputs, s.payload, p.payload as model from optimizations o"
        " join snapshots s on s.tenant_id = o.tenant_id and s.digest = o.snapshot_digest"
        " join model_payloads p on p.tenant_id = o.tenant_id and p.digest = o.model_digest limit 50"
    )
    questions = []
    for row in rows:
        inputs = json.loads(row["inputs"])
        portfolio, strategy = PORTFOLIO.read_value(inputs["portfolio"]), STRATEGY.read_value(inputs["strategy"])
        snapshot, model = read_snapshot(bytes(row["payload"])), read_model(bytes(row["model"]))
        questions.append(Question(strategy, portfolio, snapshot, "bench", "bench", inputs["cash_flow"], model, "bench"))
    return [bare_milliseconds(one) for one in questions]


def report(measured: Measured, bare: float, console: Console) -> None:
    records = [
        Record("IBM construct over HTTP, p50", measured.at(50), "ms", AIM_MS),
        Record("IBM construct over HTTP, p99", measured.at(99), "ms"),
        Record("IBM construct, p50 of bare solve", measured.at(50) / bare, "x"),
    ]
    show(console, f"IBM's construct, {ASSETS} assets, {len(measured.latencies)} requests and solves", records)
    keep("ibm", records)


if __name__ == "__main__":
    sys.exit(main())
