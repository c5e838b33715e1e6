"""Backtests over HTTP: asked for, watched, read page by page, cancelled, taken up again, refused."""

import json
from typing import Any

import httpx
import pandas as pd
import psutil
import pytest

from assetmix.backtest.spec import Schedule
from assetmix.estimation.specs import SampleRisk
from assetmix.optimization.measures.cvar import ConditionalValueAtRisk
from assetmix.optimization.strategy import Objective, Strategy, Term, UniverseById
from tests import markets
from tests.service import Service
from tests.tolerances import EXACT

WAIT = {"Prefer": "wait=30"}
CASH = {"base_currency": "USD", "holdings": {"$USD": markets.MONEY}}
PRICES = markets.made_prices(count=3, sessions=320)
DAYS = [day.date().isoformat() for day in PRICES.index]
EQUAL = {"universe": {"ids": list(PRICES.columns)}, "objective": {"rule": "equal_weight"}}
LEAST = EQUAL | {
    "objective": {"sense": "minimize", "terms": [{"measure": {"kind": "variance"}}]},
    "risk_model": {"kind": "sample", "window": 60},
}
ASKED = {"portfolio": CASH, "strategy": EQUAL, "from": DAYS[0], "to": DAYS[-1], "execution": "same_close"}
SLOW = ASKED | {
    "strategy": LEAST | {"constraints": [{"kind": "turnover", "upper": 0.5}]},
    "from": DAYS[61],
    "schedule": {"kind": "sessions", "every": 2},
}
"""Decisions that depend on what is held: each takes a program of its own, seconds in all."""


@pytest.fixture
def loaded(client: httpx.Client) -> httpx.Client:
    instruments = [{"id": key, "currency": "USD", "fractional_step": 1e-6} for key in PRICES.columns]
    client.put("/v1/instruments", json={"instruments": instruments}).raise_for_status()
    put_prices(client, PRICES)
    return client


def put_prices(client: httpx.Client, prices: pd.DataFrame) -> None:
    rows = [
        {"instrument": key, "date": day.date().isoformat(), "close": close}
        for key in prices.columns
        for day, close in prices[key].items()
    ]
    client.put("/v1/prices", json={"prices": rows}).raise_for_status()


def ended(client: httpx.Client, **asked: Any) -> dict[str, Any]:
    found = client.post("/v1/backtests", json=ASKED | asked, headers=WAIT).raise_for_status().json()
    assert found["status"] == "succeeded", found
    return found


def faults(response: httpx.Response) -> set[tuple[str, str]]:
    assert response.status_code == 422, response.text
    return {(one["pointer"], one["code"]) for one in response.json()["errors"]}


def test_buy_and_hold_has_the_mean_of_what_it_holds(loaded: httpx.Client) -> None:
    found = ended(loaded, schedule={"kind": "never"})["result"]

    growth = (PRICES / PRICES.iloc[0]).mean(axis=1).to_numpy()
    assert [one["value"] for one in found["values"]] == pytest.approx(markets.MONEY * growth, rel=EXACT)
    assert [one["date"] for one in found["values"]] == DAYS
    assert found["statistics"]["total_return"] == pytest.approx(growth[-1] - 1, rel=EXACT)
    assert found["statistics"]["turnover"] == pytest.approx(1.0)
    assert [(one["decided"], one["status"]) for one in found["rebalances"]] == [(DAYS[0], "traded")]


def test_decisions_are_read_page_by_page(loaded: httpx.Client) -> None:
    run_id = ended(loaded, schedule={"kind": "sessions", "every": 10})["id"]
    (listed,) = loaded.get("/v1/backtests").json()["items"]
    assert (listed["id"], listed["status"], listed["result"]) == (run_id, "succeeded", None)

    address = f"/v1/backtests/{run_id}/rebalances"
    first = loaded.get(address, params={"limit": 20}).raise_for_status().json()
    rest = loaded.get(address, params={"limit": 20, "cursor": first["next"]}).raise_for_status().json()

    assert [len(first["items"]), len(rest["items"]), rest["next"]] == [20, 12, None]
    items = first["items"] + rest["items"]
    assert [one["decided"] for one in items] == DAYS[::10]
    assert all(one["weights"] == pytest.approx(dict.fromkeys(PRICES.columns, 1 / 3)) for one in items)
    units = sum(one["trades"]["S0"] for one in items[:1])
    assert units == pytest.approx(markets.MONEY / 3 / PRICES["S0"].iloc[0])


def test_it_has_the_life_of_a_run_and_keeps_no_other_from_its_portfolio(loaded: httpx.Client) -> None:
    loaded.put("/v1/strategies/even", json=EQUAL).raise_for_status()
    loaded.put("/v1/portfolios/ada", json=CASH | {"strategy": "even"}).raise_for_status()
    accepted = loaded.post("/v1/backtests", json=SLOW | {"portfolio": "ada", "strategy": SLOW["strategy"]})

    address = accepted.headers["Location"]
    meanwhile = loaded.post("/v1/optimizations", json={"portfolio": "ada"}, headers=WAIT).json()

    assert (accepted.status_code, address) == (202, f"/v1/backtests/{accepted.json()['id']}")
    assert meanwhile["status"] == "succeeded"
    listed = loaded.get("/v1/backtests", params={"portfolio": "ada"}).json()["items"]
    assert [one["id"] for one in listed] == [accepted.json()["id"]]
    assert loaded.get(address.replace("backtests", "frontiers")).status_code == 404
    assert loaded.post(f"{address}/cancel").status_code in {200, 202}
    assert until_ended(loaded, address)["status"] == "cancelled"


def until_ended(client: httpx.Client, address: str) -> dict[str, Any]:
    with client.stream("GET", f"{address}/events") as stream:
        for line in stream.iter_lines():
            if line.startswith("event: end"):
                break
    return dict(client.get(address).raise_for_status().json())


def test_progress_is_streamed_until_the_end(loaded: httpx.Client) -> None:
    address = loaded.post("/v1/backtests", json=SLOW).raise_for_status().headers["Location"]

    with loaded.stream("GET", f"{address}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = [line.partition(": ") for line in stream.iter_lines() if line]

    kinds = [value for name, _, value in lines if name == "event"]
    told = [json.loads(value) for name, _, value in lines if name == "data"]
    assert set(kinds[:-1]) == {"progress"}
    assert kinds[-1] == "end"
    parts = [one["progress"] for one in told]
    assert parts == sorted(parts)
    assert any(0 < part < 1 for part in parts)
    assert (told[-1]["status"], parts[-1]) == ("succeeded", 1.0)


def test_a_stream_of_nothing_is_refused(loaded: httpx.Client) -> None:
    assert loaded.get("/v1/backtests/B01ARZ3NDEKTSV4RRFFQ69G5FAV/events").status_code == 404


def test_what_was_walked_is_not_walked_again_when_the_solver_process_dies(
    service: Service, loaded: httpx.Client
) -> None:
    whole = ended(loaded, **SLOW, delisted_after=11)["result"]  # nothing is delisted: only another request
    run_id = str(loaded.post("/v1/backtests", json=SLOW).raise_for_status().json()["id"])
    (first,) = service.until(lambda: service.sql(FIRST_PART, run_id))
    worker = service.sql("select worker from optimizations where id = $1", run_id)[0]["worker"]

    solver_of(int(worker.rsplit(":", 1)[1])).kill()
    found = until_ended(loaded, f"/v1/backtests/{run_id}")

    assert (found["status"], found["attempt"]) == ("succeeded", 2), found["error"]
    assert service.sql(FIRST_PART, run_id) == [first]
    assert found["result"]["statistics"] == pytest.approx(whole["statistics"])
    assert [one["decided"] for one in found["result"]["rebalances"]] == [one["decided"] for one in whole["rebalances"]]


FIRST_PART = "select decisions::text as text, at from backtest_parts where run_id = $1 and number = 0"


def solver_of(child: int) -> psutil.Process:
    """The solver process of a pool child."""
    return next(one for one in psutil.Process(child).children() if "assetmix.jobs.solver_main" in one.cmdline())


TAILS = ASKED | {
    "strategy": LEAST | {"objective": {"sense": "minimize", "terms": [{"measure": {"kind": "cvar", "level": 0.9}}]}},
    "from": DAYS[61],
    "schedule": {"kind": "daily"},
}
"""Some two hundred and sixty linear programs that depend on nothing that is held."""

RANGES = "select number, worker, state from backtest_tasks where run_id = $1"


def test_independent_decisions_are_made_by_all_workers(service: Service, loaded: httpx.Client) -> None:
    run_id = str(loaded.post("/v1/backtests", json=TAILS).raise_for_status().json()["id"])

    def seen() -> set[str]:
        workers = {str(row["worker"]) for row in service.sql(RANGES, run_id) if row["worker"]}
        return workers if len(workers) > 1 else set()

    workers = service.until(seen)
    found = until_ended(loaded, f"/v1/backtests/{run_id}")

    assert any(worker.startswith("attempt/") for worker in workers)
    assert (found["status"], found["attempt"]) == ("succeeded", 1)
    assert service.sql(RANGES, run_id) == []
    tail = Objective(sense="minimize", terms=(Term(measure=ConditionalValueAtRisk(level=0.9)),))
    universe = UniverseById(ids=tuple(PRICES.columns))
    strategy = Strategy(objective=tail, universe=universe, risk_model=SampleRisk(window=60))
    daily = Schedule(kind="daily")
    alone = markets.run(PRICES, strategy, start=PRICES.index[61].date(), schedule=daily)
    values = [one["value"] for one in found["result"]["values"]]
    assert values == pytest.approx(markets.values_of(alone), rel=1e-6)


def test_a_lost_helper_or_solver_costs_no_more_than_its_range(service: Service, loaded: httpx.Client) -> None:
    asked = TAILS | {"delisted_after": 11}
    run_id = str(loaded.post("/v1/backtests", json=asked).raise_for_status().json()["id"])

    def done() -> list[int]:
        return [row["number"] for row in service.sql(RANGES, run_id) if row["state"] == "done"]

    service.until(done)
    worker = service.sql("select worker from optimizations where id = $1", run_id)[0]["worker"]
    for child in psutil.Process(int(worker.rsplit(":", 2)[1])).children(recursive=True):
        if "assetmix.jobs.solver_main" in child.cmdline():
            child.kill()  # that of the run, and that of the helper
    found = until_ended(loaded, f"/v1/backtests/{run_id}")

    assert (found["status"], found["attempt"]) == ("succeeded", 2)
    assert len(found["result"]["rebalances"]) == len(DAYS) - 61


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"from": DAYS[-1], "to": DAYS[0]}, ("/to", "dates-reversed")),
        ({"from": "2031-01-01", "to": "2032-01-01"}, ("/from", "missing-price")),
        ({"strategy": LEAST}, ("/strategy/risk_model/window", "short-history")),
        (
            {"strategy": LEAST | {"risk_model": {"kind": "sample", "window": 5000}}},
            ("/strategy/risk_model/window", "short-history"),
        ),
        ({"strategy": LEAST | {"risk_model": {"name": "mine"}}}, ("/strategy/risk_model", "named-risk-model")),
        ({"schedule": {"kind": "drift"}}, ("/schedule/band", "out-of-range")),
        ({"schedule": {"kind": "hourly"}}, ("/schedule/kind", "literal_error")),
        ({"charges": {"cost_fraction": -0.1}}, ("/charges/cost_fraction", "out-of-range")),
        ({"cash_rate": 20.0}, ("/cash_rate", "out-of-range")),
        ({"calendar": "NOPE"}, ("/calendar", "unknown-calendar")),
        ({"time_limit_seconds": 5000}, ("/time_limit_seconds", "limit-exceeded")),
        (
            {"dividends": [{"instrument": "S0", "ex_date": DAYS[5], "amount": 1.0}]},
            ("/dividends", "inconsistent-dividends"),
        ),
        (
            {"portfolio": {"base_currency": "USD", "holdings": {"NONE": 1.0}}},
            ("/portfolio/holdings/NONE", "unknown-asset"),
        ),
    ],
    ids=lambda one: str(one)[:60],
)
def test_a_backtest_that_cannot_begin_is_refused(
    loaded: httpx.Client, change: dict[str, Any], fault: tuple[str, str]
) -> None:
    assert fault in faults(loaded.post("/v1/backtests", json=ASKED | change))
