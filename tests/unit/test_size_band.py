"""Positions near enough to their targets are not traded; expected numbers are worked out by hand."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetmix.estimation.specs import SampleRisk
from assetmix.optimization.result import Result
from assetmix.optimization.rules.equal_weight import EqualWeight
from assetmix.optimization.rules.inverse_volatility import InverseVolatility
from assetmix.optimization.strategy import Strategy, Trading, UniverseById
from tests import markets
from tests.makers import solve

PRICES = pd.DataFrame(10.0, index=pd.bdate_range("2024-01-01", periods=3), columns=["A", "B", "C"])


def rebalanced(holdings: dict[str, float], prices: pd.DataFrame = PRICES, **trading: object) -> Result:
    universe = UniverseById(ids=tuple(prices.columns))
    strategy = Strategy(objective=EqualWeight(), universe=universe, trading=Trading(**trading))
    return solve(markets.question_of(prices, strategy, holdings))


def traded(result: Result) -> dict[str, float]:
    return {one.instrument: one.quantity if one.side == "buy" else -one.quantity for one in result.orders}


def test_a_position_inside_the_band_stays_and_the_others_are_traded_to_their_targets() -> None:
    # a third of 3,000 each; A is 3 % above that, B 17 % above, C 20 % below
    result = rebalanced({"A": 103.0, "B": 117.0, "C": 80.0}, size_band=0.05, lots=False)

    assert traded(result) == pytest.approx({"B": -17.0, "C": 17.0})  # the 30 of A are missing to buy all 20 of C
    (skipped,) = result.skipped
    assert skipped.instrument == "A"
    assert "3 % away" in skipped.reason
    assert "band of 5 %" in skipped.reason


def test_without_a_band_everything_is_traded() -> None:
    result = rebalanced({"A": 103.0, "B": 117.0, "C": 80.0}, lots=False)

    assert traded(result) == pytest.approx({"A": -3.0, "B": -17.0, "C": 20.0})


def test_what_is_to_be_closed_is_closed_however_small_it_is() -> None:
    prices = PRICES.assign(D=10.0)
    universe = UniverseById(ids=("A", "B", "C"))
    strategy = Strategy(objective=EqualWeight(), universe=universe, trading=Trading(size_band=0.5, lots=False))

    result = solve(markets.question_of(prices, strategy, {"A": 100.0, "B": 100.0, "C": 100.0, "D": 1.0}))

    assert traded(result) == pytest.approx({"D": -1.0})


@given(seed=st.integers(0, 10_000), count=st.integers(2, 6), lots=st.booleans(), band=st.sampled_from([0.0, 0.05]))
@settings(max_examples=40, deadline=None)
def test_a_strategy_at_its_own_targets_trades_nothing(seed: int, count: int, band: float, *, lots: bool) -> None:
    prices = markets.made_prices(count=count, sessions=80, seed=seed)
    universe = UniverseById(ids=tuple(prices.columns))
    strategy = Strategy(
        objective=InverseVolatility(),
        universe=universe,
        risk_model=SampleRisk(window=60),
        trading=Trading(lots=lots, size_band=band),
    )

    first = solve(markets.question_of(prices, strategy))
    assert first.holdings is not None
    again = solve(markets.question_of(prices, strategy, dict(first.holdings)))

    assert first.orders
    assert again.orders == ()
