"""Where trades lead: weights, cash and limits, of whole portfolios and of single further steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from assetmix.domain.arrays import Matrix, Positions, Vector
from assetmix.optimization.constraint import Constraint, Outcome
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.frame import FULLY_INVESTED, MinimumOrder
from assetmix.optimization.limit import outside
from assetmix.optimization.planes import Joint, stacked
from assetmix.optimization.problem import Problem
from assetmix.optimization.ratio import RatioBand
from assetmix.optimization.tolerances import RESIDUAL


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """Bounds of ratios as rows: ratio r is kept where rows (r, n) times weights is at most 0; beside it its bottom.

    `twins` (r,) are places: of a ratio that is to be exactly something the other row, else the row itself.
    """

    rows: Matrix
    bottoms: Matrix
    twins: Positions


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Rows (s, n) whose products with weights are to stay below bounds (s,), or beyond by no more than leeway (s,).

    First planes over several instruments, then ratios that may be off by a tolerance. `twins` (s,) are
    places: of a plane with two bounds the other one's row, else the row itself.
    """

    rows: Matrix
    bounds: Vector
    leeway: Vector
    twins: Positions
    planes: int
    """How many of them are of planes."""


class Ledger:
    """The limits that whole lots have to keep, and the money that must be left.

    What asks for exact figures is left out: lots come as near as they can. What is idle of a
    portfolio that is to be fully invested is no breach, and that orders are large enough is seen to
    wherever one is changed.
    """

    def __init__(self, problem: Problem, cash: float) -> None:
        self.problem = problem
        self.floor = cash_floor(problem, cash)
        stack = stacked(problem)
        self._planes = stack.inexact
        others = tuple(one for one in stack.others if not (one == FULLY_INVESTED or one.exact or _is_of_orders(one)))
        self.turnover = min((one.turnover_ceiling(problem) for one in others), default=np.inf)
        """Most that may be traded, fraction of value."""
        self.of_cash = tuple(one for one in others if isinstance(one, Cash))
        """Limits that look at cash alone."""
        self.ratios = () if problem.strategy.shorting else _ratios(problem, others)
        """Limits of ratios of sums of shares, whose bottoms are not negative."""
        self.asked = tuple(one for one in others if not self._is_known(one))
        """Limits that have to be asked one by one."""

    def _is_known(self, one: Constraint) -> bool:
        is_ratio = bool(self.ratios) and one.ratio(self.problem) is not None
        return is_ratio or one in self.of_cash or one.turnover_ceiling(self.problem) < np.inf

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
        plain = self._planes.outside(self._planes.values(weights))
        ratios = (one.breach(weights) for one in self.ratios)
        cash = self.breaches_of_cash(self.cash(units))
        beyond = self._beyond(weights)[..., None]
        return np.concatenate([plain, beyond, cash, *ratios, self.breaches_asked(units)], axis=-1)

    def breaches_of_cash(self, cash: Vector) -> Vector:
        """Distance of cash (...), money, outside each limit that looks at it alone (..., rows)."""
        return outside(np.asarray(cash)[..., np.newaxis] / self.problem.value, *self._cash_rows)

    def breaches_asked(self, units: Vector) -> Vector:
        """The same for limits that have to be asked one by one."""
        if not self.asked:
            return np.zeros((*units.shape[:-1], 0))
        outcome = Outcome(self.weights(units), self.cash(units) / self.problem.value)
        return np.concatenate([one.breach(self.problem, outcome) for one in self.asked], axis=-1)

    def cash_changes(self, units: Vector, positions: Positions, changes: Vector) -> Vector:
        """Money (k,) that single changes (k,) of units at positions (k,) bring in, beside trades (n,)."""
        prices = self.problem.prices[positions]
        before, moved = units[positions] * prices, changes * prices
        costs = self.problem.costs_at(positions, before + moved) - self.problem.costs_at(positions, before)
        return np.asarray(-moved - costs)

    @property
    def box(self) -> tuple[Vector, Vector]:
        """Weights (n,) that planes over single instruments allow."""
        return self._planes.box

    @property
    def joint(self) -> Joint:
        """Planes over several instruments."""
        return self._planes.joint

    @cached_property
    def _cash_rows(self) -> tuple[Vector, Vector]:
        """Bounds (r,), fractions of value, of each row that looks at cash alone."""
        found = [one.bounds(self.problem) for one in self.of_cash]
        none = np.zeros(0)
        return np.concatenate([none, *(one for one, _ in found)]), np.concatenate([none, *(one for _, one in found)])

    @cached_property
    def cash_band(self) -> tuple[float, float]:
        """Least and most cash, fractions of value, that limits of cash leave."""
        lower = (one.cash_floor(self.problem) for one in self.of_cash)
        upper = (one.cash_ceiling(self.problem) for one in self.of_cash)
        return max(lower, default=-np.inf), min(upper, default=np.inf)

    @cached_property
    def slopes(self) -> Slopes:
        """Finite bounds of ratios as rows."""
        rows: list[Vector] = []
        bottoms: list[Vector] = []
        twins: list[int] = []
        for one in self.ratios:
            bounds = [row for row in one.rows if np.isfinite(row).all()]
            places = range(len(rows), len(rows) + len(bounds))
            twins += reversed(places) if one.band.is_fixed else places
            rows += bounds
            bottoms += [one.bottom] * len(bounds)
        shape = (len(rows), len(self.problem.universe))
        return Slopes(np.array(rows).reshape(shape), np.array(bottoms).reshape(shape), np.array(twins, dtype=np.intp))

    @cached_property
    def sides(self) -> Sides:
        """Planes and ratios, where no ratio is off by more than a tolerance."""
        joint, ratios = self.joint, self.slopes
        count, more = len(joint.rows), len(ratios.rows)
        return Sides(
            rows=np.concatenate([joint.rows, ratios.rows - RESIDUAL * ratios.bottoms]),
            bounds=np.concatenate([joint.bounds, np.zeros(more)]),
            leeway=np.repeat([RESIDUAL, 0.0], [count, more]),
            twins=np.concatenate([joint.twins, np.arange(count, count + more)]),
            planes=count,
        )

    def _beyond(self, weights: Vector) -> Vector:
        """Turnover beyond its cap (...)."""
        if not np.isfinite(self.turnover):
            return np.zeros(weights.shape[:-1])
        traded = np.abs(weights - self.problem.current_weights).sum(axis=-1)
        return np.asarray(np.maximum(traded - self.turnover, 0.0))

    def planes_after(self, weights: Vector, moved: Vector) -> Vector:
        """Sum of the planes' breaches (n,) if one weight after the other moved by itself."""
        planes = self._planes
        columns, owners = planes.by_column
        values = planes.values(weights)
        now = planes.outside(values)
        rows = columns.indices
        after = values[rows] + columns.data * moved[owners]
        further = np.maximum(np.maximum(planes.lower[rows] - after, after - planes.upper[rows]), 0.0) - now[rows]
        return np.asarray(float(now.sum()) + np.bincount(owners, further, minlength=len(weights)))


def _ratios(problem: Problem, constraints: Sequence[Constraint]) -> tuple[RatioBand, ...]:
    found = (one.ratio(problem) for one in constraints)
    return tuple(one for one in found if one is not None)


def _is_of_orders(one: Constraint) -> bool:
    return isinstance(one, MinimumOrder)


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
