"""The two whole numbers of steps beside each wanted trade."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Vector
from assetmix.optimization.problem import Problem
from assetmix.optimization.tolerances import DIGITS, HELD, SNAP

FUZZ = 1e-9
"""Part of a step by which a quantity may miss a whole step and still count as one."""

FUZZIEST = 1e-2
"""The same where steps are so small that the optimum is not known to a part of one."""

NOISE = 1e-9
"""Fraction of value to which a weight of the optimum is known."""


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """Units to trade (n,): what the optimum asks for, and the two whole numbers of steps beside it."""

    wanted: Vector
    low: Vector
    high: Vector
    steps: Vector


def levels(problem: Problem, weights: Vector) -> Levels:
    """Round each wanted trade both ways; full exits are exact, small orders are none."""
    wanted = weights * problem.value / problem.prices - problem.quantities
    exits = (np.abs(weights) <= HELD) & (problem.quantities != 0)
    noise = np.abs(weights - problem.current_weights) <= SNAP
    wanted = np.where(exits, -problem.quantities, np.where(noise, 0.0, wanted))
    wanted = np.where((problem.tradable == 0) | stays(problem, weights), 0.0, wanted)
    if not problem.trading.lots:
        kept = worthwhile(problem, wanted)
        return Levels(wanted, kept, kept, np.zeros_like(wanted))
    steps = problem.steps
    fuzz = np.clip(NOISE * problem.value / (problem.prices * steps), FUZZ, FUZZIEST)
    whole = np.floor(np.abs(wanted) / steps + fuzz)
    further = np.ceil(np.abs(wanted) / steps - fuzz)
    low = np.where(exits, wanted, np.round(np.sign(wanted) * whole * steps, DIGITS))
    high = np.where(exits, wanted, np.round(np.sign(wanted) * further * steps, DIGITS))
    if not problem.strategy.shorting:
        high = np.maximum(high, np.minimum(-problem.quantities, 0.0))  # the last sell closes, it does not go short
    low, high = worthwhile(problem, low), worthwhile(problem, high)
    return Levels(wanted, low, np.where(high == 0, low, high), steps)


def stays(problem: Problem, weights: Vector) -> NDArray[np.bool_]:
    """Positions (n,) inside the size band of their target."""
    if problem.trading.size_band == 0:
        return np.zeros(len(weights), dtype=bool)
    return problem.trading.is_near(problem.current_weights, weights)


def worthwhile(problem: Problem, units: Vector) -> Vector:
    """Trades (..., n) without orders below the minimum amount."""
    return np.where(np.abs(units) * problem.prices < problem.trading.min_order_amount, 0.0, units)
