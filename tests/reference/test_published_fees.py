"""Fees of single orders on small universes, against every choice tried in turn."""

from typing import Any

import numpy as np
import pytest

from tests.reference.enumeration import Choice, ends, kept, least
from tests.reference.published import (
    MONEY,
    Body,
    World,
    holding,
    maximize,
    model,
    names,
    random_covariance,
    run,
    weights,
)

CLOSE = 1e-5
"""The enumeration's best and ours, relative; the search is asked for a gap of 1e-6."""

COVARIANCE = random_covariance(7, 77)[:4, :4]
MEAN = np.random.default_rng(78).normal(6e-4, 4e-4, 6)[:4]
AVERSION = 4.0


def utility(*constraints: Body, **fields: Any) -> Body:
    terms = ((1.0, {"kind": "expected_return"}), (-AVERSION, {"kind": "variance"}))
    return maximize(*terms, constraints=list(constraints), **fields)


FOUR = World(
    ids=names(4),
    model=model(covariance=COVARIANCE, expected_returns=MEAN),
    portfolio=holding({"A00": 0.45, "A01": 0.3, "A03": 0.25}),
)


@pytest.mark.parametrize("combine", ["sum", "max"])
@pytest.mark.parametrize(("fraction", "amount"), [(0.0, 2e-5), (0.002, 1e-4), (0.004, 1e-3)])
def test_orders_pay_fees_that_the_balance_knows(combine: str, fraction: float, amount: float) -> None:
    """Weights, cash of 0 and costs sum to 1, with a fee for each order: both parts, or the larger one."""
    trading = {"cost_fraction": fraction, "cost_amount": amount * MONEY, "combine": combine}
    before = np.array([0.45, 0.3, 0.0, 0.25])
    choices = [costly(one, combine, fraction, amount) for one in before]
    expected = least(AVERSION * COVARIANCE, MEAN, choices)

    result = run(utility(trading=trading), FOUR)

    assert result.objective_value == pytest.approx(-expected[0], rel=CLOSE)
    found = weights(result, FOUR)
    trades = np.abs(found - before)
    fees = np.where(trades > 1e-6, amount, 0.0)
    costs = fraction * trades + fees if combine == "sum" else np.maximum(fraction * trades, fees)
    assert found.sum() + costs.sum() == pytest.approx(1.0, abs=1e-6)


def costly(weight: float, combine: str, fraction: float, amount: float) -> tuple[Choice, ...]:
    """No trade; sales and purchases whose cost is a straight line of the weight, less those of nothing."""
    if combine == "sum":
        pieces = [
            (weight, 1.5, fraction, amount - fraction * weight),
            (0.0, weight, -fraction, amount + fraction * weight),
        ]
    else:
        turn = amount / fraction if fraction else 2.0
        pieces = [(weight, weight + turn, 0.0, amount), (max(0.0, weight - turn), weight, 0.0, amount)]
        pieces.append((weight + turn, weight + turn + 2.0, fraction, -fraction * weight))
        pieces.append((0.0, weight - turn, -fraction, fraction * weight))
    trades = [one for low, high, rate, fee in pieces if high > low for one in ends(low, high, rate, fee)]
    return (kept(weight), *(one for one in trades if (one.low, one.high) != (weight, weight)))


def test_fees_are_weighed_rightly_in_every_one_of_forty_markets() -> None:
    """At most half in each instrument, 0.3 % of each order and a fee of 0.02 % of value."""
    lost = []
    trading = {"cost_fraction": 0.003, "cost_amount": 2e-4 * MONEY}
    for seed in range(40):
        random = np.random.default_rng(seed)
        covariance, mean = random_covariance(4, seed), np.abs(random.normal(1e-3, 5e-4, 4))
        before = random.dirichlet(np.ones(4))
        expected, _ = least(AVERSION * covariance, mean, [up_to_half(one) for one in before])
        portfolio = holding(dict(zip(names(4), before.tolist(), strict=True)))
        world = World(ids=names(4), model=model(covariance=covariance, expected_returns=mean), portfolio=portfolio)
        result = run(utility({"kind": "weight_bounds", "upper": 0.5}, trading=trading), world)
        if result.objective_value != pytest.approx(-expected, rel=CLOSE):
            lost.append((seed, result.status, result.objective_value, -expected, result.proven_gap))

    assert lost == []


def up_to_half(weight: float) -> tuple[Choice, ...]:
    """No trade, sales and purchases, nothing above half of the value."""
    sold = ends(0.0, min(weight, 0.5), -0.003, 2e-4 + 0.003 * weight)
    if weight > 0.5:
        return sold
    trades = (*sold, *ends(weight, 0.5, 0.003, 2e-4 - 0.003 * weight))
    return (kept(weight), *(one for one in trades if (one.low, one.high) != (weight, weight)))
