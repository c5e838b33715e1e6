"""What the vocabulary means, points 14 to 19, as the native dialect's document states it."""

import math
from itertools import product
from typing import Any

import numpy as np
import pytest

from assetmix.domain.given_model import GivenModel
from assetmix.domain.universe import Universe
from assetmix.estimation.given_check import model_faults
from tests.reference.nineteen import (
    COUNT,
    COVARIANCE,
    HELD,
    IDS,
    RETURN,
    VARIANCE,
    WORLD,
    codes,
    figures,
)
from tests.reference.published import (
    MONEY,
    Body,
    World,
    at_least,
    at_most,
    cash,
    minimize,
    model,
    names,
    optimum,
    random_covariance,
    run,
    weights,
)
from tests.tolerances import EXACT, WEIGHTS


def test_point_14_each_instrument_of_the_universe_needs_a_close_and_a_modeled_benchmark_none() -> None:
    covariance = random_covariance(5, 3)
    world = World(ids=IDS, beyond=("SPX",), model=model(covariance=covariance))
    strategy = minimize((1.0, {"kind": "tracking_error"}), benchmark={"SPX": 1.0})

    assert run(strategy, world).status == "optimal"
    assert codes(strategy, world.having(prices={"A02": math.nan})) == {"missing-price"}
    assert "unknown-asset" in codes(minimize((1.0, {"kind": "tracking_error"}), benchmark={"DAX": 1.0}), world)


def test_point_14_a_window_counts_returns_and_drops_rows_with_a_missing_price() -> None:
    """Of 20 closes one is missing: the last 5 returns, one of them over two days."""
    history = 100 * np.cumprod(1 + np.random.default_rng(14).normal(0, 0.01, (20, COUNT)), axis=0)
    whole = history.copy()
    history[17, 2] = math.nan
    complete = np.delete(whole, 17, axis=0)[-6:]
    expected = HELD @ np.cov((complete[1:] / complete[:-1] - 1).T) @ HELD

    found = figures(World(ids=IDS, history=history), risk_model={"kind": "sample", "window": 5})

    assert found["variance"] == pytest.approx(expected, rel=EXACT)
    long = minimize((1.0, VARIANCE), risk_model={"kind": "sample", "window": 19})
    assert codes(long, World(ids=IDS, history=history)) == {"short-history"}


def test_point_14_without_lots_fractions_are_traded_without_a_step() -> None:
    world = WORLD.having(portfolio=cash(100.0), prices=dict.fromkeys(IDS, 37.0))

    result = run(minimize((1.0, VARIANCE)), world)

    bought = {order.instrument: order.quantity for order in result.orders}
    held = weights(result, world)
    assert [bought.get(key, 0.0) for key in IDS] == pytest.approx(100 * held / 37, abs=1e-9)
    assert result.holdings["$USD"] == pytest.approx(0.0, abs=1e-6)


def test_point_15_the_universe_may_be_a_part_of_the_model_and_a_measures_benchmark_wins() -> None:
    own: Body = {"kind": "tracking_error", "benchmark": {"A01": 1.0}}
    strategy = minimize((1.0, own), universe={"ids": ["A00", "A01"]}, benchmark={"A00": 1.0})

    result = run(strategy, WORLD)

    assert set(result.weights) == {"A00", "A01"}
    assert result.weights["A01"] == pytest.approx(1.0, abs=WEIGHTS)


def test_point_15_what_is_not_named_is_not_held_at_all() -> None:
    exact = [{"kind": "hold_exactly", "weights": {"A02": 1.0}}]

    assert optimum(minimize((1.0, VARIANCE), constraints=exact), WORLD) == pytest.approx([0, 0, 1, 0], abs=1e-7)


@pytest.mark.parametrize("seed", range(8))
def test_point_16_least_deviation_is_exact(seed: int) -> None:
    """The smallest sum of absolute deviations of value plus leftover cash, by trying every whole quantity."""
    random = np.random.default_rng(seed)
    prices = random.uniform(50, 600, COUNT).round(2)
    world = WORLD.having(portfolio=cash(3000.0), prices=dict(zip(IDS, prices.tolist(), strict=True)))
    strategy = minimize((1.0, VARIANCE), (1e-4, {"kind": "concentration"}))

    result = run(strategy | {"trading": {"lots": True, "rounding": "least_deviation"}}, world)

    target = 3000 * weights(result, world)
    grids = [range(int(3000 / price) + 1) for price in prices]
    spent = np.array([q for q in product(*grids) if np.dot(q, prices) <= 3000]) * prices
    best = (np.abs(spent - target).sum(axis=1) + 3000 - spent.sum(axis=1)).min()
    held = np.array([result.holdings.get(key, 0.0) for key in IDS]) * prices
    assert np.abs(held - target).sum() + result.holdings["$USD"] == pytest.approx(best, abs=1e-6)


def test_point_16_least_risk_is_the_default() -> None:
    prices = dict(zip(IDS, [130.0, 270.0, 90.0, 410.0], strict=True))
    world = WORLD.having(portfolio=cash(5000.0), prices=prices)
    index = {"benchmark": {"A00": 0.25, "A01": 0.25, "A02": 0.25, "A03": 0.25}}

    def rounded(**trading: Any) -> float:
        strategy = minimize((1.0, {"kind": "tracking_error"}), **index)
        result = run(strategy | {"trading": {"lots": True, **trading}}, world)
        assert all(order.quantity == int(order.quantity) for order in result.orders)
        assert result.holdings["$USD"] >= 0
        return float(result.rounded.objective_value)

    assert rounded() == rounded(rounding="least_risk")
    assert rounded() <= rounded(rounding="least_deviation") + 1e-12


OPINION: Body = {"kind": "black_litterman", "prior_weights": {"A00": 0.5, "A01": 0.5}, "tau": 0.1, "risk_aversion": 3.0}


def test_point_17_no_views_give_the_prior_and_the_posterior_adds_the_estimates_covariance() -> None:
    prior = 3.0 * COVARIANCE @ [0.5, 0.5, 0, 0]

    found, left = figures(WORLD, forecast=OPINION), figures(WORLD, forecast=OPINION | {"covariance": "prior"})

    assert found["expected_return"] == pytest.approx(prior @ HELD, rel=1e-7)
    assert found["variance"] == pytest.approx(1.1 * HELD @ COVARIANCE @ HELD, rel=1e-7)
    assert left["variance"] == pytest.approx(HELD @ COVARIANCE @ HELD, rel=1e-7)


def test_point_17_a_view_without_a_variance_has_tau_times_its_portfolios() -> None:
    side = np.array([1.0, 0.0, -1.0, 0.0])
    view = {"weights": {"A00": 1.0, "A02": -1.0}, "expected_return": 0.01}
    stated = view | {"variance": 0.1 * side @ COVARIANCE @ side}

    found = [figures(WORLD, forecast=OPINION | {"views": [one]})["expected_return"] for one in (view, stated)]

    prior = 3.0 * COVARIANCE @ [0.5, 0.5, 0, 0]
    gain = COVARIANCE @ side / (2 * side @ COVARIANCE @ side)
    assert found == pytest.approx([(prior + gain * (0.01 - side @ prior)) @ HELD] * 2, rel=1e-7)


def test_point_17_the_result_shows_the_expected_returns_that_were_used() -> None:
    result = run(minimize((1.0, VARIANCE), forecast=OPINION), WORLD)

    prior = 3.0 * COVARIANCE @ [0.5, 0.5, 0, 0]
    assert [result.forecast.expected_returns[key] for key in IDS] == pytest.approx(prior, rel=1e-7)


UNREACHABLE: list[Body] = [
    {"kind": "weight_bounds", "upper": 0.2},
    {"kind": "weight_bounds", "lower": 0.3},
    {"kind": "weight_bounds", "scope": {"ids": ["A00"]}, "lower": 1.5},
    {"kind": "group_weight", "scope": {"ids": ["A00"]}, "lower": 2.0},
    {"kind": "group_weight", "scope": "all", "upper": 0.5},
    at_least(RETURN, 10.0),
    at_most(VARIANCE, 1e-9),
    at_most({"kind": "volatility"}, -1.0),
    {"kind": "cash", "lower_amount": 2 * MONEY},
    {"kind": "hold_exactly", "weights": {"A00": 0.5}},
    {"kind": "leverage", "gross_upper": 0.5},
    {"kind": "leverage", "net_lower": 2.0},
    {"kind": "turnover", "upper": 0.5},
    {"kind": "max_holdings", "count": 0},
    {"kind": "min_holdings", "count": 9},
    {"kind": "max_trades", "count": 0},
    {"kind": "position_band", "lower_fraction": 1.5},
    {"kind": "position_band", "upper_fraction": 0.2},
    {"kind": "order_band", "upper_amount": 0.2 * MONEY},
    {"kind": "no_buy", "scope": "all"},
    {"kind": "no_trade", "scope": "all"},
]


@pytest.mark.parametrize("constraint", UNREACHABLE, ids=lambda one: " ".join(f"{v}" for v in one.values())[:50])
def test_point_18_what_is_out_of_reach_ends_infeasible(constraint: Body) -> None:
    result = run(minimize((1.0, VARIANCE), constraints=[constraint]), WORLD)

    assert result.status == "infeasible"
    assert result.weights is None
    assert result.sentence
    assert result.conflict


@pytest.mark.parametrize(("negative", "faults"), [(1e-10, 0), (1e-6, 1)])
def test_point_19_semidefinite_to_a_hundred_millionth_of_the_largest_eigenvalue(negative: float, faults: int) -> None:
    basis = np.linalg.qr(np.random.default_rng(15).normal(size=(3, 3)))[0]
    matrix = basis @ np.diag([1.0, 0.5, -negative]) @ basis.T

    assert len(model_faults(GivenModel(universe=Universe(names(3)), covariance=(matrix + matrix.T) / 2))) == faults


@pytest.mark.parametrize("scale", [1e-10, 1e-4, 1.0, 1e6])
def test_point_19_optima_are_accurate_whatever_the_unit(scale: float) -> None:
    inverse = np.linalg.inv(random_covariance(12, 8))
    world = World(ids=names(12), model=model(covariance=scale * np.linalg.inv(inverse)))

    result = run(minimize((1.0, VARIANCE), shorting=True), world)

    assert result.objective_value == pytest.approx(scale / inverse.sum(), rel=1e-8)
