"""Rules and constraints by number: ours but for 21, and never given to anything else.

What a number stands for, its parameters, their units and bounds are read from the registers of the
core; only names, defaults and what several measures make together are said here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from assetmix.services.reference import entries

JSON = dict[str, Any]
HIDDEN = {"name", "penalty"}
"""Fields of measures that a rule has no use for."""

TAILS: JSON = {"levels": [0.9, 0.95, 0.99], "weights": [1 / 3, 1 / 3, 1 / 3]}


@dataclass(frozen=True, slots=True)
class Extra:
    """A parameter that weighs one of several measures."""

    name: str
    default: float
    bounds: tuple[float, float]
    unit: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioRule:
    """What decides the weights: a rule of the core, or the best of one measure or of a sum of several.

    The first measure has the parameters; the weight of another is the extra parameter, signed.
    """

    name: str
    rule: str | None = None
    sense: Literal["minimize", "maximize"] = "minimize"
    measures: tuple[str, ...] = ()
    extra: Extra | None = None
    sign: float = 1.0
    defaults: JSON = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tactical:
    """A signal over a portfolio rule: an overlay of the core."""

    name: str
    overlay: str


def _least(name: str, measure: str) -> PortfolioRule:
    return PortfolioRule(name=name, measures=(measure,))


_SPREAD = Extra(
    "diversification", 0.01, (0.0, 1e6), "measure per concentration", "Weight of the sum of squared weights."
)
_AVERSION = Extra("risk_aversion", 2.0, (0.0, 1e6), "return per variance", "Return that a unit of variance is worth.")

RULES: Mapping[int, PortfolioRule | Tactical] = {
    1: PortfolioRule(name="Equal Weight", rule="equal_weight"),
    2: _least("Volatility", "volatility"),
    3: PortfolioRule(name="Risk Parity", rule="risk_parity"),
    4: PortfolioRule(name="ATR", rule="inverse_atr"),
    5: PortfolioRule(name="Min Risk (CVaR)", measures=("cvar_mixture",), defaults=TAILS),
    6: PortfolioRule(
        name="Diversified Min Risk", measures=("cvar_mixture", "concentration"), extra=_SPREAD, defaults=TAILS
    ),
    7: PortfolioRule(name="Max Sharpe", sense="maximize", measures=("sharpe_ratio",)),
    8: PortfolioRule(name="Maximum Diversification", rule="maximum_diversification"),
    9: PortfolioRule(name="Inverse Volatility", rule="inverse_volatility"),
    10: PortfolioRule(name="Max Return", sense="maximize", measures=("expected_return",)),
    11: PortfolioRule(
        name="Utility", sense="maximize", measures=("expected_return", "variance"), extra=_AVERSION, sign=-1.0
    ),
    12: _least("Min CVaR", "cvar"),
    13: _least("Min CDaR", "cdar"),
    14: _least("Min Max Drawdown", "max_drawdown"),
    15: _least("Min Average Drawdown", "average_drawdown"),
    16: _least("Min Ulcer Index", "ulcer_index"),
    17: _least("Min Mean Absolute Deviation", "mean_absolute_deviation"),
    18: _least("Min Semideviation", "semideviation"),
    19: _least("Min Downside Deviation", "downside_deviation"),
    20: _least("Min Entropic Value at Risk", "entropic_value_at_risk"),
    21: _least("Tracking Error Minimisation", "tracking_error"),
    22: _least("Min Concentration", "concentration"),
    101: Tactical("No Short", "no_short"),
    102: Tactical("Moving Average Trend Filter", "trend_filter"),
    103: Tactical("Momentum Ranking", "momentum"),
    104: Tactical("Volatility Target", "volatility_target"),
    111: Tactical("Stop Loss", "stop_loss"),
    112: Tactical("Trailing Stop", "trailing_stop"),
    113: Tactical("Take Profit", "take_profit"),
    114: Tactical("Supertrend", "supertrend"),
}
"""Only 21 is the vendor's; a number stays what it is, and what is new gets a new one."""

CONSTRAINTS: Mapping[int, str] = {
    1: "weight_bounds",
    2: "group_weight",
    3: "cash",
    4: "turnover",
    5: "max_holdings",
    6: "min_holdings",
    7: "max_trades",
    8: "position_band",
    9: "order_band",
    10: "trade_bounds",
    11: "no_buy",
    12: "no_sell",
    13: "no_trade",
    14: "must_sell",
    15: "hold_exactly",
    16: "group_difference",
    17: "group_trade",
    18: "group_value",
    19: "group_volatility",
    20: "attribute_average",
    21: "leverage",
    22: "market_neutral",
    23: "measure_limit",
    24: "participation",
    25: "round_lots",
}
"""Constraints of the core by number."""

ESTIMATED = frozenset({19, 23})
"""Constraints that may need a risk model and expected returns whatever the rule needs."""

TIMEFRAMES: Mapping[int, str] = {0: "weekly", 1: "daily"}
"""Periods of returns by the vendor's numbers; those inside a day are not kept."""


def rules() -> list[JSON]:
    """Every rule, by number."""
    return [_rule(number, one) for number, one in RULES.items()]


def constraints() -> list[JSON]:
    """Every constraint, by number."""
    return [_constraint(number, kind) for number, kind in CONSTRAINTS.items()]


def timeframes() -> list[JSON]:
    """The periods of returns that a strategy may be estimated from."""
    return [{"timeframeid": number, "name": name} for number, name in TIMEFRAMES.items()]


def is_constrained(one: PortfolioRule) -> bool:
    """Whether constraints may stand beside a rule: not beside one that computes weights by a formula."""
    return one.rule is None or bool(_entry("rules", one.rule)["keeps_constraints"])


def parameters_of(one: PortfolioRule | Tactical) -> list[JSON]:
    """The parameters of a rule, described."""
    if isinstance(one, Tactical):
        return _parameters(_entry("overlays", one.overlay), {})
    if one.rule is not None:
        return _parameters(_entry("rules", one.rule), one.defaults)
    own = _parameters(_entry("measures", one.measures[0]), one.defaults)
    return own if one.extra is None else [*own, _extra(one.extra)]


def needs_of(one: PortfolioRule) -> frozenset[str]:
    """What a rule has to be given: `risk model`, `scenarios`, `expected returns`, `benchmark`."""
    kinds = [("measures", kind) for kind in one.measures] if one.rule is None else [("rules", one.rule)]
    return frozenset(need for register, kind in kinds for need in _entry(register, kind)["needs"] or ())


def status_of(one: PortfolioRule | Tactical) -> str:
    """Whether a rule may be used: `live`, or `alpha`."""
    return str(_entry("overlays", one.overlay)["status"]) if isinstance(one, Tactical) else "live"


def _rule(number: int, one: PortfolioRule | Tactical) -> JSON:
    about = _entry(*_described(one))
    return {
        "id": number,
        "name": one.name,
        "kind": "tactical" if isinstance(one, Tactical) else "portfolio",
        "status": status_of(one),
        "constrained": isinstance(one, PortfolioRule) and is_constrained(one),
        "help": about["summary"],
        "details": about["details"],
        "source": about["source"],
        "parameters": parameters_of(one),
    }


def _described(one: PortfolioRule | Tactical) -> tuple[str, str]:
    if isinstance(one, Tactical):
        return "overlays", one.overlay
    return ("rules", one.rule) if one.rule is not None else ("measures", one.measures[0])


def _constraint(number: int, kind: str) -> JSON:
    about = _entry("constraints", kind)
    return {
        "id": number,
        "name": kind.replace("_", " ").capitalize(),
        "kind": kind,
        "status": "live",
        "help": about["summary"],
        "details": about["details"],
        "source": about["source"],
        "parameters": _parameters(about, {}, shown={"name", "penalty"}),
    }


@cache
def _entry(register: str, kind: str) -> JSON:
    return next(one for one in entries(register) if one["kind"] == kind)


def _parameters(about: JSON, defaults: JSON, shown: frozenset[str] | set[str] = frozenset()) -> list[JSON]:
    return [
        {
            **one,
            "default": defaults.get(one["name"], one.get("default")),
            "required": one["required"] and one["name"] not in defaults,
            "help": _help(about, one),
        }
        for one in about["fields"]
        if one["name"] not in HIDDEN - set(shown)
    ]


def _extra(one: Extra) -> JSON:
    low, high = one.bounds
    bounds = {"minimum": low, "maximum": high}
    about = {"type": "number", "nullable": False, "unit": one.unit, "bounds": bounds, "help": one.help}
    return {"name": one.name, "default": one.default, "required": False, **about}


def _help(about: JSON, one: JSON) -> str:
    """The sentence of the description that speaks of the field; else what the field is, by its unit."""
    sentences = re.split(r"(?<=[.:;]) ", f"{about['summary']} {about['details']}")
    named = (sentence for sentence in sentences if f"`{one['name']}`" in sentence)
    words = one["name"].replace("_", " ")
    return next(named, f"{words.capitalize()}, in units of {one['unit']}." if one["unit"] else f"{words.capitalize()}.")
