"""Invariants of whole answers on random portfolios."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.constraints.group_weight import GroupWeight
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.measures.cvar import ConditionalValueAtRisk
from assetmix.optimization.measures.tracking_error_squared import TrackingErrorSquared
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.memory import Memory
from assetmix.optimization.strategy import Strategy, Trading
from tests.makers import make_question, make_snapshot, make_strategy, solve, stock_ids
from tests.property.kinds import TECHNOLOGY
from tests.tolerances import SOLVED

SNAPSHOT = make_snapshot(count=6, seed=3)
MEASURES = st.sampled_from([Variance(), TrackingErrorSquared(), ConditionalValueAtRisk(level=0.9)])
TRADING = st.builds(
    Trading,
    cost_fraction=st.sampled_from([0.0, 0.001, 0.005]),
    cost_amount=st.sampled_from([0.0, 1.0]),
    combine=st.sampled_from(["max", "sum"]),
    min_order_amount=st.sampled_from([0.0, 75.0, 400.0]),
    rounding=st.sampled_from(["least_risk", "least_deviation"]),
)
LIMITS = (
    WeightBounds(upper=0.4),
    GroupWeight(scope=TECHNOLOGY, upper=0.5),
    Cash(lower_fraction=0.01, upper_fraction=0.1),
)


@st.composite
def portfolios(draw: st.DrawFn, snapshot: Snapshot = SNAPSHOT) -> Portfolio:
    held = {key: float(draw(st.integers(0, 300))) for key in stock_ids(snapshot)}
    cash = draw(st.floats(1_000, 50_000).map(lambda amount: round(amount, 2)))
    return Portfolio(base_currency="USD", holdings={"$USD": cash, **held})


@st.composite
def strategies(draw: st.DrawFn) -> Strategy:
    return make_strategy(draw(MEASURES), constraints=LIMITS, trading=draw(TRADING))


@given(strategy=strategies(), portfolio=portfolios())
@settings(max_examples=60, deadline=None)
def test_orders_are_exact(strategy: Strategy, portfolio: Portfolio) -> None:
    result = solve(make_question(strategy, SNAPSHOT, portfolio))

    spent = sum((1 if order.side == "buy" else -1) * order.quantity * order.price for order in result.orders)
    cost = sum(order.cost for order in result.orders)
    assert result.holdings["$USD"] == pytest.approx(portfolio.cash - spent - cost, abs=0.005)
    assert result.holdings["$USD"] >= 0.01 * result.value - 0.005
    for order in result.orders:
        before = portfolio.holdings.get(order.instrument, 0.0)
        after = result.holdings.get(order.instrument, 0.0)
        assert after == pytest.approx(before + order.units, abs=1e-9)
        assert order.quantity == int(order.quantity)
        assert order.quantity * order.price >= strategy.trading.min_order_amount
        assert order.cost == pytest.approx(strategy.trading.cost(order.quantity * order.price))
        assert after >= 0
    sides = [order.side for order in result.orders]
    assert sides == sorted(sides, reverse=True)


@given(portfolio=portfolios())
@settings(max_examples=20, deadline=None)
def test_a_living_problem_answers_like_a_new_one(portfolio: Portfolio) -> None:
    strategy = make_strategy(constraints=LIMITS, trading=Trading(cost_fraction=0.001))

    alive = solve(make_question(strategy, SNAPSHOT, portfolio), _ALIVE)
    fresh = solve(make_question(strategy, SNAPSHOT, portfolio), Memory(8))

    assert alive.objective_value == pytest.approx(fresh.objective_value, rel=SOLVED)
    assert alive.orders == fresh.orders


_ALIVE = Memory(8)


@given(portfolio=portfolios(), factor=st.sampled_from([0.01, 3.0, 1e4]))
@settings(max_examples=15, deadline=None)
def test_scaling_wealth_leaves_weights_unchanged(portfolio: Portfolio, factor: float) -> None:
    strategy = make_strategy(constraints=LIMITS, trading=Trading(lots=False))
    richer = replace(portfolio, holdings={key: factor * units for key, units in portfolio.holdings.items()})

    one, other = (solve(make_question(strategy, SNAPSHOT, each)) for each in (portfolio, richer))

    assert other.objective_value == pytest.approx(one.objective_value, rel=SOLVED)
    assert other.weights == pytest.approx(one.weights, abs=1e-5)


@given(order=st.permutations(range(6)), portfolio=portfolios())
@settings(max_examples=15, deadline=None)
def test_permuting_instruments_permutes_the_answer(order: list[int], portfolio: Portfolio) -> None:
    strategy = make_strategy(constraints=LIMITS, trading=Trading(lots=False))
    columns = [*order, 6]
    shuffled = replace(
        SNAPSHOT,
        instruments=tuple(SNAPSHOT.instruments[i] for i in columns),
        closes=SNAPSHOT.closes[columns],
        history=np.ascontiguousarray(SNAPSHOT.history[:, columns]),
    )

    straight, permuted = (solve(make_question(strategy, each, portfolio)) for each in (SNAPSHOT, shuffled))

    assert permuted.objective_value == pytest.approx(straight.objective_value, rel=SOLVED)
    assert permuted.weights == pytest.approx(straight.weights, abs=1e-5)


@given(portfolio=portfolios())
@settings(max_examples=15, deadline=None)
def test_a_solved_portfolio_rebalanced_again_trades_nothing(portfolio: Portfolio) -> None:
    strategy = make_strategy(constraints=LIMITS[:2], trading=Trading(lots=False, min_order_amount=1.0))
    first = solve(make_question(strategy, SNAPSHOT, portfolio))

    again = solve(make_question(strategy, SNAPSHOT, replace(portfolio, holdings=first.holdings)))

    assert again.orders == ()


@given(portfolio=portfolios(), tighter=st.floats(0.2, 0.39))
@settings(max_examples=15, deadline=None)
def test_tightening_a_limit_never_improves_the_objective(portfolio: Portfolio, tighter: float) -> None:
    loose, tight = (
        make_strategy(constraints=(WeightBounds(upper=upper),), trading=Trading(lots=False)) for upper in (0.4, tighter)
    )

    one, other = (solve(make_question(each, SNAPSHOT, portfolio)) for each in (loose, tight))

    assert other.objective_value >= one.objective_value * (1 - SOLVED) - 1e-15


@given(portfolio=portfolios())
@settings(max_examples=30, deadline=None)
def test_money_is_not_burned(portfolio: Portfolio) -> None:
    """A minimum variance portfolio would gladly pay costs for nothing, if it were allowed to."""
    strategy = make_strategy(Variance(), trading=Trading(cost_fraction=0.005, lots=False))

    result = solve(make_question(strategy, SNAPSHOT, portfolio))

    cost = sum(order.cost for order in result.orders)
    assert result.holdings["$USD"] == pytest.approx(0.0, abs=1e-6 * result.value)
    assert sum(result.weights.values()) + cost / result.value == pytest.approx(1.0, abs=1e-6)
