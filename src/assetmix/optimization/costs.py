"""Costs of trades between their convex and their concave envelope, in linear rows only.

In the balance a cost that a solver may overstate lets it burn money, one that it may understate
lets it print some. Between the envelopes over what each instrument can be traded, both are bounded;
where the side of each trade is known by a binary, the envelopes of the proportional part meet.
"""

from typing import TYPE_CHECKING

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression

if TYPE_CHECKING:
    from assetmix.optimization.decision import Decision
    from assetmix.optimization.problem import Problem

TANGENTS = 0.5 ** np.arange(8)
"""Where the 3/2-power law is touched, as parts of the largest trade."""

TWICE = 2.0
"""Largest trade that the power law is touched at: everything sold, everything bought; tangents hold anywhere."""

UNDERSTATED = 1e-8
"""Cost of a trade, fraction of value, by which tangents may fall short of the power law."""

WIDE = 1e3
"""Stands for no bound: far beyond any trade."""


def relaxed_costs(decision: "Decision") -> Expression:
    """Cost (n,) of each trade, with linking rows that keep it between its envelopes."""
    problem = decision.problem
    sizes = _sizes(decision)
    costs = _fees(decision, sizes)
    return costs if problem.trading.impact is None else costs + _impact(decision, sizes)


def _sizes(decision: "Decision") -> Expression:
    """Absolute trades (n,): exact where binaries tell the side, else below the secant over the box."""
    sizes = cp.Variable(len(decision.problem.universe), name="sizes")
    decision.link(cp.abs(decision.trades) <= sizes)
    if decision.integers == "free":
        buys = decision.parameter(lambda one: 2.0 * _most(decision, one)[0])
        sells = decision.parameter(lambda one: 2.0 * _most(decision, one)[1])
        decision.link(sizes - decision.trades <= cp.multiply(sells, decision.orders.below))
        decision.link(sizes + decision.trades <= cp.multiply(buys, decision.orders.above))
        return sizes
    slope = decision.parameter(lambda one: _secant(decision, one)[0])
    height = decision.parameter(lambda one: _secant(decision, one)[1])
    decision.link(sizes <= cp.multiply(slope, decision.trades) + height)
    if decision.unboxed and not decision.problem.strategy.shorting and np.isfinite(decision.problem.cash_floor()):
        decision.link(cp.sum(sizes) <= decision.parameter(_largest_turnover))
    return sizes


def _fees(decision: "Decision", sizes: Expression) -> Expression:
    trading = decision.problem.trading
    if trading.cost_amount == 0:
        return trading.cost_fraction * sizes
    fees = cp.multiply(decision.parameter(lambda one: np.full(len(one.universe), one.fee)), decision.traded)
    if trading.combine == "sum":
        return trading.cost_fraction * sizes + fees
    larger = cp.Variable(len(decision.problem.universe), name="fees")
    decision.link(larger >= trading.cost_fraction * sizes)
    decision.link(larger >= fees)
    rise = decision.parameter(lambda one: _rise(decision, one))
    decision.link(larger <= fees + cp.multiply(rise, sizes))
    return larger


def _impact(decision: "Decision", sizes: Expression) -> Expression:
    costs = cp.Variable(len(decision.problem.universe), nonneg=True, name="impact")
    decision.impact = (sizes, costs)

    def largest(one: "Problem") -> Vector:
        return np.maximum(*_most(decision, one))

    decision.link(costs >= cp.multiply(decision.impact_slopes, sizes) - decision.impact_heights)
    for part in TANGENTS:
        decision.link(costs >= _touching(decision, part, sizes))
    chord = decision.parameter(lambda one: one.impact_rates * np.sqrt(largest(one)))
    decision.link(costs <= cp.multiply(chord, sizes))
    return costs


def _touching(decision: "Decision", part: float, sizes: Expression) -> Expression:
    """Tangents of the power law at a part of the largest trades."""

    def slopes(one: "Problem") -> Vector:
        return 1.5 * one.impact_rates * np.sqrt(part * np.minimum(np.maximum(*_most(decision, one)), TWICE))

    def heights(one: "Problem") -> Vector:
        return 0.5 * one.impact_rates * (part * np.minimum(np.maximum(*_most(decision, one)), TWICE)) ** 1.5

    return cp.multiply(decision.parameter(slopes), sizes) - decision.parameter(heights)


def touch_impact(decision: "Decision", weights: Vector) -> None:
    """Make the power law exact at the trades to some weights (n,), where a bound is wanted near them."""
    problem = decision.problem
    if decision.impact is None:
        return
    sizes = np.abs(weights - problem.current_weights)
    decision.impact_slopes.save_value(1.5 * problem.impact_rates * np.sqrt(sizes))
    decision.impact_heights.save_value(0.5 * problem.impact_rates * sizes**1.5)


def impact_cuts(decision: "Decision") -> list[Expression]:
    """Tangents of the power law where the last solve understates it; none where it does not."""
    if decision.impact is None:
        return []
    sizes, costs = decision.impact
    rates, here = decision.problem.impact_rates, np.maximum(np.asarray(sizes.value), 0.0)
    if float((rates * here**1.5 - np.asarray(costs.value)).max()) <= UNDERSTATED:
        return []
    slopes = 1.5 * rates * np.sqrt(here)
    return [costs >= cp.multiply(slopes, sizes) - 0.5 * rates * here**1.5]


def _most(decision: "Decision", problem: "Problem") -> tuple[Vector, Vector]:
    """Most (n,) that can be bought and sold; WIDE where nothing bounds it."""
    bought, sold = (np.where(np.isfinite(room), room, WIDE) for room in decision.room(problem))
    return bought, sold


def _secant(decision: "Decision", problem: "Problem") -> tuple[Vector, Vector]:
    """Slope and height (n,) of the secant of |z| over the box."""
    lower, upper = decision.box(problem)
    low, high = lower - problem.current_weights, upper - problem.current_weights
    low, high = np.where(np.isfinite(low), low, -WIDE), np.where(np.isfinite(high), high, WIDE)
    width = high - low
    flat = width <= 0
    slope = np.where(flat, np.sign(high), (np.abs(high) - np.abs(low)) / np.where(flat, 1.0, width))
    return slope, np.abs(high) - slope * high


def _rise(decision: "Decision", problem: "Problem") -> Vector:
    """Slope (n,) of the chord of the larger-of cost from no trade to the largest."""
    largest = np.maximum(*_most(decision, problem))
    beyond = np.maximum(problem.trading.cost_fraction * largest - problem.fee, 0.0)
    return np.divide(beyond, largest, out=np.zeros_like(largest), where=largest > 0)


def _largest_turnover(problem: "Problem") -> float:
    """Most that can be traded without short sales: everything sold, everything bought."""
    bought = 1.0 + max(0.0, -problem.cash_floor())
    return bought + float(np.abs(problem.current_weights).sum())
