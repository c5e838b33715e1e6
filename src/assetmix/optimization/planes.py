"""Limits that look at weights alone, stacked into one matrix: checked in one product, for any number of portfolios."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from assetmix.domain.arrays import Matrix, Positions, Vector
from assetmix.optimization.limit import Band, Row, outside

if TYPE_CHECKING:
    from assetmix.optimization.constraint import Constraint
    from assetmix.optimization.problem import Problem


@dataclass(frozen=True, eq=False)
class Planes:
    """Rows (r, n) of coefficients whose products with weights lie between `lower` and `upper` (r,), maybe infinite."""

    rows: sp.csr_matrix
    lower: Vector
    upper: Vector

    def values(self, weights: Vector) -> Vector:
        """Products with weights (..., n), shape (..., r)."""
        return np.asarray((self.rows @ weights.T).T)

    def outside(self, values: Vector) -> Vector:
        """Distance of products (..., r) from their bounds, 0 inside."""
        return outside(values, self.lower, self.upper)

    def some(self, places: Positions) -> "Planes":
        """Those at some places."""
        return Planes(self.rows[places], self.lower[places], self.upper[places])

    def row(self, place: int) -> Vector:
        """Coefficients (n,) of one of them."""
        entries = slice(*self.rows.indptr[place : place + 2])
        coefficients = np.zeros(self.rows.shape[1])
        coefficients[self.rows.indices[entries]] = self.rows.data[entries]
        return coefficients

    @cached_property
    def box(self) -> tuple[Vector, Vector]:
        """Weights (n,) that those over single instruments allow."""
        count = self.rows.shape[1]
        chosen = np.flatnonzero(np.diff(self.rows.indptr) == 1)
        chosen = chosen[self.rows.data[self.rows.indptr[chosen]] != 0]
        owners, factors = self.rows.indices[self.rows.indptr[chosen]], self.rows.data[self.rows.indptr[chosen]]
        ends = np.vstack([self.lower[chosen], self.upper[chosen]]) / factors
        lower, upper = np.full(count, -np.inf), np.full(count, np.inf)
        np.maximum.at(lower, owners, ends.min(axis=0))
        np.minimum.at(upper, owners, ends.max(axis=0))
        return lower, upper

    @cached_property
    def joint(self) -> "Joint":
        """Finite bounds of those over several instruments."""
        chosen = np.flatnonzero(np.diff(self.rows.indptr) > 1)
        rows, ends = self.rows[chosen].toarray(), np.stack([self.upper[chosen], -self.lower[chosen]])
        side, place = np.isfinite(ends).nonzero()
        number = np.cumsum(np.isfinite(ends)).reshape(ends.shape) - 1
        other = np.where(np.isfinite(ends[1 - side, place]), number[1 - side, place], number[side, place])
        return Joint(rows[place] * np.array([1.0, -1.0])[side, None], ends[side, place], other)

    @cached_property
    def by_column(self) -> tuple[sp.csc_matrix, Positions]:
        """The rows by instruments, and the instrument of each entry."""
        columns = self.rows.tocsc()
        return columns, np.repeat(np.arange(columns.shape[1]), np.diff(columns.indptr))


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """Rows (s, n), dense, whose values are to stay below bounds (s,).

    `twins` (s,) are places: of a plane with two bounds the other one's row, else the row itself.
    """

    rows: Matrix
    bounds: Vector
    twins: Positions


def banded(rows: sp.csr_matrix, band: Band) -> Planes:
    """The same band around each of some rows (r, n)."""
    height = rows.shape[0]
    lower = -np.inf if band.lower is None else band.lower
    upper = np.inf if band.upper is None else band.upper
    return Planes(rows, np.full(height, lower), np.full(height, upper))


def single(shares: Vector, band: Band) -> Planes:
    """A band around one sum of shares (n,) of weights."""
    return banded(sp.csr_matrix(shares), band)


def each(members: Positions, count: int, band: Band) -> Planes:
    """The same band around each of some of `count` weights."""
    ones = np.ones(len(members))
    return banded(sp.csr_matrix((ones, (np.arange(len(members)), members)), shape=(len(members), count)), band)


@dataclass(frozen=True, slots=True, eq=False)
class Breached:
    """Planes that are breached: their numbers, owners, the numbers of the owners' rows, and by how much; each (b,)."""

    planes: Positions
    owners: Positions
    rows: Positions
    amounts: Vector


@dataclass(frozen=True, eq=False)
class Stack:
    """The hard limits of a problem that are planes, and those that have to be asked one by one.

    `apart` are the places among the problem's constraints of all others that have rows, soft ones
    too; `owners` (r,) are the places that the planes belong to. `named` (2, r) are the numbers, among
    the owner's own rows, of the rows that bound a plane below and above. `inexact` are the planes of
    limits that do not ask for exact figures.
    """

    planes: Planes
    inexact: Planes
    apart: tuple[int, ...]
    others: tuple["Constraint", ...]
    owners: Positions
    named: Positions

    def outside(self, weights: Vector) -> Vector:
        """Distance of weights (..., n) outside each plane."""
        return self.planes.outside(self.planes.values(weights))

    def breached(self, weights: Vector, tolerance: float) -> Breached:
        """The planes that weights (n,) lie farther outside of than the tolerance."""
        values = self.planes.values(weights)
        outside = self.planes.outside(values)
        rows = (outside > tolerance).nonzero()[0]
        is_above = (values[rows] > self.planes.upper[rows]).astype(np.intp)
        return Breached(rows, self.owners[rows], self.named[is_above, rows], outside[rows])


def stacked(problem: "Problem") -> Stack:
    """The problem's hard limits; kept for other accounts of the structure that have the same."""
    kept = problem.shared.get("stack")
    if kept is not None and kept[0] == problem.constraints:
        stack: Stack = kept[1]
        return stack
    stack = _stack(problem)
    problem.shared["stack"] = (problem.constraints, stack)
    return stack


def named_rows(problem: "Problem") -> tuple[tuple[Row, ...], ...]:
    """Rows of each constraint; kept for other accounts of the structure that have the same constraints."""
    kept = problem.shared.get("rows")
    if kept is None or kept[0] != problem.constraints:
        rows = tuple(one.rows(problem) for one in problem.constraints)
        kept = problem.shared["rows"] = (problem.constraints, rows)
    found: tuple[tuple[Row, ...], ...] = kept[1]
    return found


def _stack(problem: "Problem") -> Stack:
    hard = [(place, one) for place, one in enumerate(problem.constraints) if one.penalty is None]
    found = [(place, one, one.planes(problem)) for place, one in hard]
    plain = [(place, planes) for place, _, planes in found if planes is not None]
    rows = named_rows(problem)
    others = tuple(one for place, one, planes in found if planes is None and rows[place])  # no rows, nothing to keep
    owners = [np.full(planes.rows.shape[0], place) for place, planes in plain]
    joined = _joined([planes for _, planes in plain], len(problem.universe))
    none = np.zeros((2, 0), dtype=np.intp)
    named = np.concatenate([none, *(_named(planes) for _, planes in plain)], axis=1)
    owner = np.concatenate([*owners, none[0]])
    exact = [place for place, one in hard if one.exact]
    counted = np.flatnonzero(~np.isin(owner, exact))
    inexact = joined if len(counted) == len(owner) else joined.some(counted)
    together = {place for place, _ in plain}
    apart = tuple(place for place, names in enumerate(rows) if names and place not in together)
    return Stack(joined, inexact, apart, others, owner, named)


def _named(planes: Planes) -> Positions:
    """Numbers of the rows that bound each plane below and above: all lower ones first; a fixed plane has one."""
    height = planes.rows.shape[0]
    numbers = np.arange(height)
    has_both = np.isfinite(planes.lower) & np.isfinite(planes.upper) & (planes.lower < planes.upper)
    return np.array([numbers, numbers + height * has_both])


def _joined(parts: Sequence[Planes], count: int) -> Planes:
    empty = Planes(sp.csr_matrix((0, count)), np.zeros(0), np.zeros(0))
    everything = [empty, *parts]
    rows = sp.csr_matrix(sp.vstack([one.rows for one in everything], format="csr"))
    lower, upper = (np.concatenate([getattr(one, end) for one in everything]) for end in ("lower", "upper"))
    return Planes(rows, lower, upper)
