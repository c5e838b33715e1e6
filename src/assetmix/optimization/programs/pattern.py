"""A program's standard form: what never changes between solves, and the numbers that do.

Minimize x'Px / 2 + q'x + d where level - Rx lies in a product of cones: rows of zeros first, then
rows of nonnegative numbers, then second-order cones, then others.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from assetmix.domain.arrays import Positions, Vector


@dataclass(frozen=True, slots=True)
class Cones:
    """Sizes of the cones, in the order of the rows; `others` are cvxpy's own for exponentials and powers."""

    zero: int
    nonneg: int
    second_order: tuple[int, ...]
    has_others: bool
    stated: object
    """The same in cvxpy's words."""

    @property
    def is_polyhedral(self) -> bool:
        """Whether linear equations and inequalities are all there is."""
        return not self.second_order and not self.has_others

    @property
    def flat(self) -> int:
        """Rows that are linear equations or inequalities."""
        return self.zero + self.nonneg


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """Entries of P and R in their patterns' order, q (n,), d, and the rows' level (m,)."""

    quadratic: Vector
    linear: Vector
    offset: float
    rows: Vector
    level: Vector


@dataclass(frozen=True, eq=False)
class Bounding:
    """Rows with one entry that is the same number in every solve: they bound a variable.

    `rows` (b,) are their places, `columns` (b,) the variables, `factors` (b,) the entries.
    """

    rows: Positions
    columns: Positions
    factors: Vector
    _last: list[tuple[Vector, tuple[Vector, Vector]]] = field(default_factory=list)

    @cached_property
    def sides(self) -> Positions:
        """The side (b,) of a variable that each bounds: twice its place, and one more above."""
        return np.asarray(self.columns * 2 + self.above)

    @cached_property
    def is_single(self) -> bool:
        """Whether no side of a variable is bounded by several rows."""
        return len(np.unique(self.sides)) == len(self.sides)

    @cached_property
    def above(self) -> np.ndarray:
        """Which of them (b,) bound from above."""
        return self.factors > 0

    def values(self, level: Vector) -> Vector:
        """Bounds (b,) that the rows put on their variables."""
        return level[self.rows] / self.factors

    def box(self, level: Vector, count: int) -> tuple[Vector, Vector]:
        """Lowest and highest values (n,) of the variables; infinite where nothing bounds one.

        Asked for several times about the same level: the last answer is kept.
        """
        if self._last and self._last[0][0] is level:
            return self._last[0][1]
        self._last[:] = [(level, self._box(level, count))]
        return self._last[0][1]

    def _box(self, level: Vector, count: int) -> tuple[Vector, Vector]:
        lower, upper = np.full(count, -np.inf), np.full(count, np.inf)
        values, above = self.values(level), self.above
        if self.is_single:
            upper[self.columns[above]], lower[self.columns[~above]] = values[above], values[~above]
            return lower, upper
        np.minimum.at(upper, self.columns[above], values[above])
        np.maximum.at(lower, self.columns[~above], values[~above])
        return lower, upper


@dataclass(frozen=True, eq=False)
class Pattern:
    """Where entries stand: P (n, n) symmetric and R (m, n), both by columns, and which of them may change."""

    quadratic: sp.csc_matrix
    rows: sp.csc_matrix
    cones: Cones
    steady: np.ndarray
    """Which entries of R are the same number in every solve."""
    example: Numbers
    """Numbers of one solve."""

    @property
    def count(self) -> int:
        """Variables."""
        return int(self.rows.shape[1])

    def filled(self, numbers: Numbers) -> tuple[sp.csc_matrix, sp.csc_matrix]:
        """P and R with these numbers; good until the next call."""
        self.quadratic.data, self.rows.data = numbers.quadratic, numbers.rows
        return self.quadratic, self.rows

    @cached_property
    def columns(self) -> Positions:
        """Variable of each entry of R."""
        return np.repeat(np.arange(self.count), np.diff(self.rows.indptr))

    @cached_property
    def bounding(self) -> Bounding:
        """Rows that bound single variables."""
        height = self.rows.shape[0]
        entries = np.bincount(self.rows.indices, minlength=height)
        inequality = np.zeros(height, dtype=bool)
        inequality[self.cones.zero : self.cones.flat] = True
        single = self.steady & inequality[self.rows.indices] & (entries[self.rows.indices] == 1)
        places = np.flatnonzero(single & (self.example.rows != 0))
        return Bounding(self.rows.indices[places], self.columns[places], self.example.rows[places])

    @cached_property
    def general(self) -> Positions:
        """Linear inequalities that are more than a bound of one variable."""
        return np.setdiff1d(np.arange(self.cones.zero, self.cones.flat), self.bounding.rows)


def picked(pattern: sp.csc_matrix, rows: Positions) -> tuple[sp.csc_matrix, Positions]:
    """Some rows of a matrix by columns, and where their entries stand among all entries."""
    numbered = sp.csc_matrix((np.arange(1.0, pattern.nnz + 1.0), pattern.indices, pattern.indptr), shape=pattern.shape)
    part = numbered[rows, :].tocsc()
    part.sort_indices()
    places = part.data.astype(np.intp) - 1
    return part, places
