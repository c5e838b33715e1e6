"""Equity curves against independent computations.

Equal weight and buy and hold: the peer library bt, which simulates orders of its own. Minimum
variance: an active-set method in exact arithmetic of small systems, written here, and a value
path that is one line of numpy a session.
"""

from dataclasses import replace

import bt
import numpy as np
import pandas as pd
import pytest

from assetmix.backtest.run import plan
from assetmix.backtest.spec import Schedule
from assetmix.backtest.walk import walk
from assetmix.domain.portfolio import Portfolio
from assetmix.estimation.specs import SampleRisk
from assetmix.optimization.measures.tracking_error_squared import TrackingErrorSquared
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.rules.equal_weight import EqualWeight
from assetmix.optimization.strategy import Objective, Strategy, Term, UniverseById
from tests import markets

CURVE = 1e-10
"""Relative distance of equity curves: what the figures of a tear sheet need is a thousand times coarser."""


def universe(prices: pd.DataFrame) -> UniverseById:
    return UniverseById(ids=tuple(prices.columns))


def peer(prices: pd.DataFrame, *algorithms: object) -> np.ndarray:
    algos = [*algorithms, bt.algos.SelectAll(), bt.algos.WeighEqually(), bt.algos.Rebalance()]
    test = bt.Backtest(bt.Strategy("s", algos), prices, integer_positions=False, initial_capital=markets.MONEY)
    bt.run(test)
    curve = test.strategy.values  # noqa: PD011 - not a frame
    return np.asarray(curve)[1:]  # before the first day it has a row of its own


@pytest.mark.parametrize("kind", ["monthly", "quarterly", "annually", "weekly"])
def test_equal_weight_is_what_the_peer_has(kind: str) -> None:
    prices = markets.real_prices(4)
    strategy = Strategy(objective=EqualWeight(), universe=universe(prices))
    when = {
        "weekly": bt.algos.RunWeekly,
        "monthly": bt.algos.RunMonthly,
        "quarterly": bt.algos.RunQuarterly,
        "annually": bt.algos.RunYearly,
    }[kind]

    found = markets.run(prices, strategy, schedule=Schedule(kind=kind))

    expected = peer(prices, when(run_on_first_date=True))
    np.testing.assert_allclose(markets.values_of(found), expected, rtol=CURVE)


def test_buy_and_hold_is_what_the_peer_has() -> None:
    prices = markets.real_prices(6)
    strategy = Strategy(objective=EqualWeight(), universe=universe(prices))

    found = markets.run(prices, strategy, schedule=Schedule(kind="never"))

    np.testing.assert_allclose(markets.values_of(found), peer(prices, bt.algos.RunOnce()), rtol=CURVE)


def test_monthly_minimum_variance_is_what_an_exact_method_gives() -> None:
    prices, window = markets.real_prices(5), 252
    objective = Objective(sense="minimize", terms=(Term(measure=Variance()),))
    strategy = Strategy(objective=objective, universe=universe(prices), risk_model=SampleRisk(window=window))
    start = prices.index[window]

    found = markets.run(prices, strategy, start=start.date(), schedule=markets.monthly())

    np.testing.assert_allclose(markets.values_of(found), least_variance_path(prices, window), rtol=CURVE)


def least_variance_path(prices: pd.DataFrame, window: int) -> np.ndarray:
    """Value of monthly least variance weights, from the session at which the window is full."""
    table, months = prices.to_numpy(), prices.index.month
    returns = table[1:] / table[:-1] - 1.0
    value, units, path = markets.MONEY, np.zeros(table.shape[1]), []
    for place in range(window, len(table)):
        value = float(units @ table[place]) if path else value
        if not path or months[place] != months[place - 1]:
            weights = least_variance(np.cov(returns[place - window : place].T))
            units = weights * value / table[place]
        path.append(value)
    return np.array(path)


def least_variance(covariance: np.ndarray) -> np.ndarray:
    """Long-only weights of least variance: names with negative weights leave, those that would help come back."""
    inside = np.ones(len(covariance), dtype=bool)
    for _ in range(10 * len(covariance)):
        weights = np.zeros(len(covariance))
        weights[inside] = np.linalg.solve(covariance[np.ix_(inside, inside)], np.ones(inside.sum()))
        weights /= weights.sum()
        gradient = covariance @ weights
        price = float(weights @ gradient)
        if weights.min() < 0:
            inside[int(np.argmin(weights))] = False
        elif (gradient[~inside] < price * (1 - 1e-12)).any():
            inside[int(np.argmin(np.where(inside, np.inf, gradient)))] = True
        else:
            return weights
    raise AssertionError("the active set did not settle")


def test_a_portfolios_own_benchmark_is_followed_whatever_was_followed_before() -> None:
    prices = markets.made_prices(count=3, sessions=120)
    tracking = Objective(sense="minimize", terms=(Term(measure=TrackingErrorSquared()),))
    strategy = Strategy(objective=tracking, universe=universe(prices), risk_model=SampleRisk(window=60))
    spec = markets.spec_of(prices, start=prices.index[61].date(), schedule=Schedule(kind="never"))
    tools = markets.tools()
    held = {}
    for key in prices.columns:
        portfolio = Portfolio(base_currency="USD", holdings={"$USD": 1.0}, benchmark={key: 1.0})
        question = replace(markets.question_of(prices, strategy), portfolio=portfolio)
        ready = plan(question, spec, tools)  # the tools are shared: what is known of one must not mislead another
        (stretch, *_) = walk(ready.course, ready.advise, ready.begin)
        assert stretch.carried is not None
        held[key] = prices.columns[int(np.argmax(stretch.carried.weights))]

    assert list(held.items()) == [(key, key) for key in prices.columns]
