"""From the continuous optimum to trades in whole steps, cash never below its floor.

Each trade has two levels: rounded towards no trade (`low`) and one step further (`high`). The
walk starts low, first completes sells where cash is short, then completes trades one by one, the
best first, as far as cash and limits allow.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.constraint import Outcome
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.frame import FULLY_INVESTED
from assetmix.optimization.problem import Problem
from assetmix.optimization.tolerances import DIGITS, HELD, RESIDUAL
from assetmix.optimization.verify import objective_value

FUZZ = 1e-9
"""Part of a step by which a quantity may miss a whole step and still count as one."""


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
    wanted = np.where(exits, -problem.quantities, wanted)
    wanted = np.where(problem.tradable == 0, 0.0, wanted)
    if not problem.trading.lots:
        kept = _worthwhile(problem, wanted)
        return Levels(wanted, kept, kept, np.zeros_like(wanted))
    steps = np.array([instrument.step for instrument in problem.instruments])
    whole = np.floor(np.abs(wanted) / steps + FUZZ)
    further = np.ceil(np.abs(wanted) / steps - FUZZ)
    low = np.where(exits, wanted, np.round(np.sign(wanted) * whole * steps, DIGITS))
    high = np.where(exits, wanted, np.round(np.sign(wanted) * further * steps, DIGITS))
    low, high = _worthwhile(problem, low), _worthwhile(problem, high)
    return Levels(wanted, low, np.where(high == 0, low, high), steps)


def cash_after(problem: Problem, units: Vector) -> float:
    """Money left after the trades (n,) and the cost of each order."""
    amounts = np.abs(units) * problem.prices
    costs = sum(problem.trading.cost(float(amount)) for amount in amounts)
    return float(problem.cash - units @ problem.prices - costs)


def rounded_trades(problem: Problem, weights: Vector, cash: float) -> Vector:
    """Units to trade (n,) in whole steps, close to the continuous optimum.

    Parameters
    ----------
    weights : (n,) the continuous optimum
    cash : its cash, fraction of value
    """
    walk = _Walk(problem, levels(problem, weights), weights, cash)
    walk.raise_cash()
    for _ in range(2):  # completing buys makes room for mends that cash did not allow before
        walk.mend()
        walk.complete()
    return walk.units


class _Walk:
    def __init__(self, problem: Problem, between: Levels, weights: Vector, cash: float) -> None:
        self._problem = problem
        self._between = between
        self._target = weights
        self._cash = cash
        self._floor = cash_floor(problem)
        self._barred: set[int] = set()
        self.units = between.low.copy()

    def raise_cash(self) -> None:
        """Sell a step more, then buy a step less, until cash reaches its floor."""
        sells = [i for i in self._open() if self._between.wanted[i] < 0]
        while self._short() and sells:
            best = self._best(sells)
            self.units[best] = self._between.high[best]
            sells.remove(best)
        while self._short() and (self.units > 0).any():
            largest = int(np.argmax(self.units * self._problem.prices))
            fewer = max(0.0, float(self.units[largest] - (self._between.steps[largest] or self.units[largest])))
            self.units[largest] = round(fewer, DIGITS)
            self.units = _worthwhile(self._problem, self.units)

    def mend(self) -> None:
        """Take steps further that bring the portfolio back inside its limits, the best first."""
        while (broken := float(self._breaches(self.units).sum())) > RESIDUAL:
            candidates = [i for i in self._open() if self._affordable(i)]
            left = [float(self._breaches(self._with(i)).sum()) for i in candidates]
            if not left or min(left) >= broken:
                return
            best = candidates[int(np.argmin(left))]
            self.units[best] = self._between.high[best]

    def complete(self) -> None:
        """Take one step more where it is affordable and breaks no limit, the best first."""
        while candidates := [i for i in self._open() if self._affordable(i)]:
            merits = self._merits(candidates)
            best = candidates[int(np.argmin(merits))]
            if self._between.wanted[best] < 0 and merits.min() >= self._merit_now():
                return
            if self._keeps_limits(best):
                self.units[best] = self._between.high[best]
            else:
                self._barred.add(best)

    def _open(self) -> list[int]:
        moved = (self.units == self._between.low) & (self._between.high != self._between.low)
        return [int(i) for i in np.flatnonzero(moved) if int(i) not in self._barred]

    def _short(self) -> bool:
        return cash_after(self._problem, self.units) < self._floor - RESIDUAL * self._problem.value * 1e-3

    def _with(self, position: int) -> Vector:
        units = self.units.copy()
        units[position] = self._between.high[position]
        return units

    def _affordable(self, position: int) -> bool:
        return cash_after(self._problem, self._with(position)) >= self._floor

    def _keeps_limits(self, position: int) -> bool:
        return bool((self._breaches(self._with(position)) <= np.maximum(self._breaches(self.units), RESIDUAL)).all())

    def _breaches(self, units: Vector) -> Vector:
        problem = self._problem
        weights = (problem.quantities + units) * problem.prices / problem.value
        outcome = Outcome(weights, cash_after(problem, units) / problem.value)
        rest = (one for one in problem.constraints if one.penalty is None and one is not FULLY_INVESTED)
        return np.concatenate([one.breach(problem, outcome) for one in rest] + [np.zeros(0)])

    def _best(self, candidates: list[int]) -> int:
        return candidates[int(np.argmin(self._merits(candidates)))]

    def _merits(self, candidates: list[int]) -> Vector:
        return self._merit(np.array([self._with(position) for position in candidates]))

    def _merit_now(self) -> float:
        return float(self._merit(self.units[np.newaxis])[0])

    def _merit(self, units: Vector) -> Vector:
        problem = self._problem
        weights = (problem.quantities + units) * problem.prices / problem.value
        if problem.trading.rounding == "least_deviation":
            left = np.array([cash_after(problem, one) / problem.value for one in units])
            return np.asarray(np.abs(weights - self._target).sum(axis=-1) + np.abs(left - self._cash))
        invested = weights.sum(axis=-1, keepdims=True)
        scale = np.where(invested > 0, self._target.sum() / np.where(invested > 0, invested, 1.0), 1.0)
        return problem.objective.sign * objective_value(problem, weights * scale)


def cash_floor(problem: Problem) -> float:
    """Money that must be left: the largest lower bound on cash."""
    floors: Iterator[float] = (one.lower(problem) for one in problem.constraints if isinstance(one, Cash))
    return max(floors, default=0.0) * problem.value


def _worthwhile(problem: Problem, units: Vector) -> Vector:
    return np.where(np.abs(units) * problem.prices < problem.trading.min_order_amount, 0.0, units)
