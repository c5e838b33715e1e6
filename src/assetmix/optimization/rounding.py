"""From the continuous optimum to trades in whole steps, cash never below its floor.

Each trade has two levels: rounded towards no trade (`low`) and one step further (`high`). The
walk starts low, first completes sells where cash is short, then completes trades one by one, the
best first, as far as cash and limits allow.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Vector
from assetmix.optimization.allocation import nearest_lots
from assetmix.optimization.constraint import Outcome
from assetmix.optimization.frame import FULLY_INVESTED
from assetmix.optimization.problem import Problem
from assetmix.optimization.swaps import moves
from assetmix.optimization.tolerances import DIGITS, HELD, MONEY, RESIDUAL, SNAP
from assetmix.optimization.verify import objective_value

SWAPS = 50
"""Most exchanges of lots; each is the best of all single steps and pairs."""

LOOKED_AT = 200
"""So many of the best exchanges are checked against cash and limits."""

IMPROVED = 1e-9
"""Part of the objective that an exchange must gain."""

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
    noise = np.abs(weights - problem.current_weights) <= SNAP
    wanted = np.where(exits, -problem.quantities, np.where(noise, 0.0, wanted))
    wanted = np.where((problem.tradable == 0) | _stays(problem, weights), 0.0, wanted)
    if not problem.trading.lots:
        kept = _worthwhile(problem, wanted)
        return Levels(wanted, kept, kept, np.zeros_like(wanted))
    steps = problem.steps
    whole = np.floor(np.abs(wanted) / steps + FUZZ)
    further = np.ceil(np.abs(wanted) / steps - FUZZ)
    low = np.where(exits, wanted, np.round(np.sign(wanted) * whole * steps, DIGITS))
    high = np.where(exits, wanted, np.round(np.sign(wanted) * further * steps, DIGITS))
    if not problem.strategy.shorting:
        high = np.maximum(high, np.minimum(-problem.quantities, 0.0))  # the last sell closes, it does not go short
    low, high = _worthwhile(problem, low), _worthwhile(problem, high)
    return Levels(wanted, low, np.where(high == 0, low, high), steps)


def cash_after(problem: Problem, units: Vector) -> Vector:
    """Money left after trades (..., n) and the cost of each order, shape (...)."""
    costs = problem.order_costs(units * problem.prices).sum(axis=-1)
    return np.asarray(problem.cash - units @ problem.prices - costs)


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
    if not problem.trading.lots:
        return walk.units
    walk.repair()
    walk.swap()
    return walk.nearest()


class _Walk:
    def __init__(self, problem: Problem, between: Levels, weights: Vector, cash: float) -> None:
        self._problem = problem
        self._between = between
        self._target = weights
        self._cash = cash
        self._by_deviation = problem.trading.rounding == "least_deviation" or not problem.objective.terms
        self._floor = cash_floor(problem, cash)
        self.units = between.low.copy()

    def raise_cash(self) -> None:
        """Sell a step more, then buy a step less, until cash reaches its floor."""
        held = self._problem.quantities + self._between.high
        sells = [i for i in self._open() if self._between.wanted[i] < 0 and held[i] >= 0]  # no proceeds of short sales
        while self._short() and sells:
            best = sells[int(np.argmin(self._merit(self._with(sells))))]
            self._take(best)
            sells.remove(best)
        while self._short() and (self.units > 0).any():
            largest = int(np.argmax(self.units * self._problem.prices))
            self.units[largest] = self._fewer(largest)
            self.units = _worthwhile(self._problem, self.units)

    def mend(self) -> None:
        """Take steps further that bring the portfolio back inside its limits, the best first."""
        while (broken := float(self._breaches(self.units).sum())) > RESIDUAL:
            candidates = self._affordable()
            if not candidates:
                return
            left = self._breaches(self._with(candidates)).sum(axis=-1)
            best = int(np.argmin(left))
            if left[best] >= broken:
                return
            self._take(candidates[best])

    def complete(self) -> None:
        """Take one step more where it is affordable and breaks no limit, the best first."""
        while candidates := self._affordable():
            steps = np.vstack([self.units, self._with(candidates)])
            merits, breaches = self._merit(steps), self._breaches(steps)
            kept = (breaches[1:] <= np.maximum(breaches[0], RESIDUAL)).all(axis=-1)
            useful = (merits[1:] < merits[0]) | ~self._must_improve(candidates)
            if not (kept & useful).any():
                return
            self._take(candidates[int(np.argmin(np.where(kept & useful, merits[1:], np.inf)))])

    def repair(self) -> None:
        """Exchange lots, further than one step from the optimum if need be, while that brings limits nearer."""
        problem, steps = self._problem, self._between.steps
        if float(self._breaches(self.units).sum()) <= RESIDUAL:
            return
        changes = moves(steps, problem.prices, (problem.tradable > 0) & (problem.allowed > 0) & self._loose())
        for _ in range(SWAPS if len(changes) else 0):
            units = np.vstack([self.units, self.units + changes])
            broken = np.where(self._possible(units), self._breaches(units).sum(axis=-1), np.inf)
            best = int(np.argmin(broken[1:])) + 1
            if broken[best] >= self._breaches(self.units).sum() - FUZZ * RESIDUAL:
                return
            self.units = np.round(units[best], DIGITS)

    def swap(self) -> None:
        """Exchange lots while that improves the objective itself, and leaves no more idle cash than a lot costs."""
        problem, steps = self._problem, self._between.steps
        changes = moves(steps, problem.prices, (problem.tradable > 0) & (problem.allowed > 0) & self._loose())
        if self._by_deviation or not len(changes):
            return
        for _ in range(SWAPS):
            units = np.vstack([self.units, self.units + changes])
            values = problem.objective.sign * objective_value(problem, self._weights(units))
            better = np.flatnonzero(values < values[0] - IMPROVED * abs(values[0]))
            best = np.concatenate([[0], better[np.argsort(values[better])]])[: LOOKED_AT + 1]
            fine = np.flatnonzero(self._fine(units[best], steps)[1:])
            if not len(fine):
                return
            self.units = np.round(units[best[1 + fine[0]]], DIGITS)

    def _loose(self) -> NDArray[np.bool_]:
        """Instruments whose position is neither closed (a full exit stays exact) nor near enough to stay."""
        open_ended = self._between.low != -self._problem.quantities
        return np.asarray(open_ended & ~_stays(self._problem, self._target))

    def _fine(self, units: Vector, steps: Vector) -> NDArray[np.bool_]:
        """Trades (k, n) with enough cash, none of it idle, in whole orders, and no limit broken anew."""
        problem = self._problem
        cash = cash_after(problem, units)
        lots = (steps * problem.prices)[(steps > 0) & (problem.allowed > 0)]
        idle = max(float(cash[0]), self._floor + float(lots.min(initial=np.inf)))
        breaches = self._breaches(units)
        kept = (breaches <= np.maximum(breaches[0], RESIDUAL)).all(axis=-1)
        return np.asarray(self._possible(units) & (cash <= idle) & kept)

    def _possible(self, units: Vector) -> NDArray[np.bool_]:
        """Trades (k, n) with enough cash, in orders that are large enough, that sell no more than there is."""
        problem = self._problem
        small = (units != 0) & (np.abs(units) * problem.prices < problem.trading.min_order_amount)
        short = (problem.quantities + units < np.minimum(problem.quantities, 0.0)) & ~np.array(
            problem.strategy.shorting
        )
        return np.asarray((cash_after(problem, units) >= self._floor) & ~(small | short).any(axis=-1))

    def nearest(self) -> Vector:
        """The lots nearest to the optimum where deviation counts and they are found; else where the walk ended."""
        problem = self._problem
        if not self._by_deviation or problem.trading.size_band > 0:
            return self.units
        units = nearest_lots(problem, self._target, self._cash, self._floor / problem.value)
        if units is None:
            return self.units
        both = np.vstack([self.units, units])
        broken, merit = self._breaches(both).sum(axis=-1), self._merit(both)
        affordable = cash_after(problem, units) >= self._floor - MONEY * problem.value
        better = affordable and merit[1] < merit[0] and broken[1] <= max(float(broken[0]), RESIDUAL)
        return units if better else self.units

    def _must_improve(self, positions: list[int]) -> NDArray[np.bool_]:
        """Idle cash is put to work, but sells, and steps by deviation, are made for their merit only."""
        by_deviation = self._by_deviation
        return np.asarray((self._between.wanted[positions] < 0) | by_deviation)

    def _open(self) -> list[int]:
        movable = (self.units == self._between.low) & (self._between.high != self._between.low)
        return [int(i) for i in np.flatnonzero(movable)]

    def _affordable(self) -> list[int]:
        candidates = self._open()
        left = cash_after(self._problem, self._with(candidates)) if candidates else np.zeros(0)
        return [position for position, cash in zip(candidates, left, strict=True) if cash >= self._floor]

    def _short(self) -> bool:
        return self._missing() > MONEY * max(1.0, self._problem.value)

    def _missing(self) -> float:
        return self._floor - float(cash_after(self._problem, self.units))

    def _fewer(self, position: int) -> float:
        """Units to buy of one instrument when the money that is missing is saved there, as far as it goes."""
        step, units = float(self._between.steps[position]), float(self.units[position])
        less = self._missing() / float(self._problem.prices[position])
        if step == 0:
            return max(0.0, units - less)
        return max(0.0, round((round(units / step) - math.ceil(less / step)) * step, DIGITS))

    def _take(self, position: int) -> None:
        self.units[position] = self._between.high[position]

    def _with(self, positions: list[int]) -> Vector:
        """Trades with one of the steps taken, one row a step (k, n)."""
        units = np.tile(self.units, (len(positions), 1))
        units[np.arange(len(positions)), positions] = self._between.high[positions]
        return units

    def _breaches(self, units: Vector) -> Vector:
        problem = self._problem
        outcome = Outcome(self._weights(units), cash_after(problem, units) / problem.value)
        rest = (
            one for one in problem.constraints if one.penalty is None and one is not FULLY_INVESTED and not one.exact
        )
        return np.concatenate([one.breach(problem, outcome) for one in rest], axis=-1)

    def _weights(self, units: Vector) -> Vector:
        problem = self._problem
        return np.asarray((problem.quantities + units) * problem.prices / problem.value)

    def _merit(self, units: Vector) -> Vector:
        problem = self._problem
        weights = self._weights(units)
        if self._by_deviation:
            left = cash_after(problem, units) / problem.value
            return np.asarray(np.abs(weights - self._target).sum(axis=-1) + np.abs(left - self._cash))
        invested = weights.sum(axis=-1, keepdims=True)
        scale = np.where(invested > 0, self._target.sum() / np.where(invested > 0, invested, 1.0), 1.0)
        return problem.objective.sign * objective_value(problem, weights * scale)


def cash_floor(problem: Problem, cash: float) -> float:
    """Money that must be left: the hard lower bound on cash, else no more debt than the optimum has."""
    floor = problem.cash_floor()
    return (floor if np.isfinite(floor) else min(0.0, cash)) * problem.value


def _stays(problem: Problem, weights: Vector) -> NDArray[np.bool_]:
    """Positions (n,) inside the size band of their target."""
    if problem.trading.size_band == 0:
        return np.zeros(len(weights), dtype=bool)
    return problem.trading.is_near(problem.current_weights, weights)


def _worthwhile(problem: Problem, units: Vector) -> Vector:
    return np.where(np.abs(units) * problem.prices < problem.trading.min_order_amount, 0.0, units)
