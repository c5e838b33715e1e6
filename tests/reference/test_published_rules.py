"""Rules that compute their weights: cash, costs, what cannot be traded, and what they refuse."""

import numpy as np
import pytest

from tests.reference.published import (
    MONEY,
    World,
    cash,
    covariance_of,
    model,
    names,
    optimum,
    refusal,
    run,
)
from tests.tolerances import EXACT

# Maillard, Roncalli and Teiletche, The properties of equally weighted risk contribution portfolios,
# Journal of Portfolio Management 36 (2010), the example with four instruments.
FOUR = covariance_of(
    [0.1, 0.2, 0.3, 0.4],
    [[1.0, 0.8, 0.0, 0.0], [0.8, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -0.5], [0.0, 0.0, -0.5, 1.0]],
)


def world_of(covariance: np.ndarray, **fields: object) -> World:
    return World(ids=names(len(covariance)), model=model(covariance=covariance), **fields)


RULES = [
    ("equal_weight", np.full(4, 0.25)),
    ("inverse_volatility", np.array([12, 6, 4, 3]) / 25),
    ("risk_parity", np.array([0.3836125, 0.19180626, 0.24261785, 0.18196339])),
]


@pytest.mark.parametrize(("rule", "shares"), RULES, ids=lambda x: x if isinstance(x, str) else "")
def test_rules_invest_what_a_cash_floor_leaves(rule: str, shares: np.ndarray) -> None:
    band = [{"kind": "cash", "lower_fraction": 0.1, "upper_fraction": 0.3}]

    held = optimum({"objective": {"rule": rule}, "constraints": band}, world_of(FOUR))

    assert held == pytest.approx(0.9 * shares, abs=1e-6)


@pytest.mark.parametrize(("rule", "shares"), RULES[:2], ids=lambda x: x if isinstance(x, str) else "")
def test_rules_go_around_what_cannot_be_traded(rule: str, shares: np.ndarray) -> None:
    """What cannot be traded stays; the others share the rest as the rule says."""
    tied = {"base_currency": "USD", "holdings": {"$USD": 0.7 * MONEY, "A03": 0.3 * MONEY}}
    world = world_of(FOUR, portfolio=tied, instruments={"A03": {"tradable": False}})

    held = optimum({"objective": {"rule": rule}, "universe": {"ids": ["A00", "A01", "A02"]}}, world)

    assert held == pytest.approx([*(0.7 * shares[:3] / shares[:3].sum()), 0.3], abs=EXACT)


def test_rules_pay_for_their_trades() -> None:
    """Equal weights w bought from cash at 1 %: 4 w x 1.01 = 1."""
    held = optimum({"objective": {"rule": "equal_weight"}, "trading": {"cost_fraction": 0.01}}, world_of(FOUR))

    assert held == pytest.approx(np.full(4, 0.25 / 1.01), abs=EXACT)


def test_units_are_inverse_to_the_average_true_range() -> None:
    """Two true ranges each, by hand: A 3 and 5, B 1 and 1; weights in proportion to 50 / 4 and 20 / 1.

    A closes at 49, 51 and 50: 52 - 49 = 3 and 51 - 46 = 5. B opens a gap: 20 - 19 = 1 from the close before.
    """
    extras = {
        "high": np.array([[60.0, 30.0], [52.0, 19.5], [51.0, 20.0]]),
        "low": np.array([[40.0, 10.0], [50.0, 18.5], [46.0, 19.8]]),
        "close": np.array([[49.0, 19.0], [51.0, 19.0], [50.0, 20.0]]),
    }
    world = World(ids=("A", "B"), history=extras["close"], extras=extras, portfolio=cash(1000.0))

    held = optimum({"objective": {"rule": "inverse_atr", "window": 2}}, world)

    assert held == pytest.approx([12.5 / 32.5, 20 / 32.5], abs=EXACT)


def test_rules_are_not_clipped_by_constraints() -> None:
    capped = {"objective": {"rule": "equal_weight"}, "constraints": [{"kind": "weight_bounds", "upper": 0.2}]}

    assert [fault.pointer for fault in refusal(capped, world_of(FOUR))] == ["/strategy/constraints/0"]
    assert refusal({"objective": {"rule": "equal_weight"}, "shorting": True}, world_of(FOUR)) != []


def test_rules_never_go_short() -> None:
    """A cash floor above the value, or more tied up than there is: nothing is left to invest."""
    floor = {"objective": {"rule": "equal_weight"}, "constraints": [{"kind": "cash", "lower_fraction": 1.2}]}
    overdrawn = {"base_currency": "USD", "holdings": {"$USD": -0.5 * MONEY, "A03": 1.5 * MONEY}}
    tied = world_of(FOUR, portfolio=overdrawn, instruments={"A03": {"tradable": False}})
    three = {"objective": {"rule": "equal_weight"}, "universe": {"ids": ["A00", "A01", "A02"]}}

    for strategy, world in ((floor, world_of(FOUR)), (three, tied)):
        if not refusal(strategy, world):
            result = run(strategy, world)
            assert result.weights is None or min(result.weights.values()) >= 0, result.weights
