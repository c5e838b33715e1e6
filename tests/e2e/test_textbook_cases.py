"""Textbook problems at the edges, over HTTP: nearly riskless, singular, repeated, costly; expected values by hand."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import pytest
from ulid import ULID

from tests.service import Service

Body = dict[str, Any]

IDS = ("A", "B", "C", "D", "E")
WAIT = {"Prefer": "wait=30"}
CASH: Body = {"base_currency": "USD", "holdings": {"$USD": 1000.0}}
SHARPE: Body = {"kind": "sharpe_ratio"}
DIVERSIFICATION: Body = {"kind": "diversification_ratio"}
RETURN: Body = {"kind": "expected_return"}
LEAST: Body = {"sense": "minimize", "terms": [{"measure": {"kind": "variance"}}]}
ROWS = np.random.default_rng(12).normal(5e-4, 0.012, (120, 5)) * np.linspace(0.7, 1.8, 5)


def most(measure: Body) -> Body:
    return {"sense": "maximize", "terms": [{"measure": measure}]}


@dataclass(frozen=True)
class Desk:
    """A tenant with five instruments at a price of one."""

    client: httpx.Client

    def model(self, **figures: Any) -> tuple[str, ...]:
        """The default model of the first instruments, as many as it has."""
        plain = {key: np.asarray(value).tolist() for key, value in figures.items()}
        ids = IDS[: len(next(iter(plain.values()))[0])]
        body = {"instruments": ids, "default": True} | plain
        self.client.put("/v1/risk-models/m", json=body).raise_for_status()
        return ids

    def post(self, ids: tuple[str, ...], goal: Body, request: Body | None = None, **strategy: Any) -> httpx.Response:
        common = {"universe": {"ids": ids}, "objective": goal, "trading": {"lots": False}}
        body = {"portfolio": CASH, "strategy": common | strategy} | (request or {})
        return self.client.post("/v1/optimizations", json=body, headers=WAIT)

    def run(self, ids: tuple[str, ...], goal: Body, request: Body | None = None, **strategy: Any) -> Body:
        response = self.post(ids, goal, request, **strategy)
        assert response.status_code == 200, response.text
        return dict(response.json())


@pytest.fixture(scope="module")
def desk(service: Service) -> Iterator[Desk]:
    with service.client(f"textbook-{ULID()}") as client:
        instruments = [{"id": key, "currency": "USD"} for key in IDS]
        client.put("/v1/instruments", json={"instruments": instruments}).raise_for_status()
        prices = [{"instrument": key, "date": "2024-06-28", "close": 1.0} for key in IDS]
        client.put("/v1/prices", json={"prices": prices}).raise_for_status()
        yield Desk(client)


NEARLY_RISKLESS = [
    ([0.005, 0.2, 0.3], [0.005, 0.07, 0.09]),
    ([0.001, 0.2, 0.3], [0.0005, 0.07, 0.09]),
    ([0.001, 0.2, 0.8], [0.0003, 0.07, 0.3]),
]


@pytest.mark.parametrize(("volatilities", "returns"), NEARLY_RISKLESS, ids=str)
@pytest.mark.parametrize("shorting", [False, True])
def test_the_tangency_beside_a_money_market_fund_is_the_closed_form(
    desk: Desk,
    volatilities: list[float],
    returns: list[float],
    shorting: bool,  # noqa: FBT001 - a case
) -> None:
    """Uncorrelated: weights in proportion to mean / variance, squared ratio the sum of squared ratios."""
    risk, mean = np.square(volatilities), np.array(returns)
    ids = desk.model(covariance=np.diag(risk), expected_returns=mean)

    result = desk.run(ids, most(SHARPE), shorting=shorting)["result"]

    expected = mean / risk / (mean / risk).sum()
    assert result["objective_value"] == pytest.approx(math.sqrt((mean**2 / risk).sum()), rel=1e-6)
    assert [result["weights"][key] for key in ids] == pytest.approx(expected, abs=2e-4)
    assert result["status"] == "optimal"


@pytest.mark.parametrize(("volatilities", "returns"), NEARLY_RISKLESS, ids=str)
def test_the_most_diversified_of_the_uncorrelated_is_inverse_to_volatility(
    desk: Desk, volatilities: list[float], returns: list[float]
) -> None:
    """The largest ratio of n uncorrelated instruments is the root of n."""
    ids = desk.model(covariance=np.diag(np.square(volatilities)), expected_returns=returns)

    result = desk.run(ids, most(DIVERSIFICATION))["result"]

    inverse = 1.0 / np.array(volatilities)
    assert result["objective_value"] == pytest.approx(math.sqrt(3.0), rel=1e-6)
    assert [result["weights"][key] for key in ids] == pytest.approx(inverse / inverse.sum(), abs=2e-4)


@pytest.mark.parametrize(("volatilities", "returns"), NEARLY_RISKLESS, ids=str)
def test_a_proven_gap_of_a_ratio_is_no_smaller_than_what_is_missing(
    desk: Desk, volatilities: list[float], returns: list[float]
) -> None:
    mean = np.array(returns)
    ids = desk.model(covariance=np.diag(np.square(volatilities)), expected_returns=mean)

    result = desk.run(ids, most(SHARPE))["result"]

    best = math.sqrt(np.square(mean / volatilities).sum())
    assert 1.0 - result["objective_value"] / best <= result["proven_gap"] + 1e-9


FUND = np.random.default_rng(3).normal(size=(200, 3)) * [1e-5, 0.01, 0.03] + [2e-5, 4e-4, 9e-4]
"""Daily returns of a money market fund, a fund of stocks and a coin."""


def semideviation(path: np.ndarray) -> float:
    below = np.minimum(path - path.mean(), 0.0)
    return math.sqrt(float(below @ below) / (len(path) - 1))


def entropic_value(path: np.ndarray) -> float:
    """An upper bound of the entropic value at risk at 95 %: the least over a grid of z."""
    worst = float(-path.min())
    grid: list[float] = np.geomspace(1e-9, 1, 400).tolist()
    return min(worst + z * (math.log(float(np.exp((-path - worst) / z).mean())) - math.log(0.05)) for z in grid)


@pytest.mark.parametrize(
    ("kind", "risk"),
    [
        ("volatility", lambda path: path.std(ddof=1)),
        ("semideviation", semideviation),
        ("entropic_value_at_risk", entropic_value),
        ("mean_absolute_deviation", lambda path: np.abs(path - path.mean()).mean()),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_the_best_ratio_is_no_worse_than_that_of_the_fund_alone(
    desk: Desk, kind: str, risk: Callable[[np.ndarray], float]
) -> None:
    ids = desk.model(scenarios=FUND)

    result = desk.run(ids, most({"kind": "return_risk_ratio", "risk": {"kind": kind}}))["result"]

    assert result["status"] == "optimal"
    alone = FUND[:, 0].mean() / risk(FUND[:, 0])
    assert result["objective_value"] >= alone * (1 - 1e-6)


def test_the_least_variance_beside_a_money_market_fund_is_accurate(desk: Desk) -> None:
    """1 / sum of 1 / variance, where volatilities are 0.05 % and 80 %."""
    variances = np.array([2.5e-7, 0.04, 0.64])
    ids = desk.model(covariance=np.diag(variances))

    result = desk.run(ids, LEAST)["result"]

    assert result["objective_value"] == pytest.approx(1.0 / (1.0 / variances).sum(), rel=1e-6)


def test_a_gain_without_risk_has_no_largest_ratio(desk: Desk) -> None:
    """All in the riskless instrument: 1 % over a risk of 0."""
    ids = desk.model(covariance=np.diag([0.0, 0.04, 0.09]), expected_returns=[0.01, 0.05, 0.08])

    result = desk.run(ids, most(SHARPE))["result"]

    assert result["status"] == "unbounded"
    assert result["sentence"]


@pytest.mark.parametrize("shorting", [False, True])
def test_a_riskless_mixture_has_no_largest_ratio(desk: Desk, shorting: bool) -> None:  # noqa: FBT001 - a case
    """A and B are opposite: half of each has a return of 15 % and no risk at all."""
    ids = desk.model(covariance=[[0.04, -0.04, 0], [-0.04, 0.04, 0], [0, 0, 0.09]], expected_returns=[0.1, 0.2, 0.3])

    assert desk.run(ids, most(SHARPE), shorting=shorting)["result"]["status"] == "unbounded"


def test_risk_parity_of_a_singular_covariance_has_equal_contributions(desk: Desk) -> None:
    """Five instruments and two factors: no inverse, but contributions w (S w) can be equal or be refused in words."""
    loadings = np.random.default_rng(5).normal(size=(5, 2))
    covariance = loadings @ loadings.T
    ids = desk.model(covariance=(covariance + covariance.T) / 2)

    ended = desk.run(ids, {"rule": "risk_parity"})

    assert ended["error"] is None or ended["error"]["type"] != "/problems/internal-error"


def test_a_limit_on_costs_where_nothing_costs_anything_is_kept(desk: Desk) -> None:
    ids = desk.model(covariance=np.diag([0.04, 0.09, 0.16]))
    limit = {"kind": "measure_limit", "measure": {"kind": "transaction_cost"}, "upper": 0.5}

    assert desk.run(ids, LEAST, constraints=[limit])["status"] == "succeeded"


def test_what_market_impact_costs_is_not_left_over_as_cash(desk: Desk) -> None:
    """From cash into one instrument: w + 0.1 w^1.5 = 1, and what is not w is spent."""
    ids = desk.model(covariance=[[0.04]], expected_returns=[0.05])
    trading = {"lots": False, "impact": {"coefficient": 0.1}}

    result = desk.run(ids, most(RETURN), trading=trading)["result"]

    held = result["weights"]["A"]
    assert held + 0.1 * held**1.5 == pytest.approx(1.0, abs=1e-6)
    assert result["rounded"]["cost"] == pytest.approx(100.0 * held**1.5, rel=1e-4)
    assert result["holdings"]["$USD"] == pytest.approx(0.0, abs=0.01)


def test_a_convex_problem_with_impact_is_called_optimal(desk: Desk) -> None:
    """More money is better here, so that the relaxed balance is tight: a convex problem."""
    ids = desk.model(covariance=np.diag([0.04, 0.09, 0.16]), expected_returns=[0.02, 0.05, 0.08])
    held: Body = {"portfolio": {"base_currency": "USD", "holdings": {"$USD": 100.0, "A": 500.0, "B": 400.0}}}

    result = desk.run(ids, most(RETURN), held, trading={"lots": False, "impact": {"coefficient": 0.1}})["result"]

    assert result["status"] == "optimal"


AXES = [
    ("max_drawdown", "expected_return"),
    ("semideviation", "expected_return"),
    ("turnover", "variance"),
    ("variance", "turnover"),
    ("expected_return", "volatility"),
    ("expected_return", "cvar"),
]


def test_frontiers_of_one_strategy_do_not_disturb_each_other(desk: Desk) -> None:
    """The first point of each is the best of its x, as a run of that objective alone finds it."""
    ids = desk.model(scenarios=ROWS)
    strategy = {"universe": {"ids": ids}, "objective": LEAST, "trading": {"lots": False}}
    portfolio = {"base_currency": "USD", "holdings": {"$USD": 100.0, "A": 500.0, "E": 400.0}}
    found, expected = {}, {}
    for x, y in AXES:
        body = {"portfolio": portfolio, "strategy": strategy, "x": {"kind": x}, "y": {"kind": y}, "points": 4}
        ended = desk.client.post("/v1/frontiers", json=body, headers=WAIT).json()
        points = (ended["result"] or {}).get("points") or [{"x": math.nan}]
        found[x, y] = ended["status"], (ended["result"] or {}).get("status"), points[0]["x"]
        goal = most(RETURN) if x == "expected_return" else {"sense": "minimize", "terms": [{"measure": {"kind": x}}]}
        alone = desk.run(ids, goal, {"portfolio": portfolio})["result"]["objective_value"]
        expected[x, y] = "succeeded", "optimal", pytest.approx(alone, rel=1e-5, abs=1e-9)

    assert found == expected


def test_a_fault_inside_an_inline_strategy_has_one_pointer(desk: Desk) -> None:
    faults = desk.post(IDS, LEAST, constraints=[{"kind": "turnover"}]).json()["errors"]

    assert [one["pointer"] for one in faults] == ["/strategy/constraints/0/upper"]


@pytest.mark.parametrize(
    "fields",
    [
        {"forecast": {"kind": "black_litterman"}},
        {"forecast": {"kind": "black_litterman", "prior_weights": {"NOBODY": 1.0}}},
        {"objective": {"rule": "risk_parity", "budgets": {"NOBODY": 1.0}}},
    ],
    ids=str,
)
def test_what_needs_no_solver_to_be_refused_is_refused_at_once(desk: Desk, fields: Body) -> None:
    desk.model(covariance=np.diag([0.04, 0.09, 0.16]))

    response = desk.post(IDS[:3], LEAST, **fields)

    assert response.status_code == 422
    assert all(one["pointer"].startswith("/strategy/") for one in response.json()["errors"])


def test_a_short_history_is_named_where_the_request_has_it(desk: Desk) -> None:
    sample = {"kind": "sample", "window": 504}

    response = desk.post(IDS[:3], LEAST, risk_model=sample)

    faults = response.json()["errors"] if response.status_code == 422 else response.json()["error"]["errors"]
    assert [one["pointer"] for one in faults] == ["/strategy/risk_model/window"]


def test_a_bound_on_what_can_only_be_reported_names_a_cure_that_works(desk: Desk) -> None:
    """Neither side of a value at risk can be bounded."""
    ids = desk.model(scenarios=ROWS)
    limit = {"kind": "measure_limit", "measure": {"kind": "value_at_risk"}, "upper": 0.1}

    (fault,) = desk.post(ids, LEAST, constraints=[limit]).json()["errors"]

    assert "bound its other side" not in fault["detail"]
