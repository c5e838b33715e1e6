"""Batches in the fault matrix: an account that kills its solver process, or its worker, is its own trouble."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.faults import solver
from tests.faults.stack import SHORT, Hurtable, hurtable, tracked

WELL = 12
POISON = {"suicide": solver.SUICIDE, "greedy": solver.GREEDY, "endless": solver.ENDLESS}


@pytest.fixture(scope="module")
def hurt() -> Iterator[Hurtable]:
    with hurtable(SHORT) as service:
        yield service


@pytest.fixture(scope="module")
def client(hurt: Hurtable) -> Iterator[httpx.Client]:
    with tracked(hurt, "batches") as made:
        yield made


def put(client: httpx.Client, reference: str, cash: float) -> None:
    held = {"base_currency": "USD", "holdings": {"$USD": cash}}
    client.put(f"/v1/portfolios/{reference}", json=held).raise_for_status()


def ended(hurt: Hurtable, client: httpx.Client, run_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        run = client.get(f"/v1/batches/{run_id}").raise_for_status().json()
        return run if run["status"] not in {"queued", "running"} else None

    return hurt.until(look, 90.0)


def test_poisonous_accounts_fail_and_the_others_are_answered(hurt: Hurtable, client: httpx.Client) -> None:
    names = [f"well-{i}" for i in range(WELL)]
    for i, name in enumerate(names):
        put(client, name, 10_000.0 + i)
    for place, (name, deed) in enumerate(POISON.items()):
        put(client, name, 20_000.0 + deed)
        names.insert(4 * place + 2, name)
    asked = {"strategy": "track", "portfolios": names, "seconds_each": 1.0}
    run = ended(hurt, client, client.post("/v1/batches", json=asked).raise_for_status().json()["id"])

    assert (run["status"], run["attempt"]) == ("succeeded", 1)
    items = client.get(f"/v1/batches/{run['id']}/items").raise_for_status().json()["items"]
    failed = {one["client_reference"]: one["error"]["code"] for one in items if one["status"] == "failed"}
    assert failed == {"suicide": "solver-lost", "greedy": "resource-limit", "endless": "solver-lost"}
    assert [one["client_reference"] for one in items] == names
    assert run["result"]["succeeded"] == WELL


COUNT = 250
"""Accounts: two whole chunks and a half."""

STORED = "select number from batch_items where run_id = $1 order by number"
TASKS = "select number, worker, state from backtest_tasks where run_id = $1"


@pytest.fixture(scope="module")
def brief(client: httpx.Client) -> list[str]:
    """Portfolios of which every fifth takes a fifth of a second."""
    names = [f"brief-{i}" for i in range(COUNT)]
    for i, name in enumerate(names):
        put(client, name, 30_000.0 + i + (solver.BRIEF if i % 5 == 0 else 0.0))
    return names


def begun(hurt: Hurtable, client: httpx.Client, names: list[str], gap: float) -> str:
    """The id of a batch of its own of which something is answered."""
    asked = {"strategy": "track", "portfolios": names, "gap": gap}
    run_id = str(client.post("/v1/batches", json=asked).raise_for_status().json()["id"])
    hurt.until(lambda: stored(hurt, run_id))
    return run_id


def stored(hurt: Hurtable, run_id: str) -> list[int]:
    """Numbers of the accounts that are answered."""
    return [row["number"] for row in hurt.sql(STORED, run_id)]


def shared(hurt: Hurtable, run_id: str) -> set[str] | None:
    """The workers that have taken chunks, once there are several: the one killed last may be on its way back yet."""
    workers = {str(row["worker"]) for row in hurt.sql(TASKS, run_id) if row["worker"]}
    return workers if len(workers) > 1 else None


def test_a_killed_worker_costs_its_chunk_only(hurt: Hurtable, client: httpx.Client, brief: list[str]) -> None:
    """Chunks that were answered before the run's own worker died stay; another worker takes the run up."""
    run_id = begun(hurt, client, brief, 0.02)
    before = hurt.sql("select number, xmin::text as written from batch_items where run_id = $1", run_id)
    worker = hurt.sql("select worker from optimizations where id = $1", run_id)[0]["worker"]
    os.kill(int(worker.rsplit(":", 1)[1]), signal.SIGKILL)
    run = ended(hurt, client, run_id)

    assert run["status"] == "succeeded", run
    assert run["result"]["succeeded"] == COUNT
    assert stored(hurt, run_id) == list(range(COUNT))
    after = hurt.sql("select number, xmin::text as written from batch_items where run_id = $1", run_id)
    assert {tuple(row.values()) for row in before} <= {tuple(row.values()) for row in after}


def test_chunks_are_shared_and_lost_solvers_cost_theirs(hurt: Hurtable, client: httpx.Client, brief: list[str]) -> None:
    run_id = begun(hurt, client, brief, 0.03)
    workers = hurt.until(lambda: shared(hurt, run_id))
    for one in hurt.solvers():
        one.kill()
    run = ended(hurt, client, run_id)

    assert any(name.startswith("attempt/") for name in workers)
    assert (run["status"], run["attempt"]) == ("succeeded", 1), run
    assert run["result"] == {"count": COUNT, "succeeded": COUNT, "infeasible": 0, "refused": 0, "failed": 0}
    assert stored(hurt, run_id) == list(range(COUNT))
    assert hurt.sql(TASKS, run_id) == []


def test_a_cancelled_batch_keeps_what_is_answered(hurt: Hurtable, client: httpx.Client, brief: list[str]) -> None:
    run_id = begun(hurt, client, brief, 0.04)
    client.post(f"/v1/batches/{run_id}/cancel").raise_for_status()
    run = ended(hurt, client, run_id)

    assert run["status"] == "cancelled"
    assert 0 < len(stored(hurt, run_id)) < COUNT
    assert hurt.sql(TASKS, run_id) == []
