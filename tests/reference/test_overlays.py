"""Overlays against what is worked out by hand, in rebalances and in backtests."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from assetmix.backtest.spec import Schedule
from assetmix.errors import InvalidRequest
from assetmix.estimation.specs import GivenForecast
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.measures.expected_return import ExpectedReturn
from assetmix.optimization.overlay import Overlay
from assetmix.optimization.overlays.momentum import Momentum
from assetmix.optimization.overlays.no_short import NoShort
from assetmix.optimization.overlays.stop_loss import StopLoss
from assetmix.optimization.overlays.trend_filter import TrendFilter
from assetmix.optimization.overlays.volatility_target import VolatilityTarget
from assetmix.optimization.result import Result
from assetmix.optimization.rules.equal_weight import EqualWeight
from assetmix.optimization.strategy import Objective, Strategy, Term, Trading, UniverseById
from tests import markets
from tests.makers import solve
from tests.tolerances import EXACT

WHOLE = Trading(lots=False)


def table(**columns: list[float]) -> pd.DataFrame:
    length = len(next(iter(columns.values())))
    return pd.DataFrame(columns, index=pd.bdate_range("2024-01-01", periods=length))


def equal(prices: pd.DataFrame, *overlays: Overlay, **fields: Any) -> Strategy:
    universe = UniverseById(ids=tuple(prices.columns))
    return Strategy(objective=EqualWeight(), universe=universe, overlays=overlays, trading=WHOLE, **fields)


def answered(prices: pd.DataFrame, strategy: Strategy) -> Result:
    return solve(markets.question_of(prices, strategy))


UP_AND_DOWN = table(UP=[1.0, 2.0, 3.0, 4.0], DOWN=[4.0, 3.0, 2.0, 1.0], DENTED=[1.0, 9.0, 4.0, 5.0])
"""Means of three: 3, 2 and 6; last prices: 4, 1 and 5."""


def test_only_what_stands_above_its_moving_average_is_held() -> None:
    result = answered(UP_AND_DOWN, equal(UP_AND_DOWN, TrendFilter(window=3)))

    assert result.weights is not None
    assert {key: weight for key, weight in result.weights.items() if weight} == {"UP": pytest.approx(1.0)}
    (effect,) = result.overlays
    assert (effect.kind, set(effect.excluded)) == ("trend_filter", {"DOWN", "DENTED"})


def test_where_nothing_is_left_everything_is_cash() -> None:
    falling = UP_AND_DOWN[["DOWN", "DENTED"]]
    held = {"$USD": 10.0, "DOWN": 5.0}

    result = solve(markets.question_of(falling, equal(falling, TrendFilter(window=3)), held))

    assert result.holdings == {"$USD": pytest.approx(15.0)}
    assert "everything is cash" in result.overlays[0].sentence


def test_only_the_best_by_momentum_are_held() -> None:
    rises = table(A=[1.0, 1.0, 2.0, 0.1], B=[1.0, 1.0, 3.0, 0.1], C=[1.0, 1.0, 1.5, 9.0])

    result = answered(rises, equal(rises, Momentum(count=2, window=3, skip=1)))

    assert result.weights is not None
    assert {key for key, weight in result.weights.items() if weight} == {"A", "B"}  # the last session is skipped


def test_overlays_act_one_after_the_other() -> None:
    rises = table(A=[1.0, 2.0, 5.0, 4.0], B=[1.0, 2.0, 2.5, 3.0], C=[1.0, 1.0, 1.0, 2.0])  # A falls below its mean

    result = answered(rises, equal(rises, TrendFilter(window=2), Momentum(count=1, window=3, skip=0)))

    assert result.weights is not None
    assert {key for key, weight in result.weights.items() if weight} == {"B"}


def test_a_volatility_target_holds_a_part_and_leaves_the_rest_in_cash() -> None:
    prices = markets.made_prices(count=3, sessions=100)
    returns = prices.pct_change().to_numpy()[-63:].mean(axis=1)  # equal weights
    expected = 0.05 / (returns.std(ddof=1) * np.sqrt(252))

    result = answered(prices, equal(prices, VolatilityTarget(target=0.05, window=63)))

    assert expected < 1
    assert result.weights == pytest.approx(dict.fromkeys(prices.columns, expected / 3), rel=1e-6)
    assert result.overlays[0].exposure == pytest.approx(expected, rel=1e-6)
    assert result.rounded is not None
    assert result.rounded.cash == pytest.approx((1 - expected) * markets.MONEY, rel=1e-6)


def test_a_target_above_the_volatility_changes_nothing() -> None:
    prices = markets.made_prices(count=3, sessions=100)
    plain = equal(prices)

    scaled, whole = (answered(prices, one) for one in (replace(plain, overlays=(VolatilityTarget(target=5.0),)), plain))

    assert scaled == replace(whole, overlays=())


def test_no_short_takes_shorts_out() -> None:
    prices = markets.made_prices(count=4, sessions=200)
    rise = {"S0": 0.1, "S1": 0.05, "S2": -0.1, "S3": 0.01}

    best = Objective(sense="maximize", terms=(Term(measure=ExpectedReturn()),))
    strategy = replace(
        equal(prices),
        objective=best,
        shorting=True,
        forecast=GivenForecast(expected_returns=rise),
        constraints=(WeightBounds(lower=-0.5, upper=0.9),),
    )

    free, long = (answered(prices, one).weights for one in (strategy, replace(strategy, overlays=(NoShort(),))))

    assert free is not None
    assert long is not None
    assert min(free.values()) == pytest.approx(-0.5, abs=1e-6)
    assert min(long.values()) >= 0
    assert long["S0"] == pytest.approx(0.9, abs=1e-6)


def test_one_that_is_not_live_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        answered(UP_AND_DOWN, equal(UP_AND_DOWN, StopLoss()))

    assert [(one.pointer, one.code) for one in refused.value.faults] == [("/overlays/0/kind", "not-live")]


def test_a_backtest_follows_the_signal_from_session_to_session() -> None:
    prices = table(A=[1.0, 1.0, 2.0, 4.0, 2.0, 8.0])
    strategy = equal(prices, TrendFilter(window=2))

    found = markets.run(prices, strategy, start=prices.index[2].date(), schedule=Schedule(kind="daily"))

    # bought at 2, doubled, halved, sold at 2 (below the mean of 4 and 2), bought at 8: the last rise is missed
    assert markets.values_of(found).tolist() == pytest.approx([1e6, 2e6, 1e6, 1e6], rel=EXACT)


def test_a_backtest_holds_the_part_that_a_rebalance_would() -> None:
    prices = markets.made_prices(count=3, sessions=120)
    strategy = equal(prices, VolatilityTarget(target=0.05, window=63))
    begin = prices.index[100].date()

    (first, *_) = markets.decisions(prices, strategy, start=begin, schedule=Schedule(kind="daily"))

    now = answered(prices.iloc[:101], strategy)
    assert first.weights == pytest.approx(now.weights, rel=1e-6)
