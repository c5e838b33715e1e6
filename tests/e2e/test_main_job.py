"""The main job over HTTP: accepted with 202, polled, answered with 200."""

import datetime as dt
import os
import re
import signal
from typing import Any

import httpx
import pytest

from tests.makers import LAST_DAY, make_snapshot, stock_ids
from tests.service import Service, load_market, strategy_document

SNAPSHOT = make_snapshot(count=6, seed=5)
IDS = stock_ids(SNAPSHOT)
HOLDINGS = {"$USD": 20_000.0, IDS[0]: 100, IDS[2]: 40, IDS[5]: 7}
LIMITS = [{"kind": "weight_bounds", "upper": 0.3}, {"kind": "cash", "lower_fraction": 0.01, "upper_fraction": 0.03}]


@pytest.fixture
def loaded(client: httpx.Client) -> httpx.Client:
    load_market(client, SNAPSHOT)
    strategy = strategy_document(constraints=LIMITS)
    client.put("/v1/strategies/track", json=strategy).raise_for_status()
    client.put("/v1/portfolios/ada", json={"base_currency": "USD", "holdings": HOLDINGS}).raise_for_status()
    return client


def rebalance(client: httpx.Client, reference: str = "ada") -> httpx.Response:
    listed = {one["name"]: one["strategy_id"] for one in client.get("/strategy").json()}
    return client.post("/portfolio/rebalance", json={"client_reference": reference, "strategy_id": listed["track"]})


def test_rebalance_is_accepted_polled_and_answered(service: Service, loaded: httpx.Client) -> None:
    accepted = rebalance(loaded)

    assert accepted.status_code == 202
    assert re.match(r"O[0-9A-HJKMNP-TV-Z]{26}\Z", accepted.json()["id"])
    assert accepted.headers["location"] == f"/portfolio/rebalance?id={accepted.json()['id']}"
    assert int(accepted.headers["retry-after"]) >= 1

    run = service.ended(loaded, accepted.json()["id"])

    assert run["status"] == "succeeded"
    assert run["attempt"] == 1
    assert set(run["timings"]) == {"queued_ms", "load_ms", "build_ms", "solve_ms", "orders_ms", "total_ms"}
    result = run["result"]
    assert result["verified"]["max_residual"] <= 1e-6
    assert max(result["weights"].values()) <= 0.3 + 1e-6
    assert result["violations"]["current"]["holdings.cash"] > 0
    assert result["orders"]
    assert sum(result["holdings"][key] * result["prices"][key] for key in result["holdings"] if key != "$USD") + result[
        "holdings"
    ]["$USD"] + result["rounded"]["cost"] == pytest.approx(result["value"], abs=0.01)


@pytest.mark.parametrize(
    "address",
    [
        "/portfolios/{id}/optimizations/latest/",
        "/portfolios/{id}/optimizations/latest",
        "/portfolios/ada/optimizations/latest/",
        "/optimizations/latest?portfolio_id={id}",
        "/optimizations/latest/?client_reference=ada",
    ],
)
def test_latest_is_202_while_it_runs_and_200_after(service: Service, loaded: httpx.Client, address: str) -> None:
    portfolio = loaded.get("/v1/portfolios/ada").json()["id"]
    where = address.format(id=portfolio)
    assert loaded.get(where).status_code == 404

    accepted = rebalance(loaded).json()
    seen: list[httpx.Response] = []

    def look() -> httpx.Response | None:
        seen.append(loaded.get(where))
        return seen[-1] if seen[-1].status_code == 200 else None

    ended = service.until(look).json()

    for response in seen[:-1]:
        assert response.status_code == 202
        assert set(response.json()) == {"message", "details", "optimization_hash"}
        assert "retry-after" in response.headers
    assert not any(response.is_redirect for response in seen)
    assert ended["id"] == accepted["id"]
    assert ended["portfolio_update"]["is_recommended"] is True
    assert ended["portfolio_update"]["reasons"]
    order = next(iter(ended["portfolio_update"]["orders"].values()))
    assert set(order) == {
        "shares", "expected_share_price", "expected_transaction_cost", "quantity_type", "quantity",
        "expected_share_price_date",
    }  # fmt: skip
    assert set(ended["optimal_solution"]) >= {"objective_value", "portfolio", "look_through"}
    assert (ended["version"], ended["deleted"], ended["superseded"]) == (1, False, False)


def test_the_same_inputs_give_the_same_run_and_new_ones_a_new_run(service: Service, loaded: httpx.Client) -> None:
    first = rebalance(loaded).json()["id"]
    service.ended(loaded, first)

    again = rebalance(loaded).json()["id"]
    changed = HOLDINGS | {"$USD": 21_000.0}
    loaded.put("/v1/portfolios/ada", json={"base_currency": "USD", "holdings": changed}).raise_for_status()
    superseded = loaded.get("/optimizations/latest?client_reference=ada").json()["superseded"]
    other = rebalance(loaded).json()["id"]
    service.ended(loaded, other)
    loaded.put("/v1/portfolios/ada", json={"base_currency": "USD", "holdings": HOLDINGS}).raise_for_status()
    back = rebalance(loaded).json()["id"]

    assert again == first
    assert superseded is True
    assert other != first
    assert back == first
    assert loaded.get("/optimizations/latest?client_reference=ada").json()["id"] == first


def test_infeasible_is_an_answer_with_its_reasons(service: Service, loaded: httpx.Client) -> None:
    impossible = strategy_document(
        constraints=[{"kind": "weight_bounds", "upper": 0.1, "name": "house rule"}], trading={}
    )
    body = {"portfolio": "ada", "strategy": impossible}

    run = service.ended(loaded, loaded.post("/v1/optimizations", json=body).json()["id"])

    assert run["status"] == "infeasible"
    assert run["result"]["weights"] is None
    labels = {one["limit"]: one["relax_by"] for one in run["result"]["conflict"]}
    assert labels["house rule: weight of each of all instruments is at most 10 %"] == pytest.approx(1 / 6 - 0.1)
    assert loaded.get("/optimizations/latest?client_reference=ada").status_code == 404


def test_what_if_runs_never_become_the_latest(service: Service, loaded: httpx.Client) -> None:
    first = rebalance(loaded).json()["id"]
    service.ended(loaded, first)

    what_if = loaded.post("/v1/optimizations", json={"portfolio": "ada", "strategy": "track", "what_if": True}).json()
    service.ended(loaded, what_if["id"])

    assert what_if["id"] != first
    assert loaded.get("/optimizations/latest?client_reference=ada").json()["id"] == first


def test_a_past_day_is_a_what_if_and_the_last_day_is_today(service: Service, loaded: httpx.Client) -> None:
    body = {"portfolio": "ada", "strategy": "track"}
    today = loaded.post("/v1/optimizations", json=body).json()
    last_day = loaded.post("/v1/optimizations", json=body | {"as_of": LAST_DAY.isoformat()}).json()

    past = loaded.post("/v1/optimizations", json=body | {"as_of": (LAST_DAY - dt.timedelta(days=9)).isoformat()}).json()

    assert last_day["id"] == today["id"]
    assert (today["what_if"], past["what_if"]) == (False, True)
    assert (
        service.ended(loaded, past["id"])["result"]["prices"] != service.ended(loaded, today["id"])["result"]["prices"]
    )


def test_an_inline_portfolio_and_strategy_need_nothing_stored(service: Service, client: httpx.Client) -> None:
    load_market(client, SNAPSHOT)
    body: dict[str, Any] = {
        "portfolio": {"base_currency": "USD", "holdings": {"$USD": 50_000}},
        "strategy": strategy_document({"kind": "cvar", "level": 0.9}),
        "cash_flow": 1000.0,
    }

    run = service.ended(client, client.post("/v1/optimizations", json=body).json()["id"])

    assert run["status"] == "succeeded"
    assert run["result"]["value"] == pytest.approx(51_000.0)


def test_another_tenant_sees_nothing(service: Service, loaded: httpx.Client) -> None:
    run = rebalance(loaded).json()["id"]
    portfolio = loaded.get("/v1/portfolios/ada").json()["id"]
    service.ended(loaded, run)

    with service.client("a-stranger") as stranger:
        for address in (
            f"/v1/optimizations/{run}",
            f"/v1/portfolios/{portfolio}",
            f"/portfolios/{portfolio}/optimizations/latest/",
            "/v1/strategies/track",
            f"/v1/instruments/{IDS[0]}",
        ):
            assert stranger.get(address).status_code == 404, address
        assert [one["name"] for one in stranger.get("/strategy").json()] == ["Default"]
        assert stranger.get("/v1/optimizations").json() == {"items": [], "next": None}


def test_cancelling_a_queued_run_ends_it_and_an_ended_one_is_refused(service: Service, loaded: httpx.Client) -> None:
    run = rebalance(loaded).json()["id"]
    service.ended(loaded, run)

    refused = loaded.post(f"/v1/optimizations/{run}/cancel")

    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/conflict"


def test_a_caller_may_prefer_to_wait(service: Service, loaded: httpx.Client) -> None:
    body = {"portfolio": "ada", "strategy": "track"}

    ended = loaded.post("/v1/optimizations", json=body, headers={"Prefer": "respond-async, wait=20"})

    assert ended.status_code == 200
    assert ended.headers["preference-applied"] == "wait=20"
    assert ended.json()["status"] == "succeeded"


def test_waiting_is_quick_also_after_the_database_was_restarted(service: Service, loaded: httpx.Client) -> None:
    os.kill(service.supervisor.pid("postgres"), signal.SIGKILL)

    def ready() -> bool:
        try:
            return loaded.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    service.until(ready)
    body = {"portfolio": "ada", "strategy": "track", "cash_flow": 5.0}

    ended = loaded.post("/v1/optimizations", json=body, headers={"Prefer": "wait=30"})

    assert ended.status_code == 200
    assert ended.json()["result"]["value"] > 0
