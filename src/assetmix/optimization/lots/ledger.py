"""Where trades lead: weights, cash and limits, of whole portfolios and of single further steps."""

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Positions, Vector
from assetmix.optimization.constraint import Constraint, Outcome
from assetmix.optimization.frame import FULLY_INVESTED
from assetmix.optimization.planes import Stack, stacked
from assetmix.optimization.problem import Problem
from assetmix.optimization.tolerances import RESIDUAL


class Ledger:
    """The limits that whole lots have to keep, and the money that must be left.

    What asks for exact figures is left out: lots come as near as they can. What is idle of a
    portfolio that is to be fully invested is no breach.
    """

    def __init__(self, problem: Problem, cash: float) -> None:
        self.problem = problem
        self.floor = cash_floor(problem, cash)
        self._stack: Stack = stacked(problem)
        exact = [place for place, one in enumerate(problem.constraints) if one.exact]
        self._counted = ~np.isin(self._stack.owners, exact)
        self._others = tuple(one for one in self._stack.others if one != FULLY_INVESTED and not one.exact)
        self._along = tuple(one for one in self._others if one.turnover_ceiling(problem) < np.inf)
        self._rest = tuple(one for one in self._others if one not in self._along)
        self._turnover = min((one.turnover_ceiling(problem) for one in self._along), default=np.inf)

    def weights(self, units: Vector) -> Vector:
        """Weights (..., n) after trades (..., n) of units."""
        problem = self.problem
        return np.asarray((problem.quantities + units) * problem.prices / problem.value)

    def cash(self, units: Vector) -> Vector:
        """Money left after trades (..., n) and the cost of each order."""
        return cash_after(self.problem, units)

    def breaches(self, units: Vector) -> Vector:
        """Distance outside each limit (..., rows) after trades (..., n)."""
        weights = self.weights(units)
        outcome = Outcome(weights, self.cash(units) / self.problem.value)
        plain = self._stack.outside(weights)[..., self._counted]
        return np.concatenate([plain, *(one.breach(self.problem, outcome) for one in self._others)], axis=-1)

    def keeps(self, units: Vector, positions: Positions, changes: Vector) -> NDArray[np.bool_]:
        """Whether single changes (k,) of units at positions (k,) break no limit more than trades (n,) do."""
        if len(positions) == 0:
            return np.zeros(0, dtype=bool)
        moved = np.zeros(len(units))
        moved[positions] = changes * self.problem.prices[positions] / self.problem.value
        weights = self.weights(units)
        kept = self._keeps_planes(weights, moved)[positions]
        if np.isfinite(self._turnover):
            kept &= self._keeps_turnover(weights, moved)[positions]
        if self._rest and kept.any():
            kept[kept] = self._keeps_rest(units, positions[kept], changes[kept])
        return np.asarray(kept)

    def _keeps_planes(self, weights: Vector, moved: Vector) -> NDArray[np.bool_]:
        planes = self._stack.planes
        columns, owners = planes.by_column
        values = planes.values(weights)
        allowed = np.where(self._counted, np.maximum(planes.outside(values), RESIDUAL), np.inf)
        rows = columns.indices
        after = values[rows] + columns.data * moved[owners]
        broken = (after > (planes.upper + allowed)[rows]) | (after < (planes.lower - allowed)[rows])
        return np.asarray(np.bincount(owners, broken, minlength=len(weights)) == 0)

    def _keeps_turnover(self, weights: Vector, moved: Vector) -> NDArray[np.bool_]:
        trades = weights - self.problem.current_weights
        now = float(np.abs(trades).sum())
        after = now - np.abs(trades) + np.abs(trades + moved)
        return np.asarray(after - self._turnover <= max(now - self._turnover, RESIDUAL))

    def _keeps_rest(self, units: Vector, positions: Positions, changes: Vector) -> NDArray[np.bool_]:
        tried = np.vstack([units, stepped(units, positions, changes)])
        outcome = Outcome(self.weights(tried), self.cash(tried) / self.problem.value)
        broken = np.concatenate([one.breach(self.problem, outcome) for one in self._rest], axis=-1)
        return np.asarray((broken[1:] <= np.maximum(broken[0], RESIDUAL)).all(axis=-1))

    def cash_changes(self, units: Vector, positions: Positions, changes: Vector) -> Vector:
        """Money (k,) that single changes (k,) of units at positions (k,) bring in, beside trades (n,)."""
        problem = self.problem
        before, after = np.zeros(len(units)), np.zeros(len(units))
        prices = problem.prices[positions]
        before[positions] = units[positions] * prices
        after[positions] = (units[positions] + changes) * prices
        costs = problem.order_costs(np.vstack([before, after]))[:, positions]
        return np.asarray(-changes * prices - (costs[1] - costs[0]))

    @property
    def asked(self) -> tuple[Constraint, ...]:
        """Limits that are asked one by one."""
        return self._rest


def stepped(units: Vector, positions: Positions, changes: Vector) -> Vector:
    """Trades (k, n): each with one of the changes (k,)."""
    tried = np.tile(units, (len(positions), 1))
    tried[np.arange(len(positions)), positions] += changes
    return tried


def cash_after(problem: Problem, units: Vector) -> Vector:
    """Money left after trades (..., n) and the cost of each order, shape (...)."""
    costs = problem.order_costs(units * problem.prices).sum(axis=-1)
    return np.asarray(problem.cash - units @ problem.prices - costs)


def cash_floor(problem: Problem, cash: float) -> float:
    """Money that must be left: the hard lower bound on cash, else no more debt than the optimum has."""
    floor = problem.cash_floor()
    return (floor if np.isfinite(floor) else min(0.0, cash)) * problem.value
