"""Convex quadratic programs of dense matrices: solved from the sides that held last, proven by their own conditions.

Problems that differ little have optima at which the same limits hold. With these known, the optimum
is one linear system; what that breaks tells which limits hold instead. Most problems in a row end
after one or two systems, exact to rounding, and the conditions of optimality are the proof. Where
the sides do not settle an interior point method finds them.

Source: Hintermüller, Ito and Kunisch, The primal-dual active set strategy as a semismooth Newton
method, SIAM Journal on Optimization 13, 2002; Karush, Kuhn and Tucker for the conditions.
"""

from dataclasses import dataclass
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix, Vector
from assetmix.optimization.tolerances import TINY

ROUNDS = 25
"""Linear systems after which the interior point method is asked for the sides."""

PRECISION = 1e-11
"""Largest miss of a condition of optimality, relative to the size of its terms."""

SIDE = 1e-6
"""An answer of the interior point method this near to a limit holds there."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Polytope:
    """Points x (n,) with A x = b, G x <= h and lower <= x <= upper.

    Parameters
    ----------
    equal : (e, n) A
    level : (e,) b
    rows : (r, n) G
    most : (r,) h
    lower : (n,) may be minus infinity
    upper : (n,) may be infinity
    """

    equal: Matrix
    level: Vector
    rows: Matrix
    most: Vector
    lower: Vector
    upper: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Which limits hold: bounds below and above (n,), and rows (r,)."""

    below: Mask
    above: Mask
    rows: Mask


class Minimizer:
    """Minimizes x'Px / 2 + q'x over one polytope, for one P and q after the other."""

    def __init__(self, polytope: Polytope) -> None:
        self._over = polytope
        n, r = len(polytope.lower), len(polytope.most)
        self._sides = Sides(np.zeros(n, dtype=bool), np.zeros(n, dtype=bool), np.zeros(r, dtype=bool))

    def least(self, quadratic: Matrix, linear: Vector) -> Vector | None:
        """The least point (n,), proven to be it; None where it was not found, or there is none.

        Parameters
        ----------
        quadratic : (n, n) P, positive semidefinite
        linear : (n,) q
        """
        scale = float(np.abs(np.diagonal(quadratic)).max())
        if not scale > 0:
            return None
        scaled, cost = quadratic / scale, linear / scale
        found = self._settled(scaled, cost, self._sides)
        if found is None:
            sides = self._inner(scaled, cost)
            found = None if sides is None else self._settled(scaled, cost, sides)
        return found

    def many(self, quadratics: NDArray[np.float64]) -> tuple[Matrix, Mask]:
        """Least points (d, n) of x'Px / 2 for many P (d, n, n), and which of them (d,) are proven.

        All are followed at once from the sides that held last; for small n that takes a part of the
        time of one after the other.
        """
        over, count = self._over, len(self._over.lower)
        sizes = np.abs(np.diagonal(quadratics, axis1=1, axis2=2)).max(axis=1)
        scaled = quadratics / np.maximum(sizes, TINY)[:, None, None]
        crowd = _Crowd(over, scaled, self._sides)
        points, proven = np.zeros((len(scaled), count)), np.zeros(len(scaled), dtype=bool)
        for _ in range(ROUNDS):
            found, settled = crowd.step()
            points[settled], proven[settled] = found, True
            if crowd.is_empty:
                break
        if crowd.last is not None:
            self._sides = crowd.last
        return points, proven

    def _settled(self, quadratic: Matrix, linear: Vector, sides: Sides) -> Vector | None:
        """Follow the sides until they hold."""
        for _ in range(ROUNDS):
            try:
                point, pull, prices = self._point(quadratic, linear, sides)
            except np.linalg.LinAlgError:
                return None
            later = self._later(point, pull, prices, sides)
            if later is None:
                self._sides = sides
                free = ~(sides.below | sides.above)
                missed = np.concatenate([self._over.equal @ point - self._over.level, pull[free]])
                size = 1.0 + float(np.abs(linear).max())
                return point if np.abs(missed).max(initial=0.0) <= PRECISION * size else None
            sides = later
        return None

    def _point(self, quadratic: Matrix, linear: Vector, sides: Sides) -> tuple[Vector, Vector, Vector]:
        """The least point with exactly these sides, the pull (n,) on its bounds, and the prices of all rows (r,)."""
        over = self._over
        free = np.flatnonzero(~(sides.below | sides.above))
        point = np.where(sides.below, over.lower, np.where(sides.above, over.upper, 0.0))
        rows, level = over.equal, over.level
        if sides.rows.any():
            rows, level = np.vstack([rows, over.rows[sides.rows]]), np.concatenate([level, over.most[sides.rows]])
        f, e = len(free), len(level)
        system, right = np.zeros((f + e, f + e)), np.empty(f + e)
        system[:f, :f] = quadratic[free[:, None], free]
        system[f:, :f] = rows[:, free]
        system[:f, f:] = rows[:, free].T
        right[:f] = -(linear + quadratic @ point)[free]
        right[f:] = level - rows @ point
        solved = np.linalg.solve(system, right)
        point[free] = solved[:f]
        pull = quadratic @ point + linear + solved[f:] @ rows
        prices = np.zeros(len(over.most))
        prices[sides.rows] = solved[f + len(over.level) :]
        return point, pull, prices

    def _later(self, point: Vector, pull: Vector, prices: Vector, sides: Sides) -> Sides | None:
        """The sides that the point asks for; None where these are they."""
        over = self._over
        free = ~(sides.below | sides.above)
        below = (sides.below & (pull >= -PRECISION)) | (free & (point < over.lower - PRECISION))
        above = (sides.above & (pull <= PRECISION)) | (free & (point > over.upper + PRECISION))
        rows = sides.rows
        if len(rows):
            rows = (rows & (prices >= -PRECISION)) | (~rows & (over.rows @ point > over.most + PRECISION))
        same = (below == sides.below).all() and (above == sides.above).all() and (rows == sides.rows).all()
        return None if same else Sides(below, above & ~below, rows)

    def _inner(self, quadratic: Matrix, linear: Vector) -> Sides | None:
        """Sides that hold at the answer of an interior point method."""
        over = self._over
        piqp = import_module("piqp")
        solver = piqp.DenseSolver()
        solver.settings.verbose = False
        solver.settings.eps_abs = solver.settings.eps_rel = PRECISION
        solver.settings.max_iter = 400
        bounds = (np.full(len(over.most), -np.inf), over.most)
        solver.setup(quadratic, linear, over.equal, over.level, over.rows, *bounds, over.lower, over.upper)
        if solver.solve() != piqp.Status.PIQP_SOLVED:
            return None
        point = np.asarray(solver.result.x)
        return Sides(point - over.lower <= SIDE, over.upper - point <= SIDE, over.most - over.rows @ point <= SIDE)


class _Crowd:
    """Programs over one polytope that are followed together; those that have settled leave."""

    def __init__(self, over: Polytope, quadratics: NDArray[np.float64], sides: Sides) -> None:
        count = len(quadratics)
        self._over, self._quadratics = over, quadratics
        self._below, self._above = (np.tile(side, (count, 1)) for side in (sides.below, sides.above))
        self._rows = np.tile(sides.rows, (count, 1))
        self._places = np.arange(count)
        self.last: Sides | None = None

    @property
    def is_empty(self) -> bool:
        """Whether all have settled."""
        return len(self._places) == 0

    def step(self) -> tuple[Matrix, NDArray[np.int64]]:
        """Solve one linear system each; the points (k, n) of those that have settled, and their places (k,)."""
        over, here = self._over, self._places
        points, pull, prices = self._points()
        free = ~(self._below | self._above)
        below = (self._below & (pull >= -PRECISION)) | (free & (points < over.lower - PRECISION))
        above = (self._above & (pull <= PRECISION)) | (free & (points > over.upper + PRECISION))
        broken = points @ over.rows.T > over.most + PRECISION
        rows = (self._rows & (prices >= -PRECISION)) | (~self._rows & broken)
        above &= ~below
        same = (
            (below == self._below).all(axis=1) & (above == self._above).all(axis=1) & (rows == self._rows).all(axis=1)
        )
        exact = same & self._is_exact(points, np.where(free, pull, 0.0))
        if exact.any():
            place = int(np.flatnonzero(exact)[-1])
            self.last = Sides(below[place], above[place], rows[place])
        found = points[exact], here[exact]
        left = ~same
        self._places, self._quadratics = here[left], self._quadratics[left]
        self._below, self._above, self._rows = below[left], above[left], rows[left]
        return found

    def _points(self) -> tuple[Matrix, Matrix, Matrix]:
        """Least points (k, n) with exactly these sides, pulls (k, n), prices (k, r); nan if a system is singular."""
        over, (k, n) = self._over, self._below.shape
        e, r = len(over.level), len(over.most)
        held = self._below | self._above
        system, right = np.zeros((k, n + e + r, n + e + r)), np.zeros((k, n + e + r))
        system[:, :n, :n] = self._quadratics
        system[:, :n, n : n + e], system[:, n : n + e, :n] = over.equal.T, over.equal
        system[:, :n, n + e :] = over.rows.T
        system[:, n + e :, :n] = over.rows * self._rows[:, :, None]
        system[:, np.arange(n + e, n + e + r), np.arange(n + e, n + e + r)] = ~self._rows
        system[:, :n] *= ~held[:, :, None]
        system[:, np.arange(n), np.arange(n)] += held
        bounds = np.where(self._below, over.lower, over.upper)
        right[:, :n] = np.where(held, bounds, 0.0)
        right[:, n : n + e], right[:, n + e :] = over.level, np.where(self._rows, over.most, 0.0)
        solved = _solved(system, right)
        points, prices = solved[:, :n], solved[:, n + e :] * self._rows
        pull = (
            np.einsum("kij,kj->ki", self._quadratics, points) + solved[:, n : n + e] @ over.equal + prices @ over.rows
        )
        return points, pull, prices

    def _is_exact(self, points: Matrix, rest: Matrix) -> Mask:
        missed = np.abs(points @ self._over.equal.T - self._over.level).max(axis=1, initial=0.0)
        return np.asarray(np.maximum(missed, np.abs(rest).max(axis=1, initial=0.0)) <= PRECISION)


def _solved(systems: NDArray[np.float64], right: Matrix) -> Matrix:
    """Solve systems (k, m, m) for right sides (k, m); nan for all where one of them is singular."""
    try:
        return np.asarray(np.linalg.solve(systems, right[:, :, None])[:, :, 0])
    except np.linalg.LinAlgError:
        return np.full_like(right, np.nan)
