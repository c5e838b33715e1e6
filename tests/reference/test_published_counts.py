"""Counts, bands and fees on small universes, against every choice tried in turn."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import scipy.optimize

from tests.reference.enumeration import ABSENT, Choice, ends, kept, least
from tests.reference.published import (
    MONEY,
    Body,
    World,
    holding,
    maximize,
    minimize,
    model,
    names,
    random_covariance,
    run,
    weights,
)

CLOSE = 1e-5
"""The enumeration's best and ours, relative; the search proves a gap of 1e-6."""

COUNT = 6
COVARIANCE = random_covariance(COUNT + 1, 77)
INSIDE = COVARIANCE[:COUNT, :COUNT]
MEAN = np.random.default_rng(78).normal(6e-4, 4e-4, COUNT)
AVERSION = 4.0
IDS = names(COUNT)
BEFORE = np.array([0.35, 0.25, 0.0, 0.2, 0.2, 0.0])
WORLD = World(
    ids=IDS,
    beyond=("INDEX",),
    model=model(covariance=COVARIANCE, expected_returns=[*MEAN, 5e-4]),
    portfolio=holding(dict(zip(IDS, BEFORE.tolist(), strict=True))),
    instruments={key: {"tags": ["few"]} for key in IDS[:4]},
)
VARIANCE: Body = {"kind": "variance"}
QUADRATIC, LINEAR = AVERSION * INSIDE, MEAN
FREE = (ABSENT, Choice(0.0, 1.0))


def utility(*constraints: Body, **fields: Any) -> Body:
    terms = ((1.0, {"kind": "expected_return"}), (-AVERSION, VARIANCE))
    return maximize(*terms, constraints=list(constraints), **fields)


def answers(strategy: Body, expected: tuple[float, np.ndarray], sign: float = -1.0) -> np.ndarray:
    """Weights, once the objective is the enumeration's."""
    result = run(strategy, WORLD)
    assert np.isfinite(expected[0])
    assert result.status in {"optimal", "feasible"}, result.sentence
    assert result.objective_value == pytest.approx(sign * expected[0], rel=CLOSE, abs=1e-12)
    assert result.proven_gap is not None
    assert result.proven_gap <= 2e-6
    return weights(result, WORLD)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_at_most_so_many_holdings_are_the_best_of_all_supports(count: int) -> None:
    expected = least(INSIDE, np.zeros(COUNT), [FREE] * COUNT, lambda held, _: held.sum(1) <= count)

    found = answers(minimize((1.0, VARIANCE), constraints=[{"kind": "max_holdings", "count": count}]), expected, 1.0)

    assert (found > 1e-6).sum() <= count


@pytest.mark.parametrize("count", [1, 2])
def test_holdings_of_a_scope_are_counted_alone(count: int) -> None:
    limit = {"kind": "max_holdings", "count": count, "scope": {"tag": "few"}}

    expected = least(QUADRATIC, LINEAR, [FREE] * COUNT, lambda held, _: held[:, :4].sum(1) <= count)

    answers(utility(limit), expected)


@pytest.mark.parametrize("count", [2, 4])
def test_short_holdings_count_like_long_ones(count: int) -> None:
    limits = [{"kind": "max_holdings", "count": count}, {"kind": "weight_bounds", "lower": -0.3, "upper": 0.8}]

    expected = least(QUADRATIC, LINEAR, [(ABSENT, *ends(-0.3, 0.8))] * COUNT, lambda held, _: held.sum(1) <= count)

    answers(utility(*limits, shorting=True), expected)


def test_the_index_is_tracked_by_the_best_of_all_pairs_and_triples() -> None:
    """(w - b)'S(w - b) with b outside the universe: w'Sw - 2 (Sb)'w and a constant."""
    cross, constant = 2 * COVARIANCE[:COUNT, COUNT], COVARIANCE[COUNT, COUNT]
    for count in (2, 3):
        value, best = least(INSIDE, cross, [FREE] * COUNT, lambda held, _, most=count: held.sum(1) <= most)
        limit = [{"kind": "max_holdings", "count": count}]
        measure = {"kind": "tracking_error_squared"}

        strategy = minimize((1.0, measure), constraints=limit, benchmark={"INDEX": 1.0})

        answers(strategy, (value + constant, best), 1.0)


def test_a_band_for_positions_is_kept_by_each_that_is_held() -> None:
    """0, or between 15 and 30 % of value; in money the tighter ends count."""
    choices = [(ABSENT, *ends(0.15, 0.3))] * COUNT
    expected = least(QUADRATIC, LINEAR, choices)
    fractions = {"kind": "position_band", "lower_fraction": 0.15, "upper_fraction": 0.3}
    money = {"lower_fraction": 0.1, "lower_amount": 0.15 * MONEY, "upper_amount": 0.3 * MONEY, "upper_fraction": 0.9}

    for band in (fractions, {"kind": "position_band", **money}):
        found = answers(utility(band), expected)

        assert (found[found > 1e-6] >= 0.15 - 1e-6).all()


def test_a_band_for_positions_is_of_the_absolute_weight() -> None:
    """Point 11: short ones lie between -0.4 and -0.1."""
    limits = [
        {"kind": "position_band", "lower_fraction": 0.1, "upper_fraction": 0.4},
        {"kind": "leverage", "gross_upper": 3.0},
    ]

    expected = least(QUADRATIC, LINEAR, [(ABSENT, *ends(0.1, 0.4), *ends(-0.4, -0.1))] * COUNT)

    assert np.abs(expected[1]).sum() <= 3.0
    answers(utility(*limits, shorting=True), expected)


@pytest.mark.parametrize("count", [4, 6])
def test_at_least_so_many_holdings_of_a_smallest_size(count: int) -> None:
    limits = [{"kind": "min_holdings", "count": count}, {"kind": "position_band", "lower_fraction": 0.08}]

    expected = least(QUADRATIC, LINEAR, [(ABSENT, *ends(0.08, 1.0))] * COUNT, lambda held, _: held.sum(1) >= count)

    found = answers(utility(*limits), expected)
    assert (found > 0.08 - 1e-6).sum() >= count


def test_at_least_so_many_holdings_without_a_size_are_held_beyond_a_millionth() -> None:
    """Point 11: what would be 0 is held at hardly more than that, at hardly any cost."""
    free = least(QUADRATIC, LINEAR, [FREE] * COUNT)

    result = run(utility({"kind": "min_holdings", "count": COUNT}), WORLD)

    assert (free[1] > 1e-6).sum() < COUNT
    assert (weights(result, WORLD) > 1e-6).all()
    assert result.objective_value == pytest.approx(-free[0], rel=1e-3)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_at_most_so_many_trades_are_the_best_of_all_choices(count: int) -> None:
    """One trade alone cannot balance without cash, so one is as good as none."""
    choices = [(kept(one), ABSENT, Choice(0.0, 1.0)) for one in BEFORE]

    expected = least(QUADRATIC, LINEAR, choices, lambda _, traded: traded.sum(1) <= count)

    found = answers(utility({"kind": "max_trades", "count": count}), expected)
    assert (np.abs(found - BEFORE) > 1e-6).sum() <= count


def test_a_purchase_from_cash_is_one_trade() -> None:
    """Point 11: with money to spend, one trade buys one instrument."""
    world = WORLD.having(portfolio=holding(dict(zip(IDS, (0.8 * BEFORE).tolist(), strict=True))))
    choices = [(kept(0.8 * one), Choice(0.0, 1.0)) for one in BEFORE]
    expected = least(QUADRATIC, LINEAR, choices, lambda _, traded: traded.sum(1) <= 1)

    result = run(utility({"kind": "max_trades", "count": 1}), world)

    assert result.objective_value == pytest.approx(-expected[0], rel=CLOSE)
    assert len(result.orders) == 1


@pytest.mark.parametrize(("lower", "upper"), [(0.06, 0.15), (0.12, 0.2)])
def test_orders_are_none_or_inside_their_band(lower: float, upper: float) -> None:
    """In money; full exits are orders like any other."""
    band = {"kind": "order_band", "lower_amount": lower * MONEY, "upper_amount": upper * MONEY}
    choices = [(kept(one), *buying(one, lower, upper), *selling(one, lower, upper)) for one in BEFORE]

    expected = least(QUADRATIC, LINEAR, choices)

    found = np.abs(answers(utility(band), expected) - BEFORE)
    assert ((found <= 1e-6) | ((found >= lower - 1e-6) & (found <= upper + 1e-6))).all()


def buying(weight: float, lower: float, upper: float) -> tuple[Choice, ...]:
    return ends(weight + lower, weight + upper)


def selling(weight: float, lower: float, upper: float) -> tuple[Choice, ...]:
    return ends(max(0.0, weight - upper), weight - lower) if weight >= lower else ()


def test_the_smallest_order_amount_binds_the_continuous_weights() -> None:
    """Point 10: a trade is 0 or at least so much money."""
    smallest = 0.12
    choices = [(kept(one), *buying(one, smallest, 2.0), *selling(one, smallest, 2.0)) for one in BEFORE]

    answers(utility(trading={"min_order_amount": smallest * MONEY}), least(QUADRATIC, LINEAR, choices))


def test_the_least_tail_of_few_holdings_is_the_best_linear_program_of_all_supports() -> None:
    rows = np.random.default_rng(5).multivariate_normal(MEAN, INSIDE, 40)
    world = World(ids=IDS, model=model(scenarios=rows))

    result = run(
        minimize((1.0, {"kind": "cvar", "level": 0.9}), constraints=[{"kind": "max_holdings", "count": 2}]), world
    )

    best = min(tail(rows[:, list(pair)]) for pair in combinations(range(COUNT), 2))
    assert result.objective_value == pytest.approx(best, rel=CLOSE)


def tail(rows: np.ndarray) -> float:
    """Least CVaR at 90 % by Rockafellar and Uryasev's program."""
    periods, count = rows.shape
    above = np.hstack([-rows, -np.ones((periods, 1)), -np.eye(periods)])
    costs = np.concatenate([np.zeros(count), [1.0], np.full(periods, 1 / (0.1 * periods))])
    budget = np.concatenate([np.ones(count), np.zeros(1 + periods)])[None, :]
    bounds = [(0, None)] * count + [(None, None)] + [(0, None)] * periods
    return float(scipy.optimize.linprog(costs, above, np.zeros(periods), budget, [1.0], bounds).fun)


def test_the_most_diversified_pair_is_the_least_correlated_one() -> None:
    """Two instruments inverse to volatility have the ratio sqrt(2 / (1 + r)), the largest for the smallest r."""
    volatilities = np.sqrt(np.diag(INSIDE))
    correlations = INSIDE / np.outer(volatilities, volatilities)
    strategy = maximize((1.0, {"kind": "diversification_ratio"}), constraints=[{"kind": "max_holdings", "count": 2}])

    result = run(strategy, WORLD)

    assert result.objective_value == pytest.approx(np.sqrt(2 / (1 + correlations.min())), rel=CLOSE)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_best_sharpe_ratio_of_few_holdings_is_the_best_tangency_of_all_supports(count: int) -> None:
    """Tangency of a support: nonnegative least squares, as for all instruments."""
    ratios = []
    for support in combinations(range(COUNT), count):
        root = np.linalg.cholesky(INSIDE[np.ix_(support, support)]).T
        direction, _ = scipy.optimize.nnls(root, np.linalg.solve(root.T, MEAN[list(support)]))
        size = np.linalg.norm(root @ direction)
        ratios.append(MEAN[list(support)] @ direction / size if size > 0 else 0.0)
    limit = [{"kind": "max_holdings", "count": count}]

    result = run(maximize((1.0, {"kind": "sharpe_ratio"}), constraints=limit), WORLD)

    assert result.objective_value == pytest.approx(max(ratios), rel=CLOSE)
    assert (weights(result, WORLD) > 1e-6).sum() <= count


def test_counts_that_cannot_be_kept_end_infeasible_and_name_both_limits() -> None:
    """Two holdings of at most 30 % hold 60 % at the most."""
    limits = [{"kind": "max_holdings", "count": 2}, {"kind": "weight_bounds", "upper": 0.3}]

    result = run(utility(*limits), WORLD)

    assert result.status == "infeasible"
    named = " ".join(one.limit for one in result.conflict)
    assert "number of holdings is at most 2" in named
    assert "30 %" in named
