"""Limits of every linear and conic kind against linear programs and sequential quadratic programming of scipy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.optimize

from tests.reference.published import (
    Body,
    World,
    at_least,
    at_most,
    holding,
    maximize,
    minimize,
    model,
    names,
    random_covariance,
    run,
    weights,
)
from tests.tolerances import EXACT, SOLVED, WEIGHTS

COUNT = 8
COVARIANCE = random_covariance(COUNT + 1, 31)
INSIDE = COVARIANCE[:COUNT, :COUNT]
MEAN = np.random.default_rng(32).normal(5e-4, 5e-4, COUNT)
STOCKS = np.array([1.0, 1.0, 1.0, 0.6, 0.5, 0.0, 0.0, 0.2])
TECHNOLOGY = np.array([1.0, 0.5, 0.0, 0.25, 1.0, 0.0, 0.0, 0.5])
EMERGING = np.array([0.0, 0.3, 1.0, 0.5, 0.2, 0.0, 0.0, 1.0])
SCORE = np.array([10.0, 30.0, 20.0, 70.0, 90.0, 50.0, 40.0, 60.0])
BEFORE = np.array([0.3, 0.0, 0.2, 0.1, 0.0, 0.25, 0.0, 0.05])
IDS = names(COUNT)
WORLD = World(
    ids=IDS,
    beyond=("INDEX",),
    model=model(covariance=COVARIANCE, expected_returns=[*MEAN, 5e-4]),
    portfolio=holding(dict(zip(IDS, BEFORE.tolist(), strict=True))),
    instruments={
        key: {
            "look_through": {
                "asset_classes": {"stocks": float(STOCKS[i])},
                "sectors": {"technology": float(TECHNOLOGY[i])},
                "regions": {"stocks": {"emerging": float(EMERGING[i])}},
            },
            "attributes": {"score": float(SCORE[i])},
            "tags": ["green"] if i % 2 else [],
        }
        for i, key in enumerate(IDS)
    },
)
RETURN: Body = {"kind": "expected_return"}
VARIANCE: Body = {"kind": "variance"}
AVERSION = 4.0
Rows = list[tuple[np.ndarray, float]]
Limits = list[dict[str, Any]]

STOCK_SCOPE = {"grouping": "asset_classes", "name": "stocks"}
TECH_OF_STOCKS = {"grouping": "sectors", "name": "technology", "within": "stocks"}
EMERGING_OF_STOCKS = {"grouping": "regions", "name": "emerging", "within": "stocks"}
GREEN = np.arange(COUNT) % 2.0
ONES = np.ones(COUNT)

# A constraint, and rows (a, b) of a'w <= b that say the same.
LINEAR: dict[str, tuple[Body, Rows]] = {
    "flat group": (
        {"kind": "group_weight", "scope": {"grouping": "sectors", "name": "technology"}, "lower": 0.1, "upper": 0.2},
        [(TECHNOLOGY, 0.2), (-TECHNOLOGY, -0.1)],
    ),
    "group within a class": (
        {"kind": "group_weight", "scope": TECH_OF_STOCKS, "upper": 0.12},
        [(STOCKS * TECHNOLOGY, 0.12)],
    ),
    "nested group": (
        {"kind": "group_weight", "scope": {"grouping": "regions", "name": "emerging"}, "lower": 0.25, "upper": 0.3},
        [(STOCKS * EMERGING, 0.3), (-STOCKS * EMERGING, -0.25)],
    ),
    "tag": ({"kind": "group_weight", "scope": {"tag": "green"}, "lower": 0.7}, [(-GREEN, -0.7)]),
    "ids": (
        {"kind": "group_weight", "scope": {"ids": ["A05", "A06"]}, "upper": 0.1},
        [(np.eye(8)[5] + np.eye(8)[6], 0.1)],
    ),
    "ratio": (
        {"kind": "group_weight", "scope": EMERGING_OF_STOCKS, "within": STOCK_SCOPE, "lower": 0.35, "upper": 0.4},
        [(STOCKS * EMERGING - 0.4 * STOCKS, 0.0), (0.35 * STOCKS - STOCKS * EMERGING, 0.0)],
    ),
    "average": (
        {"kind": "attribute_average", "attribute": "score", "lower": 55.0, "upper": 60.0},
        [(SCORE - 60, 0.0), (55 - SCORE, 0.0)],
    ),
    "measure of a group": (
        at_most({"kind": "group_weight", "scope": STOCK_SCOPE}, 0.4),
        [(STOCKS, 0.4)],
    ),
    "measure of an average": (
        at_least({"kind": "attribute_average", "attribute": "score"}, 65.0),
        [(65 - SCORE, 0.0)],
    ),
    "no buy": ({"kind": "no_buy", "scope": {"tag": "green"}}, [(one, BEFORE @ one) for one in np.eye(8)[1::2]]),
    "no sell": (
        {"kind": "no_sell", "scope": {"ids": ["A00", "A03"]}},
        [(-np.eye(8)[0], -BEFORE[0]), (-np.eye(8)[3], -BEFORE[3])],
    ),
    "must sell": ({"kind": "must_sell", "scope": {"tag": "green"}}, [(one, 0.0) for one in np.eye(8)[1::2]]),
    "expected return": (at_least(RETURN, 8e-4), [(-MEAN, -8e-4)]),
}


def least(size: Callable[[np.ndarray], float], rows: Rows, extra: Limits) -> float:
    """Least size of weights that sum to 1, keep rows and more, from several starts."""
    limits = [*extra, {"type": "eq", "fun": lambda w: w.sum() - 1}]
    if rows:
        matrix, right = np.array([a for a, _ in rows]), np.array([b for _, b in rows])
        unit = np.abs(matrix).max(axis=1)
        limits.append({"type": "ineq", "fun": lambda w: (right - matrix @ w) / unit})
    found = [
        scipy.optimize.minimize(
            lambda w: 1e3 * size(w),
            start,
            bounds=[(0, 1)] * COUNT,
            constraints=limits,
            method="SLSQP",
            options={"ftol": 1e-13, "maxiter": 1000},
        )
        for start in [ONES / COUNT, *(0.8 * np.eye(COUNT)[::3] + 0.025)]
    ]
    best = [one.fun for one in found if all(np.all(limit["fun"](one.x) > -1e-7) for limit in limits)]
    return min(best) / 1e3


def disutility(w: np.ndarray) -> float:
    return float(AVERSION * w @ INSIDE @ w - MEAN @ w)


def utility(*constraints: Body, **fields: Any) -> Body:
    return maximize((1.0, RETURN), (-AVERSION, VARIANCE), constraints=list(constraints), **fields)


@pytest.mark.parametrize("name", LINEAR)
def test_the_best_return_within_a_linear_limit_is_the_linear_programs(name: str) -> None:
    constraint, rows = LINEAR[name]
    caps = {"kind": "weight_bounds", "upper": 0.6}

    result = run(maximize((1.0, RETURN), constraints=[constraint, caps]), WORLD)

    matrix, right = np.array([a for a, _ in rows]), np.array([b for _, b in rows])
    best = scipy.optimize.linprog(-MEAN, matrix, right, ONES[None, :], [1.0], [(0, 0.6)] * COUNT)
    assert result.status == "optimal", result.sentence
    assert result.objective_value == pytest.approx(-best.fun, rel=SOLVED)
    assert (matrix @ weights(result, WORLD) <= right + 1e-6 * np.abs(matrix).max()).all()


@pytest.mark.parametrize("name", LINEAR)
def test_the_best_utility_within_a_linear_limit_is_sequential_quadratic_programmings(name: str) -> None:
    constraint, rows = LINEAR[name]

    result = run(utility(constraint), WORLD)

    assert result.status == "optimal", result.sentence
    assert result.objective_value == pytest.approx(-least(disutility, rows, []), rel=1e-5)


def test_a_ratio_of_cash_free_weights_does_not_count_cash() -> None:
    """Half of the money stays in cash: the average score is that of what is held."""
    half = {"kind": "cash", "lower_fraction": 0.5, "upper_fraction": 0.5}
    average = {"kind": "attribute_average", "attribute": "score", "lower": 65.0}

    result = run(maximize((1.0, RETURN), constraints=[half, average]), WORLD)

    best = scipy.optimize.linprog(-MEAN, (65 - SCORE)[None, :], [0.0], ONES[None, :], [0.5])
    assert result.objective_value == pytest.approx(-best.fun, rel=SOLVED)


@pytest.mark.parametrize("upper", [0.0, 0.1, 0.45])
def test_a_turnover_cap_is_a_linear_program_of_purchases_and_sales(upper: float) -> None:
    cap = {"kind": "turnover", "upper": upper}
    portfolio = holding(dict(zip(IDS, (BEFORE / BEFORE.sum()).tolist(), strict=True)))

    result = run(maximize((1.0, RETURN), constraints=[cap]), WORLD.having(portfolio=portfolio))

    now = BEFORE / BEFORE.sum()
    sums = np.vstack([np.hstack([ONES, -ONES])])
    room = [(0, None)] * COUNT + [(0, one) for one in now]
    best = scipy.optimize.linprog(np.hstack([-MEAN, MEAN]), np.ones((1, 2 * COUNT)), [upper], sums, [0.0], room)
    assert result.objective_value == pytest.approx(MEAN @ now - best.fun, rel=SOLVED)
    assert np.abs(weights(result, WORLD) - now).sum() <= upper + 1e-6


@pytest.mark.parametrize("gross", [1.0, 1.3, 2.0])
def test_gross_leverage_is_a_linear_program_of_long_and_short_parts(gross: float) -> None:
    """1'(a - b) = 1 and 1'(a + b) <= gross; at 1 nothing is short."""
    cap = {"kind": "leverage", "gross_upper": gross}

    result = run(maximize((1.0, RETURN), constraints=[cap], shorting=True), WORLD)

    sums = np.hstack([ONES, -ONES])[None, :]
    best = scipy.optimize.linprog(np.hstack([-MEAN, MEAN]), np.ones((1, 2 * COUNT)), [gross], sums, [1.0])
    assert result.objective_value == pytest.approx(-best.fun, rel=SOLVED)


def test_market_neutral_weights_sum_to_zero_and_cash_is_free() -> None:
    """max m'w - g w'Sw with 1'w = 0 and |w|_1 <= 1, in parts for scipy; all the money stays in cash."""
    limits = [{"kind": "market_neutral"}, {"kind": "leverage", "gross_upper": 1.0}]

    result = run(utility(*limits, shorting=True), WORLD)

    def parts(x: np.ndarray) -> float:
        return 1e3 * disutility(x[:COUNT] - x[COUNT:])

    rows = [
        {"type": "eq", "fun": lambda x: x[:COUNT].sum() - x[COUNT:].sum()},
        {"type": "ineq", "fun": lambda x: 1 - x.sum()},
    ]
    best = scipy.optimize.minimize(
        parts, np.full(16, 0.05), bounds=[(0, 1)] * 16, constraints=rows, options={"ftol": 1e-13, "maxiter": 1000}
    )
    assert result.status == "optimal"
    assert result.objective_value == pytest.approx(-best.fun / 1e3, rel=1e-5)
    assert weights(result, WORLD).sum() == pytest.approx(0.0, abs=1e-6)


def test_market_neutral_utility_without_bounds_has_a_closed_form() -> None:
    """w = S^-1 (m - v 1) / 2g with v that makes 1'w = 0."""
    inverse = np.linalg.inv(INSIDE)
    price = (ONES @ inverse @ MEAN) / (ONES @ inverse @ ONES)
    expected = inverse @ (MEAN - price * ONES) / (2 * AVERSION)

    result = run(utility({"kind": "market_neutral"}, shorting=True), WORLD)

    assert weights(result, WORLD) == pytest.approx(expected, abs=WEIGHTS * np.abs(expected).max())


@pytest.mark.parametrize(
    "benchmark",
    [{"INDEX": 1.0}, {"A00": 0.5, "A06": 0.5}, {"INDEX": 0.6, "A01": 0.4}],
    ids=["outside", "inside", "both"],
)
def test_a_cap_on_tracking_error_is_sequential_quadratic_programmings(benchmark: dict[str, float]) -> None:
    """The benchmark may be in the risk model alone, without a price (points 14 and 15)."""
    target = np.array([benchmark.get(key, 0.0) for key in (*IDS, "INDEX")])

    def error(w: np.ndarray) -> float:
        active = np.append(w, 0.0) - target
        return float(np.sqrt(active @ COVARIANCE @ active))

    cap = (least(error, [], []) + error(np.eye(COUNT)[MEAN.argmax()])) / 2
    own = {"kind": "tracking_error", "benchmark": benchmark}
    result = run(maximize((1.0, RETURN), constraints=[at_most(own, cap)], benchmark={"A07": 1.0}), WORLD)

    inside = {"type": "ineq", "fun": lambda w: 1e3 * (cap - error(w))}
    assert result.status == "optimal"
    assert result.objective_value == pytest.approx(-least(lambda w: -MEAN @ w, [], [inside]), rel=1e-4)
    assert result.measures.optimal["tracking_error"] == pytest.approx(cap, rel=1e-5)
    assert result.measures.optimal["tracking_error"] == pytest.approx(error(weights(result, WORLD)), rel=1e-6)


def test_the_least_active_share_within_a_cap_of_variance_is_the_parts() -> None:
    """|w - b|_1 / 2 with b partly outside the universe: what is outside counts in full."""
    benchmark = {"INDEX": 0.2, "A00": 0.4, "A02": 0.4}
    inside = np.array([benchmark.get(key, 0.0) for key in IDS])
    variance = 0.8 * float(inside @ INSIDE @ inside) / 0.64
    strategy = minimize((1.0, {"kind": "active_share"}), constraints=[at_most(VARIANCE, variance)], benchmark=benchmark)

    result = run(strategy, WORLD)

    found = weights(result, WORLD)
    assert result.objective_value == pytest.approx(0.5 * (np.abs(found - inside).sum() + 0.2), rel=SOLVED)
    rows = [
        {"type": "eq", "fun": lambda x: (x[:8] - x[8:]).sum() + inside.sum() - 1},
        {"type": "ineq", "fun": lambda x: inside + x[:8] - x[8:]},
        {"type": "ineq", "fun": lambda x: 1e4 * (variance - covered(inside + x[:8] - x[8:]))},
    ]
    best = scipy.optimize.minimize(
        lambda x: x.sum(),
        np.full(16, 0.05),
        bounds=[(0, 1)] * 16,
        constraints=rows,
        options={"ftol": 1e-12, "maxiter": 999},
    )
    assert result.objective_value == pytest.approx(0.5 * (best.fun + 0.2), rel=1e-5)


def covered(w: np.ndarray) -> float:
    return float(w @ INSIDE @ w)


def test_a_soft_limit_costs_its_penalty_for_each_unit_of_breach() -> None:
    """Maximize m'w - p max(0, tech - 0.1), as a linear program with a slack."""
    soft = {"kind": "group_weight", "scope": {"grouping": "sectors", "name": "technology"}, "upper": 0.1}
    for penalty in (1e-4, 2e-3):
        result = run(maximize((1.0, RETURN), constraints=[soft | {"penalty": penalty}]), WORLD)

        costs, row = np.append(-MEAN, penalty), np.append(TECHNOLOGY, -1.0)
        best = scipy.optimize.linprog(costs, row[None, :], [0.1], np.append(ONES, 0.0)[None, :], [1.0])
        held = weights(result, WORLD)
        reached = MEAN @ held - penalty * max(0.0, TECHNOLOGY @ held - 0.1)
        assert reached == pytest.approx(-best.fun, rel=SOLVED)
        assert result.objective_value == pytest.approx(MEAN @ held, rel=EXACT)
