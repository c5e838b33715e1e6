"""What the vocabulary means, all nineteen points, asked over HTTP and answered by closed forms and plain numpy."""

import datetime as dt
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import httpx
import numpy as np
import pytest
import scipy.optimize
from ulid import ULID

from tests.service import Service

Body = dict[str, Any]

DAY = "2024-06-28"
COUNT, PERIODS, MONEY = 4, 40, 1e6
IDS = ("A", "B", "C", "D")
ROWS = np.random.default_rng(1905).normal(6e-4, 0.012, (PERIODS, COUNT)) * [1.0, 1.3, 0.8, 1.7]
COVARIANCE = np.cov(ROWS.T)
INVERSE = np.linalg.inv(COVARIANCE)
MEAN = np.array([0.0002, 0.0005, 0.0003, 0.0009])
HELD = np.array([0.4, 0.3, 0.2, 0.1])
PATH = ROWS @ HELD
CASH: Body = {"base_currency": "USD", "holdings": {"$USD": MONEY}}
WAIT = {"Prefer": "wait=30"}
RETURN: Body = {"kind": "expected_return"}
VARIANCE: Body = {"kind": "variance"}
SPREAD: Body = {"kind": "concentration"}
FREE_CASH: Body = {"kind": "cash", "lower_fraction": 0.0, "upper_fraction": 1.0}

EXACT = 1e-8
"""Figures that are computed, not solved for."""
OBJECTIVE = 1e-6
"""Point 19 asks this much of objective values, relatively."""
WEIGHTS = 2e-4
"""Point 19 asks this much of weights that have a closed form."""

INSTRUMENTS: list[Body] = [
    {
        "id": "A",
        "look_through": {
            "asset_classes": {"stocks": 1.0},
            "regions": {"stocks": {"america": 1.0}},
            "sectors": {"technology": 0.7},
        },
        "attributes": {"esg": 70.0, "rare": 1.0},
    },
    {
        "id": "B",
        "look_through": {
            "asset_classes": {"stocks": 0.6, "bonds": 0.4},
            "regions": {"stocks": {"america": 0.5, "europe": 0.5}, "bonds": {"europe": 1.0}},
            "sectors": {"technology": 0.3},
        },
        "attributes": {"esg": 50.0},
    },
    {"id": "C", "look_through": {"asset_classes": {"bonds": 1.0}}, "attributes": {"esg": 20.0}},
    {"id": "D", "attributes": {"esg": 90.0}},
]


def objective(sense: str, *terms: tuple[float, Body]) -> Body:
    return {"sense": sense, "terms": [{"measure": one, "weight": weight} for weight, one in terms]}


LEAST = objective("minimize", (1.0, VARIANCE))
MOST = objective("maximize", (1.0, RETURN))


def upper(measure: Body, bound: float) -> Body:
    return {"kind": "measure_limit", "measure": measure, "upper": bound}


def exactly(weights: np.ndarray) -> Body:
    return {"kind": "hold_exactly", "weights": dict(zip(IDS, weights.tolist(), strict=True))}


@dataclass(frozen=True)
class Market:
    """A tenant with four instruments at a price of one and three risk models."""

    client: httpx.Client

    def post(self, goal: Body, request: Body | None = None, **strategy: Any) -> httpx.Response:
        common = {"universe": {"ids": list(IDS)}, "risk_model": {"name": "pairs"}, "trading": {"lots": False}}
        body = {"portfolio": CASH, "strategy": common | {"objective": goal} | strategy} | (request or {})
        return self.client.post("/v1/optimizations", json=body, headers=WAIT)

    def run(self, goal: Body, request: Body | None = None, **strategy: Any) -> Body:
        response = self.post(goal, request, **strategy)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def best(self, goal: Body, request: Body | None = None, **strategy: Any) -> Body:
        ended = self.run(goal, request, **strategy)
        assert ended["status"] == "succeeded", (ended["error"], ended["result"] and ended["result"]["sentence"])
        assert ended["result"]["status"] == "optimal", ended["result"]["sentence"]
        return dict(ended["result"])

    def figures(self, *measures: Body, **strategy: Any) -> dict[str, float]:
        """What is reported of a portfolio with the weights HELD."""
        goal = objective("minimize", (1.0, SPREAD))
        result = self.best(goal, constraints=[exactly(HELD)], report=list(measures), **strategy)
        assert weights(result) == pytest.approx(HELD, abs=1e-9)
        return dict(result["measures"]["optimal"])

    def model(self, name: str, **figures: Any) -> None:
        plain = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in figures.items()}
        body = {"instruments": list(IDS)} | plain
        self.client.put(f"/v1/risk-models/{name}", json=body).raise_for_status()

    def codes(self, goal: Body, request: Body | None = None, **strategy: Any) -> set[tuple[str, str]]:
        response = self.post(goal, request, **strategy)
        assert response.status_code == 422, response.text
        assert all(one["detail"] for one in response.json()["errors"])
        return {(one["pointer"], one["code"]) for one in response.json()["errors"]}


def weights(result: Body) -> np.ndarray:
    return np.array([result["weights"][key] for key in IDS])


def named(name: str) -> Body:
    return {"risk_model": {"name": name}}


@pytest.fixture(scope="module")
def market(service: Service) -> Iterator[Market]:
    with service.client(f"nineteen-{ULID()}") as client:
        load(client, [{"currency": "USD"} | one for one in INSTRUMENTS])
        made = Market(client)
        made.model("pairs", covariance=COVARIANCE, expected_returns=MEAN)
        made.model("rows", scenarios=ROWS)
        made.model("bare", covariance=COVARIANCE)
        yield made


def load(client: httpx.Client, instruments: list[Body], close: float = 1.0) -> None:
    client.put("/v1/instruments", json={"instruments": instruments}).raise_for_status()
    prices = [{"instrument": one["id"], "date": DAY, "close": close} for one in instruments]
    client.put("/v1/prices", json={"prices": prices}).raise_for_status()


# 1 Signs


def test_point_01_utility_is_literal_and_has_no_half(market: Market) -> None:
    """Stationarity with shorting: mu - 2 x 2 S w = t, so w = S^-1 (mu - t) / 4 with t from the budget."""
    multiplier = (INVERSE.sum(axis=0) @ MEAN - 4.0) / INVERSE.sum()
    expected = INVERSE @ (MEAN - multiplier) / 4.0

    best = market.best(objective("maximize", (1.0, RETURN), (-2.0, VARIANCE)), shorting=True)
    least = market.best(objective("minimize", (-1.0, RETURN), (2.0, VARIANCE)), shorting=True)

    value = MEAN @ expected - 2.0 * expected @ COVARIANCE @ expected
    assert weights(best) == pytest.approx(expected, abs=WEIGHTS)
    assert best["objective_value"] == pytest.approx(value, rel=OBJECTIVE)
    assert least["objective_value"] == pytest.approx(-value, rel=OBJECTIVE)
    assert best["verified"]["objective_recomputed"] == pytest.approx(value, rel=OBJECTIVE)


@pytest.mark.parametrize(
    "goal",
    [
        objective("maximize", (1.0, VARIANCE)),
        objective("minimize", (-1.0, VARIANCE)),
        objective("minimize", (1.0, {"kind": "sharpe_ratio"})),
        objective("maximize", (1.0, {"kind": "sharpe_ratio"}), (1.0, RETURN)),
        objective("minimize", (1.0, {"kind": "value_at_risk"})),
    ],
    ids=str,
)
def test_point_01_another_use_is_not_convex(market: Market, goal: Body) -> None:
    assert "not-convex" in {code for _, code in market.codes(goal, **named("rows"))}


# 2 Reported measures


def test_point_02_what_is_named_and_what_is_always_there(market: Market) -> None:
    ratio = {"kind": "return_risk_ratio", "risk": {"kind": "semideviation", "name": "half"}, "name": "up to down"}
    limits = [exactly(HELD), upper({"kind": "max_drawdown", "name": "fall"}, 1.0)]
    report = [{"kind": "cvar", "level": 0.9, "name": "nine"}, {"kind": "cvar"}, ratio]

    result = market.best(objective("minimize", (1.0, SPREAD)), constraints=limits, report=report, **named("rows"))

    keys = {"expected_return", "variance", "volatility", "concentration", "fall", "nine", "cvar", "half", "up to down"}
    assert keys <= set(result["measures"]["optimal"])
    assert keys <= set(result["measures"]["current"])


def test_point_02_the_compounded_drawdown_is_reported_beside(market: Market) -> None:
    """A plain loop over the wealth of a portfolio that is rebalanced in each row."""
    wealth = np.concatenate([[1.0], np.cumprod(1.0 + PATH)])
    fall = (1.0 - wealth / np.maximum.accumulate(wealth)).max()

    found = market.figures({"kind": "max_drawdown"}, **named("rows"))

    beside = {key: value for key, value in found.items() if key.startswith("max_drawdown") and key != "max_drawdown"}
    assert list(beside.values()) == [pytest.approx(fall, rel=EXACT)]


@pytest.mark.parametrize(
    "report",
    [
        [{"kind": "cvar"}, {"kind": "cvar", "level": 0.9}],
        [{"kind": "cvar", "name": "x"}, {"kind": "max_drawdown", "name": "x"}],
        [{"kind": "cvar", "name": "concentration"}],
        [{"kind": "cvar", "name": "variance"}],
        [{"kind": "variance", "name": "expected_return"}],
        [{"kind": "max_drawdown"}, {"kind": "cvar", "name": "max_drawdown_compounded"}],
    ],
    ids=str,
)
def test_point_02_two_measures_with_one_key_are_refused(market: Market, report: list[Body]) -> None:
    """Also when one of the two is there without being asked for: always, or as a companion."""
    goal = objective("minimize", (1.0, SPREAD))

    assert "duplicate" in {code for _, code in market.codes(goal, report=report, **named("rows"))}


# 3 Expected returns


def test_point_03_forecast_then_the_models_returns_then_the_mean_of_rows(market: Market) -> None:
    market.model("both", scenarios=ROWS, expected_returns=[0.1, 0.2, 0.3, 0.4])
    given = {"kind": "given", "expected_returns": dict(zip(IDS, [1.0, 2.0, 3.0, 4.0], strict=True))}
    tails: list[Body] = [{"kind": "cvar", "level": 0.9}, {"kind": "max_drawdown"}, {"kind": "mean_absolute_deviation"}]

    forecast = market.figures(*tails, forecast=given, **named("both"))
    model = market.figures(*tails, **named("both"))
    rows = market.figures(*tails, **named("rows"))

    assert forecast["expected_return"] == pytest.approx(HELD @ [1, 2, 3, 4], rel=EXACT)
    assert model["expected_return"] == pytest.approx(HELD @ [0.1, 0.2, 0.3, 0.4], rel=EXACT)
    assert rows["expected_return"] == pytest.approx(PATH.mean(), rel=EXACT)
    for one in tails:
        assert forecast[one["kind"]] == model[one["kind"]] == rows[one["kind"]]


def test_point_03_without_returns_what_needs_them_is_refused_and_the_rest_works(market: Market) -> None:
    assert market.codes(MOST, **named("bare")) == {("/strategy/objective/terms/0/measure", "missing-forecast")}
    found = market.best(LEAST, **named("bare"))["measures"]["optimal"]
    assert "expected_return" not in found
    assert {"variance", "volatility"} <= set(found)


def test_point_03_no_model_is_needed_where_no_measure_uses_one(market: Market) -> None:
    given = {"kind": "given", "expected_returns": dict(zip(IDS, [0.1, 0.2, 0.4, 0.3], strict=True))}

    result = market.best(MOST, forecast=given, risk_model=None)

    assert weights(result) == pytest.approx([0, 0, 1, 0], abs=1e-7)
    assert set(result["measures"]["optimal"]) == {"expected_return"}


# 4 Horizon, 5 divisors


@pytest.mark.parametrize("days", [None, 1.0, 30.0, 365.0])
def test_point_04_an_uploaded_model_is_never_rescaled(market: Market, days: float | None) -> None:
    market.model("unit", covariance=COVARIANCE, expected_returns=MEAN, horizon_days=days)

    found = market.figures({"kind": "sharpe_ratio", "risk_free": 0.0001}, **named("unit"))

    assert found["variance"] == pytest.approx(HELD @ COVARIANCE @ HELD, rel=EXACT)
    assert found["expected_return"] == pytest.approx(MEAN @ HELD, rel=EXACT)
    expected = (MEAN @ HELD - 0.0001) / math.sqrt(HELD @ COVARIANCE @ HELD)
    assert found["sharpe_ratio"] == pytest.approx(expected, rel=EXACT)


@pytest.mark.parametrize(("days", "factor"), [(None, 1.0), (365.0, 252.0), (30.0, 30 * 252 / 365)])
def test_point_04_a_horizon_multiplies_moments_and_never_scenarios(
    client: httpx.Client, days: float | None, factor: float
) -> None:
    put_history(client, ROWS)
    horizon = {} if days is None else {"horizon_days": days}
    specs = {"risk_model": {"kind": "sample", **horizon}, "forecast": {"kind": "historical_mean", **horizon}}
    tails: list[Body] = [{"kind": "mean_absolute_deviation"}, {"kind": "max_drawdown"}, {"kind": "semideviation"}]

    found = Market(client).figures(*tails, {"kind": "sharpe_ratio", "risk_free": 0.01}, **specs)

    excess = factor * PATH.mean() - 0.01
    assert found["variance"] == pytest.approx(factor * PATH.var(ddof=1), rel=1e-7)
    assert found["expected_return"] == pytest.approx(factor * PATH.mean(), rel=1e-7)
    assert found["sharpe_ratio"] == pytest.approx(excess / math.sqrt(factor * PATH.var(ddof=1)), rel=1e-6)
    assert found["mean_absolute_deviation"] == pytest.approx(np.abs(PATH - PATH.mean()).mean(), rel=1e-7)
    below = np.minimum(PATH - PATH.mean(), 0.0)
    assert found["semideviation"] == pytest.approx(math.sqrt(below @ below / (PERIODS - 1)), rel=1e-7)
    assert found["max_drawdown"] == pytest.approx(max(falls(PATH)), rel=1e-7)


def put_history(client: httpx.Client, rows: np.ndarray, ids: tuple[str, ...] = IDS, last: str = DAY) -> list[str]:
    """Prices whose simple returns are the rows, on consecutive days."""
    client.put(
        "/v1/instruments", json={"instruments": [{"id": key, "currency": "USD"} for key in ids]}
    ).raise_for_status()
    levels = 100 * np.cumprod(np.vstack([np.ones(len(ids)), 1 + rows]), axis=0)
    end = dt.date.fromisoformat(last)
    days = [(end - dt.timedelta(days=len(rows) - i)).isoformat() for i in range(len(rows) + 1)]
    table = [f"date,{','.join(ids)}"]
    table += [",".join([day, *map(repr, row.tolist())]) for day, row in zip(days, levels, strict=True)]
    headers = {"Content-Type": "text/csv"}
    client.put("/v1/prices", content="\n".join(table), headers=headers).raise_for_status()
    return days


def test_point_05_divisors_of_equally_likely_rows(market: Market) -> None:
    """Numpy: T - 1 for covariance, tracking error, semideviation; T for the others."""
    active = PATH - ROWS[:, 0]
    kinds = ["tracking_error", "tracking_error_squared", "semideviation", "mean_absolute_deviation"]
    kinds += ["downside_deviation", "average_drawdown", "ulcer_index"]
    free = [
        {"kind": "tracking_error", "centered": False, "name": "free"},
        {"kind": "tracking_error_squared", "centered": False, "name": "free squared"},
        {"kind": "downside_deviation", "target": 0.002, "name": "target"},
    ]

    found = market.figures(*free, *({"kind": kind} for kind in kinds), benchmark={"A": 1.0}, **named("rows"))

    below, drops = np.minimum(PATH - PATH.mean(), 0.0), np.array(falls(PATH))
    expected = {
        "variance": PATH.var(ddof=1),
        "volatility": PATH.std(ddof=1),
        "tracking_error": active.std(ddof=1),
        "tracking_error_squared": active.var(ddof=1),
        "free": math.sqrt(active.var(ddof=1) + active.mean() ** 2),
        "semideviation": math.sqrt(below @ below / (PERIODS - 1)),
        "mean_absolute_deviation": np.abs(PATH - PATH.mean()).sum() / PERIODS,
        "downside_deviation": math.sqrt((np.minimum(PATH, 0.0) ** 2).sum() / PERIODS),
        "target": math.sqrt((np.minimum(PATH - 0.002, 0.0) ** 2).sum() / PERIODS),
        "average_drawdown": drops.sum() / PERIODS,
        "ulcer_index": math.sqrt((drops**2).sum() / PERIODS),
    }
    conventions = {math.sqrt((active @ active) / (PERIODS - 1)), expected.pop("free")}
    assert {key: found[key] for key in expected} == pytest.approx(expected, rel=EXACT)
    assert any(found["free"] == pytest.approx(one, rel=EXACT) for one in conventions)
    assert found["free squared"] == pytest.approx(found["free"] ** 2, rel=EXACT)


def falls(path: np.ndarray) -> list[float]:
    """Uncompounded drawdowns from 0, by a loop."""
    total, top, found = 0.0, 0.0, []
    for one in path:
        total += float(one)
        top = max(top, total)
        found.append(top - total)
    return found


def test_point_05_probabilities_leave_one_less_their_squares(market: Market) -> None:
    mass = np.random.default_rng(5).dirichlet(np.ones(PERIODS))
    market.model("likely", scenarios=ROWS, probabilities=mass)
    mean, rest = float(mass @ PATH), 1.0 - float(mass @ mass)
    below, active = np.minimum(PATH - mean, 0.0), PATH - ROWS[:, 1]
    kinds = ["semideviation", "mean_absolute_deviation", "tracking_error"]

    found = market.figures(*({"kind": kind} for kind in kinds), benchmark={"B": 1.0}, **named("likely"))

    assert found["expected_return"] == pytest.approx(mean, rel=EXACT)
    assert found["variance"] == pytest.approx(mass @ (PATH - mean) ** 2 / rest, rel=EXACT)
    assert found["semideviation"] == pytest.approx(math.sqrt(mass @ below**2 / rest), rel=EXACT)
    assert found["mean_absolute_deviation"] == pytest.approx(mass @ np.abs(PATH - mean), rel=EXACT)
    spread = mass @ (active - mass @ active) ** 2 / rest
    assert found["tracking_error"] == pytest.approx(math.sqrt(spread), rel=EXACT)


# 6 Levels, 7 drawdowns


@pytest.mark.parametrize("level", [0.0, 0.5, 0.8765, 0.95, 0.99, 0.9999])
def test_point_06_a_tail_may_end_inside_a_row(market: Market, level: float) -> None:
    """Mean of the worst (1 - level) T rows, the last one in part; the entropic bound by a search over z."""
    entropic = {"kind": "entropic_value_at_risk", "level": level}
    wanted = [{"kind": "cvar", "level": level}, *([entropic] if level > 0 else [])]

    found = market.figures(*wanted, **named("rows"))

    parts = np.clip((1.0 - level) * PERIODS - np.arange(PERIODS), 0.0, 1.0)
    assert found["cvar"] == pytest.approx(parts @ np.sort(PATH) * -1.0 / ((1.0 - level) * PERIODS), rel=EXACT)
    if level > 0:
        assert found["entropic_value_at_risk"] == pytest.approx(entropic_bound(-PATH, level), rel=1e-5)


def entropic_bound(losses: np.ndarray, level: float) -> float:
    worst = float(losses.max())

    def bound(log_z: float) -> float:
        z = math.exp(log_z)
        return worst + z * (math.log(np.exp((losses - worst) / z).mean()) - math.log1p(-level))

    found = scipy.optimize.minimize_scalar(bound, bounds=(-18.0, 4.0), method="bounded", options={"xatol": 1e-11})
    return min(float(found.fun), worst)  # the limit at z = 0 is the largest loss


def test_point_06_the_normal_tail_has_its_closed_form(market: Market) -> None:
    """Loss mean plus phi(q) / (1 - level) deviations: 2.0627128 of them at 95 %."""
    measures: list[Body] = [
        {"kind": "cvar", "distribution": "normal"},
        {"kind": "value_at_risk", "distribution": "normal"},
    ]

    found = market.figures(*measures)

    deviation = math.sqrt(HELD @ COVARIANCE @ HELD)
    assert found["cvar"] == pytest.approx(-MEAN @ HELD + 2.0627128075074 * deviation, rel=EXACT)
    assert found["value_at_risk"] == pytest.approx(-MEAN @ HELD + 1.6448536269515 * deviation, rel=EXACT)


def test_point_06_a_tail_without_rows_is_refused_with_its_cure(market: Market) -> None:
    response = market.post(objective("minimize", (1.0, {"kind": "cvar"})))

    assert response.status_code == 422
    (fault,) = response.json()["errors"]
    assert fault["pointer"] == "/strategy/objective/terms/0/measure"
    assert '"distribution": "normal"' in fault["detail"]
    assert "out-of-range" in {
        code for _, code in market.codes(objective("minimize", (1.0, {"kind": "cvar", "level": 1.0})), **named("rows"))
    }


def test_point_06_the_least_tail_is_rockafellar_and_uryasevs_program(market: Market) -> None:
    """scipy's linear program in (w, a, u): a + sum u / ((1 - level) T), u >= -r'w - a, u >= 0."""
    level = 0.93
    scale = 1.0 / ((1.0 - level) * PERIODS)
    costs = np.concatenate([np.zeros(COUNT), [1.0], np.full(PERIODS, scale)])
    rows = np.hstack([-ROWS, -np.ones((PERIODS, 1)), -np.eye(PERIODS)])
    budget = np.concatenate([np.ones(COUNT), np.zeros(1 + PERIODS)])[None]
    bounds = [(0, None)] * COUNT + [(None, None)] + [(0, None)] * PERIODS
    peer = scipy.optimize.linprog(costs, rows, np.zeros(PERIODS), budget, [1.0], bounds)

    result = market.best(objective("minimize", (1.0, {"kind": "cvar", "level": level})), **named("rows"))

    assert result["objective_value"] == pytest.approx(peer.fun, rel=OBJECTIVE)
    assert weights(result) == pytest.approx(peer.x[:COUNT], abs=WEIGHTS)


def test_point_07_drawdowns_are_uncompounded_start_at_zero_and_follow_the_rows(market: Market) -> None:
    market.model("turned", scenarios=ROWS[::-1])
    market.model("falling", scenarios=-np.abs(ROWS))
    kinds: list[Body] = [{"kind": "max_drawdown"}, {"kind": "cdar", "level": 0.9}]

    straight, turned, falling = (market.figures(*kinds, **named(name)) for name in ("rows", "turned", "falling"))

    assert straight["max_drawdown"] == pytest.approx(max(falls(PATH)), rel=EXACT)
    assert straight["cdar"] == pytest.approx(np.mean(sorted(falls(PATH))[-4:]), rel=EXACT)
    assert turned["max_drawdown"] == pytest.approx(max(falls(PATH[::-1])), rel=EXACT)
    assert falling["max_drawdown"] == pytest.approx(float((np.abs(ROWS) @ HELD).sum()), rel=EXACT)


# 8 Cash, 9 bounds


def test_point_08_cash_is_exactly_nothing_with_and_without_shorts(market: Market) -> None:
    """Least variance with shorting is S^-1 1 / (1'S^-1 1)."""
    long, short = market.best(LEAST), market.best(LEAST, shorting=True)
    bounded = market.best(MOST, shorting=True, constraints=[{"kind": "weight_bounds", "lower": -0.5, "upper": 2.0}])

    assert weights(short) == pytest.approx(INVERSE.sum(axis=0) / INVERSE.sum(), abs=WEIGHTS)
    for one in (long, short, bounded):
        assert sum(one["weights"].values()) == pytest.approx(1.0, abs=1e-9)
    assert weights(bounded) == pytest.approx([-0.5, 0.0, -0.5, 2.0], abs=1e-6)


def test_point_08_market_neutral_sums_to_nothing_and_frees_cash(market: Market) -> None:
    """Long the best and short the worst at a gross leverage of one: half of their difference."""
    limits = [{"kind": "market_neutral"}, {"kind": "leverage", "gross_upper": 1.0}]

    result = market.best(MOST, shorting=True, constraints=limits)

    assert weights(result) == pytest.approx([-0.5, 0.0, 0.0, 0.5], abs=1e-6)
    assert result["objective_value"] == pytest.approx(0.5 * (MEAN[3] - MEAN[0]), rel=OBJECTIVE)
    assert result["holdings"]["$USD"] == pytest.approx(MONEY, rel=1e-9)


def test_point_09_bounds_that_are_absent_are_none(market: Market) -> None:
    """Two instruments of 120 % variance ratio: the unbounded least variance lies outside [0, 1]."""
    market.model("levered", covariance=[[1, 1.8, 0, 0], [1.8, 4, 0, 0], [0, 0, 1e4, 0], [0, 0, 0, 1e4]])
    pair = {"universe": {"ids": ["A", "B"]}} | named("levered")
    floor = [{"kind": "weight_bounds", "lower": -0.25}]

    free = market.best(LEAST, shorting=True, **pair)
    bounded = market.best(LEAST, shorting=True, constraints=floor, **pair)
    long = market.best(LEAST, **pair)

    share = (4 - 1.8) / (1 + 4 - 3.6)
    assert free["weights"]["A"] == pytest.approx(share, abs=WEIGHTS)
    assert bounded["weights"] == pytest.approx({"A": 1.25, "B": -0.25}, abs=1e-6)
    assert long["weights"] == pytest.approx({"A": 1.0, "B": 0.0}, abs=1e-6)


def test_point_09_a_lower_bound_below_zero_is_no_leave_to_go_short(market: Market) -> None:
    result = market.best(MOST, constraints=[{"kind": "weight_bounds", "lower": -1.0}])

    assert weights(result) == pytest.approx([0, 0, 0, 1], abs=1e-6)


# 10 What binds the continuous weights


HOLDINGS: Body = {"base_currency": "USD", "holdings": {"$USD": 200.0, "A": 500.0, "B": 300.0}}


def test_point_10_weights_are_of_value_before_trading_plus_cash_flow(market: Market) -> None:
    """Worth 1000 and 1000 comes in: 500 of A are a quarter."""
    request = {"portfolio": HOLDINGS, "cash_flow": 1000.0}
    limits = [{"kind": "no_trade", "scope": {"ids": ["A", "B"]}}]

    result = market.best(MOST, request, constraints=limits)

    assert weights(result) == pytest.approx([0.25, 0.15, 0.0, 0.6], abs=1e-7)
    assert result["value"] == pytest.approx(2000.0)
    assert result["holdings"]["D"] == pytest.approx(1200.0)


@pytest.mark.parametrize(
    ("limit", "share"),
    [
        ({"kind": "turnover", "upper": 0.5}, 0.35),
        ({"kind": "measure_limit", "measure": {"kind": "turnover"}, "upper": 0.5}, 0.35),
        ({"kind": "order_band", "upper_amount": 250.0}, 0.25),
        ({"kind": "position_band", "upper_amount": 450.0, "scope": {"ids": ["D"]}}, 0.45),
        ({"kind": "max_trades", "count": 2}, 0.7),
        ({"kind": "max_trades", "count": 1}, 0.2),
        ({"kind": "no_sell", "scope": "all"}, 0.2),
    ],
    ids=str,
)
def test_point_10_amounts_counts_and_turnover_bind_the_continuous_weights(
    market: Market, limit: Body, share: float
) -> None:
    """By hand: the best is D, paid with 20 % cash, then with A (50 %) or B (30 %)."""
    exclude = {"kind": "weight_bounds", "scope": {"ids": ["C"]}, "upper": 0.0}

    result = market.best(MOST, {"portfolio": HOLDINGS}, constraints=[limit, exclude])

    assert result["weights"]["D"] == pytest.approx(share, abs=1e-6)


def test_point_10_turnover_counts_both_ways_and_costs_no_money(market: Market) -> None:
    """All in A to all in D is 2. As a term at 2 x turnover, 0.0007 of return is not worth it."""
    held = {"base_currency": "USD", "holdings": {"A": 1000.0}}
    term = objective("maximize", (1.0, RETURN), (-0.0003, {"kind": "turnover"}))
    dear = objective("maximize", (1.0, RETURN), (-0.0004, {"kind": "turnover"}))

    moved, stayed = market.best(term, {"portfolio": held}), market.best(dear, {"portfolio": held})

    assert moved["measures"]["optimal"]["turnover"] == pytest.approx(2.0, abs=1e-6)
    assert moved["objective_value"] == pytest.approx(MEAN[3] - 0.0006, rel=OBJECTIVE)
    assert sum(moved["weights"].values()) == pytest.approx(1.0, abs=1e-9)
    assert weights(stayed) == pytest.approx([1, 0, 0, 0], abs=1e-6)


def test_point_10_costs_are_paid_from_the_balance(market: Market) -> None:
    """From cash into one instrument at 1 %: w + 0.01 w = 1; with 100 of a million per order too."""
    only = {"universe": {"ids": ["D"]}}

    proportional = market.best(MOST, trading={"lots": False, "cost_fraction": 0.01}, **only)
    both = market.best(
        MOST, trading={"lots": False, "cost_fraction": 0.01, "cost_amount": 100.0, "combine": "sum"}, **only
    )
    larger = market.best(
        MOST, trading={"lots": False, "cost_fraction": 0.01, "cost_amount": 100.0, "combine": "max"}, **only
    )

    assert proportional["weights"]["D"] == pytest.approx(1 / 1.01, abs=1e-7)
    assert both["weights"]["D"] == pytest.approx((1 - 1e-4) / 1.01, abs=1e-7)
    assert larger["weights"]["D"] == pytest.approx(1 / 1.01, abs=1e-7)


# 11 Holdings, trades and bands


def supports(count: int) -> float:
    """Least long-only variance of at most so many instruments, by trying every set of them."""
    return min(least_long(list(chosen)) for chosen in combinations(range(COUNT), count))


def least_long(chosen: list[int]) -> float:
    """Least variance of the chosen, by the best of all stationary points with nonnegative weights."""
    found = math.inf
    for size in range(1, len(chosen) + 1):
        for part in combinations(chosen, size):
            inverse = np.linalg.inv(COVARIANCE[np.ix_(part, part)])
            if (inverse.sum(axis=0) >= 0).all():
                found = min(found, 1.0 / inverse.sum())
    return found


@pytest.mark.parametrize("count", [1, 2, 3])
def test_point_11_holdings_are_counted(market: Market, count: int) -> None:
    result = market.best(LEAST, {"gap": 1e-6}, constraints=[{"kind": "max_holdings", "count": count}])

    assert (weights(result) > 1e-6).sum() <= count
    assert result["objective_value"] == pytest.approx(supports(count), rel=1e-5)


def test_point_11_a_purchase_from_cash_is_one_trade_and_a_short_is_a_holding(market: Market) -> None:
    one = market.best(MOST, constraints=[{"kind": "max_trades", "count": 1}])
    limits = [{"kind": "max_holdings", "count": 2}, {"kind": "weight_bounds", "lower": -0.5, "upper": 1.5}]
    pair = market.best(MOST, shorting=True, constraints=limits)

    assert weights(one) == pytest.approx([0, 0, 0, 1], abs=1e-7)
    assert weights(pair) == pytest.approx([-0.5, 0, 0, 1.5], abs=1e-6)


def test_point_11_bands_with_shorting_are_of_the_absolute_weight(market: Market) -> None:
    """All but D are 0 or between 20 % and 30 % long or short; D between the band too."""
    limits = [
        {"kind": "position_band", "lower_fraction": 0.2, "upper_fraction": 0.5},
        {"kind": "weight_bounds", "lower": -1.0, "upper": 1.0},
    ]

    result = market.best(objective("maximize", (1.0, RETURN)), shorting=True, constraints=limits)

    choices = (-0.5, -0.2, 0.0, 0.2, 0.5)
    found = weights(result)
    assert ((np.abs(found) < 1e-6) | ((np.abs(found) > 0.2 - 1e-6) & (np.abs(found) < 0.5 + 1e-6))).all()
    grid = [one for one in product(choices, repeat=COUNT) if abs(sum(one) - 1.0) < 1e-9]
    assert result["objective_value"] >= max(float(MEAN @ one) for one in grid) - 1e-9


# 12 Groupings, 13 attributes


@pytest.mark.parametrize(
    ("scope", "within", "expected"),
    [
        ({"grouping": "asset_classes", "name": "stocks"}, None, 0.4 + 0.3 * 0.6),
        ({"grouping": "sectors", "name": "technology"}, None, 0.4 * 0.7 + 0.3 * 0.3),
        ({"grouping": "sectors", "name": "technology", "within": "stocks"}, None, 0.4 * 0.7 + 0.3 * 0.6 * 0.3),
        ({"grouping": "regions", "name": "europe", "within": "stocks"}, None, 0.3 * 0.6 * 0.5),
        ({"grouping": "regions", "name": "europe", "within": "bonds"}, None, 0.3 * 0.4),
        ({"grouping": "regions", "name": "europe"}, None, 0.3 * (0.6 * 0.5 + 0.4)),
        (
            {"grouping": "regions", "name": "europe", "within": "stocks"},
            {"grouping": "asset_classes", "name": "stocks"},
            0.3 * 0.6 * 0.5 / (0.4 + 0.3 * 0.6),
        ),
        ({"ids": ["A", "C"]}, None, 0.6),
        ("all", None, 1.0),
    ],
    ids=str,
)
def test_point_12_groupings_by_look_through(
    market: Market, scope: Body | str, within: Body | None, expected: float
) -> None:
    """Shares by hand from the four documents."""
    measure = {"kind": "group_weight", "scope": scope} | ({} if within is None else {"within": within})

    assert market.figures(measure)["group_weight"] == pytest.approx(expected, rel=EXACT)


def test_point_12_without_within_it_is_a_share_of_total_value(market: Market) -> None:
    """With half in cash, 40 % of value in stocks is the bound, whatever part of what is invested."""
    limits = [
        {"kind": "cash", "lower_fraction": 0.5, "upper_fraction": 0.5},
        {"kind": "group_weight", "scope": {"grouping": "asset_classes", "name": "stocks"}, "lower": 0.4},
        {"kind": "weight_bounds", "scope": {"ids": ["B"]}, "upper": 0.0},
    ]

    result = market.best(MOST, constraints=limits)

    assert weights(result) == pytest.approx([0.4, 0, 0, 0.1], abs=1e-6)


def test_point_13_an_average_leaves_cash_out(market: Market) -> None:
    """Half cash, esg at most 80 of what is invested: of A (70) and D (90), half each."""
    limits = [
        {"kind": "cash", "lower_fraction": 0.5, "upper_fraction": 0.5},
        {"kind": "attribute_average", "attribute": "esg", "upper": 80.0},
        {"kind": "weight_bounds", "scope": {"ids": ["B", "C"]}, "upper": 0.0},
    ]

    result = market.best(MOST, constraints=limits, report=[{"kind": "attribute_average", "attribute": "esg"}])

    assert weights(result) == pytest.approx([0.25, 0, 0, 0.25], abs=1e-6)
    assert result["measures"]["optimal"]["attribute_average"] == pytest.approx(80.0, rel=1e-6)


def test_point_13_an_instrument_without_the_attribute_is_refused(market: Market) -> None:
    limits = [{"kind": "attribute_average", "attribute": "rare", "upper": 1.0}]

    assert market.codes(LEAST, constraints=limits) == {("/strategy/constraints/0/attribute", "missing-attribute")}


# 14 Prices


def test_point_14_a_close_on_or_before_the_day_is_needed(market: Market) -> None:
    market.client.put("/v1/instruments", json={"instruments": [{"id": "LATE", "currency": "USD"}]}).raise_for_status()
    late = [{"instrument": "LATE", "date": "2024-07-05", "close": 1.0}]
    market.client.put("/v1/prices", json={"prices": late}).raise_for_status()
    goal, ids = objective("minimize", (1.0, SPREAD)), {"universe": {"ids": ["A", "LATE"]}, "risk_model": None}

    codes = market.codes(goal, {"as_of": "2024-07-04"}, **ids)
    fine = market.best(goal, {"as_of": "2024-07-05"}, **ids)

    assert codes == {("/strategy/universe", "missing-price")}
    assert fine["weights"] == pytest.approx({"A": 0.5, "LATE": 0.5}, abs=1e-6)


def test_point_14_a_benchmark_that_is_only_in_the_model_needs_no_price(market: Market) -> None:
    """Neither instrument nor price: the model alone knows it. Closed form: least w'Sw - 2 w's, sum 1, shorts."""
    joint = np.random.default_rng(14).normal(size=(30, COUNT + 1))
    matrix = joint.T @ joint / 30
    body = {"instruments": [*IDS, "NOWHERE"], "covariance": matrix.tolist()}
    market.client.put("/v1/risk-models/wide", json=body).raise_for_status()
    goal = objective("minimize", (1.0, {"kind": "tracking_error_squared"}))

    result = market.best(goal, shorting=True, benchmark={"NOWHERE": 1.0}, **named("wide"))

    inverse = np.linalg.inv(matrix[:COUNT, :COUNT])
    free = inverse @ matrix[:COUNT, COUNT]
    expected = free + inverse.sum(axis=0) * (1.0 - free.sum()) / inverse.sum()
    assert weights(result) == pytest.approx(expected, abs=WEIGHTS)
    gap = np.append(expected, -1.0)
    assert result["objective_value"] == pytest.approx(gap @ matrix @ gap, rel=OBJECTIVE)


def test_point_14_a_window_counts_returns_and_drops_days_with_a_missing_price(client: httpx.Client) -> None:
    """A day is lost for B: of the complete days, the last 10 returns ending at the day of the run."""
    days = put_history(client, ROWS)
    prices = 100 * np.cumprod(np.vstack([np.ones(COUNT), 1 + ROWS]), axis=0)
    rows = [
        {"instrument": "E", "date": day, "close": 50.0 * 1.001**i}
        for i, day in enumerate(days)
        if i not in {PERIODS - 3, PERIODS - 8}
    ]
    client.put("/v1/instruments", json={"instruments": [{"id": "E", "currency": "USD"}]}).raise_for_status()
    client.put("/v1/prices", json={"prices": rows}).raise_for_status()
    until = len(prices) - 2
    request = {"as_of": days[until]}
    complete = np.delete(prices[: until + 1], [PERIODS - 8, PERIODS - 3], axis=0)[-11:]
    returns = complete[1:] / complete[:-1] - 1
    limits = [{"kind": "hold_exactly", "weights": {"A": 0.5, "B": 0.5}}]

    result = Market(client).best(
        LEAST,
        request,
        universe={"ids": [*IDS, "E"]},
        risk_model={"kind": "sample", "window": 10},
        constraints=limits,
    )

    assert result["objective_value"] == pytest.approx(returns[:, :2].mean(axis=1).var(ddof=1), rel=1e-7)


@pytest.mark.parametrize(("age", "found"), [(0, True), (7, True), (8, False)])
def test_point_14_a_rate_serves_for_seven_days(
    client: httpx.Client,
    age: int,
    found: bool,  # noqa: FBT001 - a case
) -> None:
    client.put("/v1/instruments", json={"instruments": [{"id": "E", "currency": "EUR"}]}).raise_for_status()
    day = dt.date.fromisoformat(DAY)
    rows = [
        {"instrument": "E", "date": DAY, "close": 100.0},
        {"instrument": "$EUR", "quote": "USD", "date": (day - dt.timedelta(days=age)).isoformat(), "close": 1.25},
    ]
    client.put("/v1/prices", json={"prices": rows}).raise_for_status()
    goal = objective("minimize", (1.0, SPREAD))

    response = Market(client).post(goal, {"as_of": DAY}, universe={"ids": ["E"]}, risk_model=None)

    if found:
        assert response.json()["result"]["holdings"]["E"] == pytest.approx(MONEY / 125.0, rel=1e-9)
    else:
        assert [one["code"] for one in response.json()["errors"]] == ["missing-price"]


def test_point_14_without_lots_there_is_no_step(client: httpx.Client) -> None:
    load(client, [{"id": "A", "currency": "USD", "lot": 10, "fractional_step": 0.5}], close=37.0)
    goal = objective("minimize", (1.0, SPREAD))
    cash = {"base_currency": "USD", "holdings": {"$USD": 1000.0}}
    fields: Body = {"universe": {"ids": ["A"]}, "risk_model": None}

    result = Market(client).best(goal, {"portfolio": cash}, **fields)

    assert result["orders"][0]["quantity"] == pytest.approx(1000.0 / 37.0, rel=1e-9)


# 15 Universe


def test_point_15_a_part_of_the_model_and_a_measures_own_benchmark(market: Market) -> None:
    own = {"kind": "tracking_error", "benchmark": {"B": 1.0}}
    outside = {"kind": "tracking_error_squared", "benchmark": {"D": 1.0}}
    part: Body = {"universe": {"ids": ["A", "B"]}, "benchmark": {"A": 1.0}}

    inside = market.best(objective("minimize", (1.0, own)), **part)
    away = market.best(objective("minimize", (1.0, outside)), **part)

    assert inside["weights"] == pytest.approx({"A": 0.0, "B": 1.0}, abs=WEIGHTS)
    a, b, c = COVARIANCE[0, 0], COVARIANCE[1, 1], COVARIANCE[0, 1]
    share = float(np.clip((b - c + COVARIANCE[0, 3] - COVARIANCE[1, 3]) / (a + b - 2 * c), 0, 1))
    assert away["weights"] == pytest.approx({"A": share, "B": 1 - share}, abs=WEIGHTS)


def test_point_15_hold_exactly_sells_what_it_does_not_name(market: Market) -> None:
    limits = [{"kind": "hold_exactly", "weights": {"C": 0.25, "D": 0.75}}]

    result = market.best(LEAST, {"portfolio": HOLDINGS}, constraints=limits)

    assert weights(result) == pytest.approx([0, 0, 0.25, 0.75], abs=1e-9)
    assert {"A", "B"}.isdisjoint(result["holdings"])


# 16 Rounding


@pytest.mark.parametrize("seed", range(6))
def test_point_16_least_deviation_is_exactly_the_least(client: httpx.Client, seed: int) -> None:
    """Every whole quantity is tried; the target are the continuous weights that the answer names."""
    random = np.random.default_rng(seed)
    prices, money = random.uniform(40, 500, 3).round(2), 2500.0
    held = random.integers(0, 4, 3)
    ids = IDS[:3]
    client.put("/v1/instruments", json={"instruments": [{"id": key, "currency": "USD"} for key in ids]})
    rows = [{"instrument": key, "date": DAY, "close": p} for key, p in zip(ids, prices.tolist(), strict=True)]
    client.put("/v1/prices", json={"prices": rows}).raise_for_status()
    target = random.dirichlet([2.0, 2.0, 2.0])
    holdings = {"$USD": money} | dict(zip(ids, held.tolist(), strict=True))
    value = money + float(held @ prices)
    limits = [{"kind": "hold_exactly", "weights": dict(zip(ids, target.tolist(), strict=True))}]

    result = Market(client).best(
        objective("minimize", (1.0, SPREAD)),
        {"portfolio": {"base_currency": "USD", "holdings": holdings}},
        universe={"ids": list(ids)},
        risk_model=None,
        constraints=limits,
        trading={"lots": True, "rounding": "least_deviation"},
    )

    reached = np.array([result["holdings"].get(key, 0.0) for key in ids])
    assert (reached == np.round(reached)).all()
    deviation = np.abs(reached * prices - value * target).sum() + result["holdings"]["$USD"]
    assert deviation == pytest.approx(least_deviation(value, prices, target), abs=1e-6)


def least_deviation(value: float, prices: np.ndarray, target: np.ndarray) -> float:
    """Sum of absolute deviations of value plus leftover cash, the least of all affordable whole quantities."""
    spent = np.array(list(product(*(range(int(value / price) + 1) for price in prices)))) * prices
    kept = spent.sum(axis=1) <= value + 1e-9
    deviations = np.abs(spent - value * target).sum(axis=1) + value - spent.sum(axis=1)
    return float(deviations[kept].min())


def test_point_16_least_risk_is_the_default_and_no_worse_by_the_objective(client: httpx.Client) -> None:
    ids = IDS[:3]
    client.put("/v1/instruments", json={"instruments": [{"id": key, "currency": "USD"} for key in ids]})
    rows = [{"instrument": key, "date": DAY, "close": p} for key, p in zip(ids, (130.0, 270.0, 90.0), strict=True)]
    client.put("/v1/prices", json={"prices": rows}).raise_for_status()
    index = {"benchmark": {"A": 0.4, "B": 0.35, "C": 0.25}}
    body = {"instruments": list(ids), "covariance": COVARIANCE[:3, :3].tolist()}
    client.put("/v1/risk-models/pairs", json=body).raise_for_status()
    goal = objective("minimize", (1.0, {"kind": "tracking_error"}))
    request = {"portfolio": {"base_currency": "USD", "holdings": {"$USD": 5000.0}}}

    def rounded(**trading: str) -> float:
        fields: Body = {"universe": {"ids": list(ids)}, "trading": {"lots": True, **trading}, **index}
        return float(Market(client).best(goal, request, **fields)["rounded"]["objective_value"])

    assert rounded() == rounded(rounding="least_risk")
    assert rounded() <= rounded(rounding="least_deviation") + 1e-12


# 17 Black-Litterman


def opinion(**fields: Any) -> Body:
    return {"kind": "black_litterman"} | fields


def test_point_17_defaults_are_the_benchmark_and_two_and_a_half_and_a_twentieth(market: Market) -> None:
    """Prior 2.5 S b; without views the posterior covariance is 1.05 S."""
    benchmark = {"A": 0.4, "C": 0.6}

    result = market.best(LEAST, forecast=opinion(), benchmark=benchmark, constraints=[exactly(HELD)])

    used = [result["forecast"]["expected_returns"][key] for key in IDS]
    assert used == pytest.approx(2.5 * COVARIANCE @ [0.4, 0, 0.6, 0], rel=1e-7)
    assert result["measures"]["optimal"]["variance"] == pytest.approx(1.05 * HELD @ COVARIANCE @ HELD, rel=1e-7)


@pytest.mark.parametrize("covariance", ["posterior", "prior"])
@pytest.mark.parametrize("variance", [None, 0.0004])
def test_point_17_views_are_bayes_rule(market: Market, covariance: str, variance: float | None) -> None:
    """Precisions add: M = ((tS)^-1 + P'W^-1P)^-1, mean M ((tS)^-1 prior + P'W^-1 q), risk S + M."""
    tau, aversion, prior_weights = 0.1, 3.0, np.array([0.3, 0.3, 0.2, 0.2])
    picks, returns = np.array([[1.0, -1.0, 0, 0], [0, 0, 0.5, 0.5]]), np.array([0.002, -0.001])
    views = [
        {"weights": {key: weight for key, weight in zip(IDS, row.tolist(), strict=True) if weight}}
        | {"expected_return": gain}
        | ({} if variance is None else {"variance": variance})
        for row, gain in zip(picks, returns.tolist(), strict=True)
    ]
    own = np.diagonal(tau * picks @ COVARIANCE @ picks.T) if variance is None else np.full(2, variance)
    precision = np.linalg.inv(tau * COVARIANCE)
    spread = np.linalg.inv(precision + picks.T @ np.diag(1 / own) @ picks)
    prior = aversion * COVARIANCE @ prior_weights
    mean = spread @ (precision @ prior + picks.T @ (returns / own))
    risk = COVARIANCE + spread if covariance == "posterior" else COVARIANCE

    forecast = opinion(
        prior_weights=dict(zip(IDS, prior_weights.tolist(), strict=True)),
        risk_aversion=aversion,
        tau=tau,
        covariance=covariance,
        views=views,
    )
    result = market.best(LEAST, forecast=forecast, constraints=[exactly(HELD)])

    used = [result["forecast"]["expected_returns"][key] for key in IDS]
    assert used == pytest.approx(mean, rel=1e-7)
    assert result["measures"]["optimal"]["variance"] == pytest.approx(HELD @ risk @ HELD, rel=1e-7)


def test_point_17_a_prior_may_hold_what_the_model_covers_and_the_universe_leaves_out(market: Market) -> None:
    """Point 15 lets the universe be a part of the model; the market portfolio is all of it."""
    market_weights = {"A": 0.25, "B": 0.25, "C": 0.25, "D": 0.25}
    part: Body = {"universe": {"ids": ["A", "B"]}}

    result = market.best(LEAST, forecast=opinion(prior_weights=market_weights), **part)

    used = [result["forecast"]["expected_returns"][key] for key in ("A", "B")]
    assert used == pytest.approx((2.5 * COVARIANCE @ np.full(4, 0.25))[:2], rel=1e-7)


# 18 Infeasible


@pytest.mark.parametrize(
    "limit",
    [
        {"kind": "weight_bounds", "upper": 0.2},
        {"kind": "weight_bounds", "scope": {"ids": ["A"]}, "lower": 1.5},
        {"kind": "group_weight", "scope": "all", "upper": 0.5},
        {"kind": "group_weight", "scope": {"ids": ["A"]}, "lower": 2.0},
        {"kind": "measure_limit", "measure": RETURN, "lower": 5.0},
        {"kind": "measure_limit", "measure": VARIANCE, "upper": -1.0},
        {"kind": "measure_limit", "measure": SPREAD, "upper": 0.2},
        {"kind": "cash", "lower_amount": 2 * MONEY},
        {"kind": "cash", "lower_fraction": 1.5},
        {"kind": "leverage", "net_lower": 2.0},
        {"kind": "turnover", "upper": 0.0},
        {"kind": "max_holdings", "count": 0},
        {"kind": "min_holdings", "count": 5},
        {"kind": "max_trades", "count": 0},
        {"kind": "position_band", "lower_amount": 2 * MONEY},
        {"kind": "order_band", "upper_amount": 0.1 * MONEY},
        {"kind": "no_buy", "scope": "all"},
        {"kind": "hold_exactly", "weights": {"A": 0.5}},
        {"kind": "attribute_average", "attribute": "esg", "lower": 1000.0},
    ],
    ids=str,
)
def test_point_18_out_of_reach_is_an_answer(market: Market, limit: Body) -> None:
    response = market.post(LEAST, constraints=[limit])

    assert response.status_code == 200, response.text
    ended = response.json()
    assert (ended["status"], ended["error"]) == ("infeasible", None)
    assert ended["result"]["status"] == "infeasible"
    assert ended["result"]["weights"] is None
    assert ended["result"]["sentence"]
    assert all(one["sentence"] for one in ended["result"]["conflict"])
    assert ended["result"]["conflict"]


# 19 Accuracy


@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1.0, 1e4])
def test_point_19_closed_forms_are_met_whatever_the_unit(market: Market, scale: float) -> None:
    """Least variance and the largest Sharpe ratio with shorting: S^-1 1 and S^-1 mu, normalized."""
    matrix = scale * COVARIANCE / COVARIANCE[0, 0]
    inverse, mean = np.linalg.inv(matrix), math.sqrt(scale) * np.array([0.3, 0.8, 0.4, 0.9])
    market.model("scaled", covariance=matrix, expected_returns=mean)

    least = market.best(LEAST, shorting=True, **named("scaled"))
    ratio = market.best(objective("maximize", (1.0, {"kind": "sharpe_ratio"})), shorting=True, **named("scaled"))

    assert least["objective_value"] == pytest.approx(1 / inverse.sum(), rel=OBJECTIVE)
    assert weights(least) == pytest.approx(inverse.sum(axis=0) / inverse.sum(), abs=WEIGHTS)
    assert ratio["objective_value"] == pytest.approx(math.sqrt(mean @ inverse @ mean), rel=OBJECTIVE)
    assert weights(ratio) == pytest.approx(inverse @ mean / (inverse @ mean).sum(), abs=WEIGHTS)


@pytest.mark.parametrize(("negative", "status"), [(5e-9, 200), (5e-8, 422)])
def test_point_19_semidefinite_to_a_hundred_millionth(client: httpx.Client, negative: float, status: int) -> None:
    basis = np.linalg.qr(np.random.default_rng(19).normal(size=(3, 3)))[0]
    matrix = basis @ np.diag([2.0, 1.0, -2.0 * negative]) @ basis.T
    body = {"instruments": ["A", "B", "C"], "covariance": ((matrix + matrix.T) / 2).tolist()}

    assert client.put("/v1/risk-models/nearly", json=body).status_code == status


@pytest.mark.parametrize(
    ("address", "megabytes", "status"),
    [("/v1/prices", 63, 200), ("/v1/prices", 65, 413), ("/v1/risk-models/m", 65, 413), ("/v1/instruments", 3, 413)],
)
def test_point_19_bodies_have_their_limits(client: httpx.Client, address: str, megabytes: int, status: int) -> None:
    """Spaces before the JSON count for nothing but the size."""
    body = json.dumps({"prices": [] if status == 413 else [{"instrument": "A", "date": DAY, "close": 1.0}]}).encode()
    client.put("/v1/instruments", json={"instruments": [{"id": "A", "currency": "USD"}]}).raise_for_status()
    headers = {"Content-Type": "application/json"}

    response = client.put(address, content=body.rjust(megabytes * 2**20), headers=headers)

    assert response.status_code == status, response.text[:300]
