"""What must not matter to any registered kind: the order of instruments, and how rich the account is."""

from dataclasses import fields, replace

import numpy as np
import pytest

from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.measure import Measure, Role
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.strategy import Objective, Strategy, Term, Trading
from tests.makers import make_portfolio, make_question, make_snapshot, make_strategy, solve
from tests.property.kinds import CONSTRAINTS, MEASURES

SNAPSHOT = make_snapshot(seed=2)
PORTFOLIO = make_portfolio(SNAPSHOT)
ORDER = [3, 0, 4, 1, 2, 5]
EXACT = Trading(lots=False)
PROVEN = 1e-7
"""Gap at which a mixed-integer answer is as good as unique."""
NOISE = 1e-5
"""Part of the objective's size that solvers leave where the best is next to nothing."""
IN_MONEY = {"participation", "round_lots"}
"""Kinds that speak of the market or of lots, so that they weigh on a richer account differently."""

OBJECTIVES = [one for one in MEASURES if one.roles & {Role.MINIMIZED, Role.MAXIMIZED}]
each_objective = pytest.mark.parametrize("one", OBJECTIVES, ids=lambda one: one.key)


def best(strategy: Strategy, snapshot: Snapshot = SNAPSHOT, portfolio: Portfolio = PORTFOLIO) -> float:
    result = solve(make_question(strategy, snapshot, portfolio, gap=PROVEN))
    assert result.objective_value is not None, result.sentence
    return float(result.objective_value)


def same(value: float, one: Strategy) -> bool:
    """Whether a value is that of the plain question, to solver accuracy of the size of the objective."""
    plain = solve(make_question(one, SNAPSHOT, PORTFOLIO, gap=PROVEN))
    size = max(abs(plain.objective_value or 0.0), abs(plain.current_objective_value or 0.0))
    return value == pytest.approx(plain.objective_value, abs=NOISE * size)


def permuted() -> Snapshot:
    return replace(
        SNAPSHOT,
        instruments=tuple(SNAPSHOT.instruments[i] for i in ORDER),
        closes=SNAPSHOT.closes[ORDER],
        history=np.ascontiguousarray(SNAPSHOT.history[:, ORDER]),
        extras={name: np.ascontiguousarray(table[:, ORDER]) for name, table in SNAPSHOT.extras.items()},
    )


def richer(factor: float) -> Portfolio:
    return replace(PORTFOLIO, holdings={key: factor * units for key, units in PORTFOLIO.holdings.items()})


def of_measure(one: Measure) -> Strategy:
    sense = "minimize" if Role.MINIMIZED in one.roles else "maximize"
    objective = Objective(sense=sense, terms=(Term(measure=one),))  # type: ignore[arg-type]
    return make_strategy(objective=objective, trading=EXACT)


def of_constraint(one: Constraint) -> Strategy:
    shorting = one.kind == "market_neutral"
    return make_strategy(Variance(), constraints=(one,), trading=EXACT, shorting=shorting)


@each_objective
def test_the_order_of_instruments_does_not_matter_to_a_measure(one: Measure) -> None:
    assert same(best(of_measure(one), permuted()), of_measure(one))


@each_objective
def test_wealth_does_not_matter_to_a_measure(one: Measure) -> None:
    assert same(best(of_measure(one), portfolio=richer(40.0)), of_measure(one))


@pytest.mark.parametrize("one", CONSTRAINTS, ids=lambda one: f"{one.kind}-{CONSTRAINTS.index(one)}")
def test_the_order_of_instruments_does_not_matter_to_a_constraint(one: Constraint) -> None:
    assert same(best(of_constraint(one), permuted()), of_constraint(one))


FREE = [
    one
    for one in CONSTRAINTS
    if one.kind not in IN_MONEY
    and not any(field.name.endswith("_amount") and getattr(one, field.name) is not None for field in fields(one))
]


@pytest.mark.parametrize("one", FREE, ids=lambda one: f"{one.kind}-{FREE.index(one)}")
def test_wealth_does_not_matter_to_a_constraint(one: Constraint) -> None:
    assert same(best(of_constraint(one), portfolio=richer(40.0)), of_constraint(one))


FROM_HERE = {
    "turnover", "no_buy", "no_sell", "no_trade", "participation", "max_trades", "order_band", "round_lots",
    "group_trade", "trade_bounds",
}  # fmt: skip
"""Kinds that speak of trades, so that a second rebalance starts from another place."""
STAYING = [one for one in CONSTRAINTS if one.kind not in FROM_HERE]


@pytest.mark.parametrize("one", STAYING, ids=lambda one: f"{one.kind}-{STAYING.index(one)}")
def test_a_solved_portfolio_rebalanced_again_trades_nothing_whatever_the_constraint(one: Constraint) -> None:
    first = solve(make_question(of_constraint(one), SNAPSHOT, PORTFOLIO, gap=PROVEN))
    assert first.holdings is not None, first.sentence

    settled = replace(PORTFOLIO, holdings=first.holdings)
    again = solve(make_question(of_constraint(one), SNAPSHOT, settled, gap=PROVEN))

    assert sum(order.quantity * order.price for order in again.orders) <= STILL * again.value


STILL = 1e-5
"""Part of value by which two solves of one unique optimum may differ: the objective is flat there."""
