"""What dies is replaced, and every accepted run ends exactly once."""

import itertools
import os
import signal
from contextlib import suppress
from typing import Any

import asyncpg
import httpx
import psutil
import pytest

from assetmix.jobs.broker import WORK, make_celery
from tests.makers import make_snapshot, stock_ids
from tests.service import Service, load_market, strategy_document

SNAPSHOT = make_snapshot(count=12, periods=2500, seed=9)
IDS = stock_ids(SNAPSHOT)

LEVELS = (0.80, 0.85, 0.90, 0.92, 0.94, 0.96, 0.97, 0.98)


def slow_strategy(shift: float) -> dict[str, Any]:
    """Eight tails at once: a linear program with 20,000 rows, seconds of work in the solver's C code.

    A shift of its own makes a problem that no solver process has compiled yet.
    """
    levels = [round(level + shift, 6) for level in LEVELS]
    terms = [{"measure": {"kind": "cvar", "level": level, "name": f"tail {level}"}, "weight": 1.0} for level in levels]
    return strategy_document(objective={"sense": "minimize", "terms": terms}, trading={})


SHIFTS = itertools.count()


@pytest.fixture
def loaded(client: httpx.Client) -> httpx.Client:
    load_market(client, SNAPSHOT)
    client.put("/v1/strategies/slow", json=slow_strategy(1e-4 * next(SHIFTS))).raise_for_status()
    client.put("/v1/strategies/quick", json=strategy_document()).raise_for_status()
    return client


def put_portfolio(client: httpx.Client, reference: str, cash: float) -> None:
    held = {"base_currency": "USD", "holdings": {"$USD": cash, IDS[0]: 10}}
    client.put(f"/v1/portfolios/{reference}", json=held).raise_for_status()


def request(client: httpx.Client, reference: str, strategy: str, **fields: Any) -> str:
    body = {"portfolio": reference, "strategy": strategy, **fields}
    return str(client.post("/v1/optimizations", json=body).raise_for_status().json()["id"])


def running(service: Service, run_id: str) -> str:
    """Wait until a run is being worked on; gives its worker."""

    def look() -> str | None:
        rows = service.sql("select worker from optimizations where id = $1 and status = 'running'", run_id)
        return str(rows[0]["worker"]) if rows else None

    return service.until(look)


def solver_of(child: int) -> psutil.Process:
    """The solver process of a pool child."""
    return next(one for one in psutil.Process(child).children() if "assetmix.jobs.solver_main" in one.cmdline())


def test_a_killed_solver_process_is_replaced_and_the_run_goes_on_elsewhere(
    service: Service, loaded: httpx.Client
) -> None:
    put_portfolio(loaded, "cy", 12_000)
    run_id = request(loaded, "cy", "slow")
    solver = solver_of(int(running(service, run_id).rsplit(":", 1)[1]))

    solver.kill()
    run = service.ended(loaded, run_id)

    assert (run["status"], run["attempt"]) == ("succeeded", 2)


def test_a_wall_clock_limit_holds_inside_the_solver_and_the_worker_goes_on(
    service: Service, loaded: httpx.Client
) -> None:
    put_portfolio(loaded, "gil", 16_000)
    run_id = request(loaded, "gil", "slow", time_limit_seconds=0.3)

    run = service.ended(loaded, run_id)

    assert run["status"] == "failed"
    assert run["error"]["type"] == "/problems/solver-timeout"
    assert run["timings"]["total_ms"] - run["timings"]["queued_ms"] < 3000
    put_portfolio(loaded, "hal", 17_000)
    assert service.ended(loaded, request(loaded, "hal", "quick"))["status"] == "succeeded"


def test_a_running_solve_is_cancelled_within_seconds(service: Service, loaded: httpx.Client) -> None:
    put_portfolio(loaded, "ida", 18_000)
    run_id = request(loaded, "ida", "slow")
    running(service, run_id)

    asked = loaded.post(f"/v1/optimizations/{run_id}/cancel")
    run = service.ended(loaded, run_id)

    assert asked.status_code == 202
    assert run["status"] == "cancelled"
    assert run["result"] is None


def test_one_portfolio_runs_one_at_a_time_and_policies_are_kept(service: Service, loaded: httpx.Client) -> None:
    put_portfolio(loaded, "joe", 19_000)
    first = request(loaded, "joe", "slow")
    running(service, first)
    second = request(loaded, "joe", "quick")
    refused = loaded.post(
        "/v1/optimizations", json={"portfolio": "joe", "strategy": "quick", "cash_flow": 1.0, "if_running": "reject"}
    )
    third = request(loaded, "joe", "quick", cash_flow=2.0, if_running="replace")

    runs = {run_id: service.ended(loaded, run_id) for run_id in (first, second, third)}

    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/optimization-in-progress"
    assert refused.json()["errors"][0]["detail"] in {first, second}
    assert [runs[one]["status"] for one in (first, second, third)] == ["succeeded", "superseded", "succeeded"]
    assert runs[third]["started_at"] >= runs[first]["finished_at"]


def test_surplus_rings_do_nothing(service: Service, loaded: httpx.Client) -> None:
    put_portfolio(loaded, "kim", 21_000)
    run = service.ended(loaded, request(loaded, "kim", "quick"))
    celery = make_celery(service.addresses.redis_url)

    for _ in range(20):
        celery.send_task(WORK, retry=False, ignore_result=True)
    put_portfolio(loaded, "kim", 22_000)
    later = service.ended(loaded, request(loaded, "kim", "quick"))

    assert later["attempt"] == 1
    assert loaded.get(f"/v1/optimizations/{run['id']}").json() == run


def test_what_dies_among_servers_and_api_comes_back(service: Service, loaded: httpx.Client) -> None:
    put_portfolio(loaded, "lea", 23_000)
    for name in ("valkey", "postgres", "api"):
        os.kill(service.supervisor.pid(name), signal.SIGKILL)

        def ready() -> bool:
            try:
                return loaded.get("/readyz").status_code == 200
            except httpx.HTTPError:
                return False

        service.until(ready)

    run = service.ended(loaded, request(loaded, "lea", "quick"))

    assert run["status"] == "succeeded"


def test_a_worker_that_is_asked_to_end_gives_back_what_it_cannot_finish(service: Service, loaded: httpx.Client) -> None:
    put_portfolio(loaded, "moe", 24_000)
    run_id = request(loaded, "moe", "slow")
    first = running(service, run_id)

    os.kill(service.supervisor.pid("worker"), signal.SIGTERM)
    run = service.ended(loaded, run_id)

    assert (run["status"], run["attempt"]) == ("succeeded", 2)
    (row,) = service.sql("select worker from optimizations where id = $1", run_id)
    assert row["worker"] != first
    (noted,) = service.sql("select count(*) as n from events where run_id = $1", run_id)
    assert noted["n"] == 1


def test_workers_write_down_that_they_hear(service: Service) -> None:
    def signed() -> bool:
        sign = "select processes from workers where seen_at > now() - interval '5 seconds'"
        return [row["processes"] for row in service.sql(sign)] == [2]

    assert service.until(signed)


def test_a_worker_ends_though_its_servers_are_gone(service: Service) -> None:
    service.until(lambda: psutil.pid_exists(service.supervisor.pid("worker") or 0))
    worker = psutil.Process(service.supervisor.pid("worker"))
    for name in ("valkey", "postgres"):
        os.kill(service.supervisor.pid(name), signal.SIGKILL)

    worker.terminate()
    psutil.wait_procs([worker], timeout=30)

    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    service.until(lambda: whole(service))


def whole(service: Service) -> bool:
    """Whether the servers and a worker are back."""
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return bool(service.sql("select 1 from workers where seen_at > now() - interval '2 seconds'"))
    return False
