"""The catalogue: numbers that never change, entries for everything in the registers, and what each rule stands for."""

from typing import Any

import pytest

from assetmix.api.dialects.mantarisk import catalogue
from assetmix.api.dialects.mantarisk.reading import read_strategy
from assetmix.api.dialects.mantarisk.schemas import StrategyBody
from assetmix.codec.documents import STRATEGY
from assetmix.optimization.constraint import constraint
from assetmix.optimization.overlay import overlay
from assetmix.optimization.rule import rule

NUMBERS = {
    1: "Equal Weight", 2: "Volatility", 3: "Risk Parity", 4: "ATR", 5: "Min Risk (CVaR)", 6: "Diversified Min Risk",
    7: "Max Sharpe", 8: "Maximum Diversification", 9: "Inverse Volatility", 10: "Max Return", 11: "Utility",
    12: "Min CVaR", 13: "Min CDaR", 14: "Min Max Drawdown", 15: "Min Average Drawdown", 16: "Min Ulcer Index",
    17: "Min Mean Absolute Deviation", 18: "Min Semideviation", 19: "Min Downside Deviation",
    20: "Min Entropic Value at Risk", 21: "Tracking Error Minimisation", 22: "Min Concentration", 101: "No Short",
    102: "Moving Average Trend Filter", 103: "Momentum Ranking", 104: "Volatility Target", 111: "Stop Loss",
    112: "Trailing Stop", 113: "Take Profit", 114: "Supertrend",
}  # fmt: skip
"""Written down once more, so that a number can never come to mean something else."""

THIRDS = [1 / 3] * 3
TAILS = {"kind": "cvar_mixture", "levels": [0.9, 0.95, 0.99], "weights": THIRDS}
LIVE = [number for number, one in catalogue.RULES.items() if catalogue.status_of(one) == "live"]


def core(number: int, **parameters: Any) -> dict[str, Any]:
    """What a strategy of one rule is in the core."""
    tactical = isinstance(catalogue.RULES[number], catalogue.Tactical)
    rules = [{"rule_id": number, "parameters": parameters}] + ([{"rule_id": 1}] if tactical else [])
    body = StrategyBody.model_validate({"name": "x", "rules": rules})
    return dict(STRATEGY.write(read_strategy(body).strategy))


def least(kind: str, **fields: Any) -> dict[str, Any]:
    return {"sense": "minimize", "terms": [{"measure": {"kind": kind} | fields, "weight": 1.0}]}


def test_numbers_mean_what_they_always_meant() -> None:
    assert {number: one.name for number, one in catalogue.RULES.items()} == NUMBERS


def test_every_rule_overlay_and_constraint_of_the_core_has_one_number() -> None:
    rules = [one.rule for one in catalogue.RULES.values() if isinstance(one, catalogue.PortfolioRule) and one.rule]
    overlays = [one.overlay for one in catalogue.RULES.values() if isinstance(one, catalogue.Tactical)]

    assert sorted(rules) == sorted(rule.kinds)
    assert sorted(overlays) == sorted(overlay.kinds)
    assert sorted(catalogue.CONSTRAINTS.values()) == sorted(constraint.kinds)


@pytest.mark.parametrize("entry", [*catalogue.rules(), *catalogue.constraints()], ids=lambda one: one["name"])
def test_every_parameter_is_described(entry: dict[str, Any]) -> None:
    assert entry["help"].endswith(".")
    for one in entry["parameters"]:
        assert {"name", "type", "unit", "bounds", "default", "required", "help"} <= set(one)
        assert one["help"]


@pytest.mark.parametrize("number", LIVE)
def test_every_live_rule_makes_a_strategy_with_its_defaults(number: int) -> None:
    assert core(number)["objective"]


@pytest.mark.parametrize(
    ("number", "objective"),
    [
        (1, {"rule": "equal_weight"}),
        (2, least("volatility")),
        (4, {"rule": "inverse_atr", "window": 14}),
        (5, least(**TAILS)),
        (
            6,
            {
                "sense": "minimize",
                "terms": [
                    {"measure": TAILS, "weight": 1.0},
                    {"measure": {"kind": "concentration"}, "weight": 0.01},
                ],
            },
        ),
        (
            11,
            {
                "sense": "maximize",
                "terms": [
                    {"measure": {"kind": "expected_return"}, "weight": 1.0},
                    {"measure": {"kind": "variance"}, "weight": -2.0},
                ],
            },
        ),
        (21, least("tracking_error", benchmark={}, centered=True)),
    ],
)
def test_a_rule_stands_for_its_objective(number: int, objective: dict[str, Any]) -> None:
    assert core(number)["objective"] == objective


def test_a_benchmark_may_be_one_instrument() -> None:
    assert core(21, benchmark="SPX")["objective"]["terms"][0]["measure"]["benchmark"] == {"SPX": 1.0}


def test_percentages_of_the_dialect_are_fractions_of_the_core() -> None:
    body = {"name": "x", "rules": [{"rule_id": 1}], "size_rebalance_trigger": 5, "transaction_cost": 0.1}

    trading = read_strategy(StrategyBody.model_validate(body | {"transaction_cost": 0.1})).strategy.trading

    assert (trading.size_band, trading.cost_fraction) == (0.05, 0.001)


def test_only_what_a_rule_needs_is_estimated() -> None:
    assert "risk_model" not in core(1)
    assert core(2)["risk_model"] == {"kind": "sample", "window": 504, "frequency": "daily"}
    assert "forecast" not in core(2)
    assert core(7)["forecast"]["kind"] == "historical_mean"
