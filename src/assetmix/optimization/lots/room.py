"""What limits leave to changes of trades, by themselves or made one after the other."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix, Positions, Vector
from assetmix.optimization.lots.changes import Changes

ROUNDOFF = 1e-14
"""What sums of weights are off by in double precision."""

Mask = NDArray[np.bool_]


class Start(Protocol):
    """Trades as they stand: what each limit leaves, which may be no more than how far outside of it they are."""

    units: Vector
    weights: Vector

    @property
    def traded(self) -> float:
        """Turnover so far."""

    @property
    def box(self) -> tuple[Vector, Vector]:
        """Least and most weights (n,)."""

    @property
    def slopes(self) -> tuple[Matrix, Vector]:
        """Rows (r, n), and by how much (r,) their values may rise."""

    @property
    def turnover_left(self) -> float:
        """Turnover that may be added."""

    @property
    def cash_band(self) -> tuple[float, float]:
        """Least and most money."""

    def moved(self, changes: Changes) -> Vector:
        """By how much weights (d, k) change."""

    def further(self, places: Positions, moved: Vector) -> Vector:
        """Turnover (k,) that is added when weights at places (d, k) move."""


class Room:
    """Whether changes (k,) break limits that need not be asked one by one more than the trades do.

    Changes may be made one after the other where each is of an instrument of its own.
    """

    def __init__(self, start: Start, changes: Changes) -> None:
        places, moved = changes.places, start.moved(changes)
        (lower, upper), (rows, self._spare) = start.box, start.slopes
        after = start.weights[places] + moved
        kept = (after >= lower[places]) & (after <= upper[places]) | (changes.units == 0)
        self._inside = kept.all(axis=0)
        self._rises = along(rows, places, moved)
        self._further, self._left = start.further(places, moved), start.turnover_left
        self._least, self._most = start.cash_band

    def fits(self, which: int | slice, cash: Vector) -> Mask:
        """Whether one change, or each of some, keeps the limits with so much cash after it."""
        kept = self._inside[which] & (self._further[which] <= self._left)
        kept &= (cash >= self._least) & (cash <= self._most)
        return np.asarray(kept & (self._spare >= self._rises[:, which].T).all(axis=-1))

    def make(self, place: int) -> None:
        """Make one of the changes."""
        self._spare = self._spare - self._rises[:, place]
        self._left -= float(self._further[place])


def along(rows: Matrix, places: Positions, moved: Vector) -> Matrix:
    """By how much values of rows (r, n) change (r, k) when weights at places (d, k) move."""
    rises = rows[:, places[0]] * moved[0]
    for place, by in zip(places[1:], moved[1:], strict=True):
        rises += rows[:, place] * by
    return np.asarray(rises)
