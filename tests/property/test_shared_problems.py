"""Accounts that share a compiled problem get the answers that they would get alone."""

import numpy as np
import pytest

from assetmix.domain.portfolio import Portfolio
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.measures.ivar import InvestorValueAtRisk
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.memory import Memory
from assetmix.optimization.strategy import Strategy, Trading
from tests.makers import make_question, make_snapshot, make_strategy, solve, stock_ids
from tests.property.kinds import CONSTRAINTS
from tests.tolerances import SOLVED

SNAPSHOT = make_snapshot(count=6, seed=8)
IDS = stock_ids(SNAPSHOT)
ACCOUNTS = ((), (0.5, 0.3), (0.05, 0.9), (0.1, 0.1, 0.2, 0.3), (0.0, 0.0, 0.0, 0.0, 0.6, 0.2))
"""Weights of the first stocks, the rest is cash; so many units of money as the place says."""


def account(place: int) -> Portfolio:
    """An account of its own size."""
    weights, value = ACCOUNTS[place], 10_000.0 * (1 + place)
    held = {key: value * weight / SNAPSHOT.prices[key] for key, weight in zip(IDS, weights, strict=False)}
    return Portfolio(base_currency="USD", holdings={"$USD": value * (1 - sum(weights)), **held})


def same_for_all(strategy: Strategy) -> None:
    """Compare what is found one after the other with what is found alone."""
    shared = Memory(16)
    for place in range(len(ACCOUNTS)):
        together = solve(make_question(strategy, SNAPSHOT, account(place)), shared)
        alone = solve(make_question(strategy, SNAPSHOT, account(place)))
        assert together.status in {alone.status, *(("optimal", "feasible") if alone.weights else ())}, place
        if alone.objective_value is not None:
            slack = max(together.proven_gap or 0.0, alone.proven_gap or 0.0, SOLVED)
            assert together.objective_value == pytest.approx(alone.objective_value, rel=2 * slack, abs=1e-9), place


def priced(**fields: float) -> Trading:
    """Fees that make whatever is traded a choice."""
    return Trading(cost_fraction=0.002, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=repr)
def test_under_every_constraint(constraint: Constraint) -> None:
    limits = (constraint,) if isinstance(constraint, Cash) else (constraint, Cash(lower_fraction=0.0))

    same_for_all(make_strategy(Variance(), constraints=limits, trading=priced()))


@pytest.mark.parametrize(
    "trading",
    [priced(min_order_amount=900.0), priced(cost_amount=5.0), priced(cost_amount=30.0, combine="max")],  # type: ignore[arg-type]
    ids=["minimum order", "fee", "the larger"],
)
@pytest.mark.parametrize("measure", [Variance(), InvestorValueAtRisk()], ids=lambda one: one.kind)
def test_under_every_cost(trading: Trading, measure: Variance | InvestorValueAtRisk) -> None:
    limits = (WeightBounds(upper=0.3), Cash(lower_fraction=0.0, upper_fraction=0.1))

    same_for_all(make_strategy(measure, constraints=limits, trading=trading))


def test_the_accounts_of_this_test_differ_in_what_they_have_to_sell() -> None:
    most = [max((*weights, 0.0)) for weights in ACCOUNTS]

    assert np.unique(most).size == len(most)
    assert most[0] == 0.0
