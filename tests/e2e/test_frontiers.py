"""Frontiers and feasibility over HTTP: requested, waited for, looked up, refused."""

from typing import Any

import httpx
import numpy as np
import pytest

CASH = {"base_currency": "USD", "holdings": {"$USD": 1e6}}
MODEL = {
    "instruments": ["A", "B"],
    "covariance": [[0.04, 0.0], [0.0, 0.01]],
    "expected_returns": [0.08, 0.02],
}
STRATEGY = {
    "universe": {"ids": ["A", "B"]},
    "objective": {"sense": "minimize", "terms": [{"measure": {"kind": "variance"}}]},
    "risk_model": {"name": "pair"},
    "trading": {"lots": False},
}
FRONTIER = {
    "portfolio": CASH,
    "strategy": STRATEGY,
    "x": {"kind": "volatility"},
    "y": {"kind": "expected_return"},
    "points": 5,
}
WAIT = {"Prefer": "wait=30"}


@pytest.fixture
def loaded(client: httpx.Client) -> httpx.Client:
    instruments = [{"id": key, "currency": "USD"} for key in "AB"]
    client.put("/v1/instruments", json={"instruments": instruments}).raise_for_status()
    prices = [{"instrument": key, "date": "2024-06-28", "close": 1.0} for key in "AB"]
    client.put("/v1/prices", json={"prices": prices}).raise_for_status()
    client.put("/v1/risk-models/pair", json=MODEL).raise_for_status()
    return client


def faults(response: httpx.Response) -> set[tuple[str, str]]:
    assert response.status_code == 422, response.text
    return {(one["pointer"], one["code"]) for one in response.json()["errors"]}


def test_a_frontier_of_two_uncorrelated_assets_is_the_closed_form(loaded: httpx.Client) -> None:
    """With weights a and 1 - a: return 0.02 + 0.06 a, variance 0.04 a^2 + 0.01 (1 - a)^2, least at a = 0.2."""
    ended = loaded.post("/v1/frontiers", json=FRONTIER, headers=WAIT).raise_for_status().json()

    assert (ended["status"], ended["progress"]) == ("succeeded", 1.0)
    shares = np.linspace(0.2, 1.0, 5)
    result = ended["result"]
    assert result["status"] == "optimal"
    assert [point["y"] for point in result["points"]] == pytest.approx(0.02 + 0.06 * shares, abs=1e-6)
    expected = np.sqrt(0.04 * shares**2 + 0.01 * (1 - shares) ** 2)
    assert [point["x"] for point in result["points"]] == pytest.approx(expected, abs=1e-6)
    assert result["current"] == {"x": 0.0, "y": 0.0}


def test_a_frontier_has_the_life_of_a_run_and_is_never_the_latest(loaded: httpx.Client) -> None:
    loaded.put("/v1/portfolios/ada", json=CASH | {"strategy": "plain"}).raise_for_status()
    loaded.put("/v1/strategies/plain", json=STRATEGY).raise_for_status()

    accepted = loaded.post("/v1/frontiers", json=FRONTIER | {"portfolio": "ada", "strategy": "plain"})

    assert accepted.status_code == 202
    address = accepted.headers["Location"]
    assert address == f"/v1/frontiers/{accepted.json()['id']}"
    assert loaded.get(address).json()["id"] == accepted.json()["id"]
    assert accepted.json()["id"] in {one["id"] for one in loaded.get("/v1/frontiers").json()["items"]}
    assert accepted.json()["id"] not in {one["id"] for one in loaded.get("/v1/optimizations").json()["items"]}
    assert loaded.get("/v1/portfolios/ada/optimizations/latest").status_code == 404
    assert loaded.post(f"{address}/cancel").status_code in {200, 202, 409}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"points": 1}, ("/points", "out-of-range")),
        ({"x": {"kind": "sharpe_ratio"}}, ("/x", "not-convex")),
        ({"y": {"kind": "volatility"}}, ("/y", "duplicate")),
        ({"x": {"kind": "cvar", "level": 1.0}}, ("/x/level", "out-of-range")),
        ({"y": {"kind": "tracking_error"}}, ("/y", "missing-benchmark")),
        ({"y": {"kind": "cvar"}}, ("/y", "missing-scenarios")),
        ({"z": 1}, ("/z", "unknown_field")),
    ],
    ids=str,
)
def test_a_frontier_that_cannot_be_drawn_is_refused(
    loaded: httpx.Client, change: dict[str, Any], fault: tuple[str, str]
) -> None:
    assert fault in faults(loaded.post("/v1/frontiers", json=FRONTIER | change))


def test_an_infeasible_frontier_says_why(loaded: httpx.Client) -> None:
    capped = STRATEGY | {"constraints": [{"kind": "weight_bounds", "upper": 0.4}]}

    ended = loaded.post("/v1/frontiers", json=FRONTIER | {"strategy": capped}, headers=WAIT).raise_for_status().json()

    assert ended["status"] == "infeasible"
    assert sorted(one["relax_by"] for one in ended["result"]["conflict"]) == pytest.approx([0.1, 0.2], rel=1e-3)


def test_validation_with_a_portfolio_says_whether_the_limits_can_hold_together(loaded: httpx.Client) -> None:
    capped = STRATEGY | {"constraints": [{"kind": "weight_bounds", "upper": 0.4}]}

    fine, clashing = (
        loaded.post("/v1/strategies/validate", json={"strategy": one, "portfolio": CASH}, headers=WAIT)
        for one in (STRATEGY, capped)
    )

    assert fine.json()["feasible"] is True
    assert (clashing.status_code, clashing.json()["valid"], clashing.json()["feasible"]) == (200, True, False)
    assert len(clashing.json()["conflict"]) == 2


def test_validation_of_a_strategy_alone_needs_no_solver(loaded: httpx.Client) -> None:
    assert loaded.post("/v1/strategies/validate", json=STRATEGY).json() == {"valid": True}
    assert loaded.post("/v1/strategies/validate", json={"strategy": STRATEGY}).json() == {"valid": True}
    crossed = STRATEGY | {"constraints": [{"kind": "weight_bounds", "lower": 0.5, "upper": 0.4}]}
    assert ("/constraints/0/lower", "inconsistent-constraints") in faults(
        loaded.post("/v1/strategies/validate", json=crossed)
    )
