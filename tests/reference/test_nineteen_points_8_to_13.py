"""What the vocabulary means, points 8 to 13, as the native dialect's document states it."""

import numpy as np
import pytest

from tests.reference.nineteen import (
    COUNT,
    COVARIANCE,
    IDS,
    MEAN,
    RETURN,
    VARIANCE,
    WORLD,
    codes,
    figures,
)
from tests.reference.published import (
    MONEY,
    Body,
    covariance_of,
    holding,
    maximize,
    minimize,
    model,
    optimum,
    run,
    weights,
)
from tests.tolerances import EXACT, SOLVED


@pytest.mark.parametrize("shorting", [False, True])
def test_point_08_without_a_cash_constraint_weights_sum_to_one(shorting: bool) -> None:  # noqa: FBT001
    limits = [{"kind": "weight_bounds", "lower": -1.0, "upper": 1.0}] if shorting else []

    held = optimum(maximize((1.0, RETURN), constraints=limits, shorting=shorting), WORLD)

    assert held.sum() == pytest.approx(1.0, abs=1e-8)
    assert (held < -0.1).any() == shorting


def test_point_08_market_neutral_weights_sum_to_zero_and_cash_is_free() -> None:
    limits = [{"kind": "market_neutral"}, {"kind": "leverage", "gross_upper": 0.8}]

    held = optimum(maximize((1.0, RETURN), constraints=limits, shorting=True), WORLD)

    assert held.sum() == pytest.approx(0.0, abs=1e-8)
    assert MEAN @ held == pytest.approx(0.4 * (MEAN.max() - MEAN.min()), rel=SOLVED)


def test_point_09_bounds_are_those_that_are_given() -> None:
    short = {"kind": "weight_bounds", "lower": -0.5}

    assert optimum(maximize((1.0, RETURN), constraints=[short]), WORLD).min() == pytest.approx(0.0, abs=1e-8)
    assert optimum(maximize((1.0, RETURN)), WORLD).max() == pytest.approx(1.0, abs=1e-6)
    assert run(maximize((1.0, RETURN), shorting=True), WORLD).status == "unbounded"
    calm = WORLD.having(model=model(covariance=covariance_of([0.1, 0.3, 0.9, 0.9], 0.9)))
    assert optimum(minimize((1.0, VARIANCE), shorting=True), calm).min() < -0.05


def test_point_10_costs_bind_the_continuous_weights() -> None:
    held = optimum(minimize((1.0, VARIANCE), trading={"cost_fraction": 0.01}), WORLD)

    assert held.sum() == pytest.approx(1 / 1.01, abs=1e-8)


def test_point_10_turnover_is_both_ways_and_costs_no_money() -> None:
    world = WORLD.having(portfolio=holding({"A00": 1.0}))

    result = run(minimize((1.0, VARIANCE), (1e-9, {"kind": "turnover"})), world)

    held = weights(result, world)
    assert held.sum() == pytest.approx(1.0, abs=1e-8)
    assert result.measures.optimal["turnover"] == pytest.approx(2 * (1 - held[0]), abs=1e-6)


def test_point_10_amounts_are_relative_to_the_value_before_trading_and_the_cash_flow() -> None:
    world = WORLD.having(portfolio=holding({"A00": 1.0}, MONEY), cash_flow=MONEY)
    band = {"kind": "position_band", "upper_amount": 0.3 * 2 * MONEY}

    result = run(minimize((1.0, VARIANCE), constraints=[band]), world)

    assert result.value == 2 * MONEY
    assert weights(result, world).max() <= 0.3 + 1e-6
    assert weights(result, world).sum() == pytest.approx(1.0, abs=1e-8)
    assert result.holdings["A00"] == pytest.approx(2 * MONEY * weights(result, world)[0], abs=1.0)


def test_point_11_cash_is_no_holding_and_a_purchase_from_it_is_one_trade() -> None:
    free = {"kind": "cash", "lower_fraction": 0.2, "upper_fraction": 0.5}
    for limit in ({"kind": "max_holdings", "count": 1}, {"kind": "max_trades", "count": 1}):
        held = optimum(minimize((1.0, VARIANCE), constraints=[limit, free]), WORLD)

        calmest = int(np.diag(COVARIANCE).argmin())
        assert held == pytest.approx(0.5 * np.eye(COUNT)[calmest], abs=1e-6)


def test_point_11_short_positions_are_holdings() -> None:
    limits = [{"kind": "min_holdings", "count": 4}, {"kind": "weight_bounds", "lower": -1.0, "upper": 1.0}]

    held = optimum(maximize((1.0, RETURN), constraints=limits, shorting=True), WORLD)

    assert (np.abs(held) > 1e-6).all()
    assert (held < 0).any()


LOOK_THROUGH = {
    "A00": {
        "asset_classes": {"stocks": 0.6, "bonds": 0.4},
        "sectors": {"technology": 0.5},
        "regions": {"stocks": {"emerging": 0.25}},
    },
    "A01": {"asset_classes": {"stocks": 1.0}, "sectors": {"technology": 0.2}, "regions": {"stocks": {"emerging": 1.0}}},
}
GROUPED = WORLD.having(instruments={key: {"look_through": one} for key, one in LOOK_THROUGH.items()})


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"grouping": "asset_classes", "name": "stocks"}, 0.4 * 0.6 + 0.3),
        ({"grouping": "sectors", "name": "technology"}, 0.4 * 0.5 + 0.3 * 0.2),
        ({"grouping": "sectors", "name": "technology", "within": "stocks"}, 0.4 * 0.6 * 0.5 + 0.3 * 0.2),
        ({"grouping": "regions", "name": "emerging", "within": "stocks"}, 0.4 * 0.6 * 0.25 + 0.3),
    ],
    ids=["class", "flat", "flat within a class", "nested"],
)
def test_point_12_groups_are_shares_of_value_by_look_through(scope: Body, expected: float) -> None:
    """HELD is 40 % in A00 and 30 % in A01; the others belong to nothing."""
    found = figures(GROUPED, {"kind": "group_weight", "scope": scope})

    assert found["group_weight"] == pytest.approx(expected, rel=EXACT)


def test_point_12_a_constraint_with_an_outer_scope_is_a_ratio() -> None:
    emerging = {"grouping": "regions", "name": "emerging", "within": "stocks"}
    stocks = {"grouping": "asset_classes", "name": "stocks"}

    found = figures(GROUPED, {"kind": "group_weight", "scope": emerging, "within": stocks})

    assert found["group_weight"] == pytest.approx(0.36 / 0.54, rel=EXACT)


def test_point_13_an_average_leaves_cash_out_and_needs_the_attribute_of_all() -> None:
    scores = {key: {"attributes": {"score": 10.0 * i}} for i, key in enumerate(IDS)}
    half = {"kind": "cash", "lower_fraction": 0.5, "upper_fraction": 0.5}
    average: Body = {"kind": "attribute_average", "attribute": "score"}
    strategy = minimize((1.0, VARIANCE), constraints=[half], report=[average])

    result = run(strategy, WORLD.having(instruments=scores))

    held = weights(result, WORLD)
    assert result.measures.optimal["attribute_average"] == pytest.approx(held @ [0, 10, 20, 30] / 0.5, rel=1e-6)
    some = {key: scores[key] for key in IDS[:3]}
    assert codes(strategy, WORLD.having(instruments=some)) == {"missing-attribute"}
    limit = minimize((1.0, VARIANCE), constraints=[average | {"lower": 5.0}])
    assert codes(limit, WORLD.having(instruments=some)) == {"missing-attribute"}
