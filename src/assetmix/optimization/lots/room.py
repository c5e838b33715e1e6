"""What limits leave to changes of trades, by themselves or made one after the other."""

import numpy as np

from assetmix.domain.arrays import Matrix, Positions, Vector
from assetmix.optimization.lots.changes import Changes
from assetmix.optimization.lots.standing import Mask, Standing


class Room:
    """Whether changes (k,) break limits that need not be asked one by one more than the trades do.

    Changes may be made one after the other where each is of an instrument of its own.
    """

    def __init__(self, standing: Standing, changes: Changes) -> None:
        places, moved = changes.places, standing.moved(changes)
        (lower, upper), (rows, self._spare) = standing.box, standing.slopes
        after = standing.weights[places] + moved
        kept = (after >= lower[places]) & (after <= upper[places]) | (changes.units == 0)
        self._inside = kept.all(axis=0)
        self._rises = along(rows, places, moved)
        self._further, self._left = standing.further(places, moved), standing.turnover_left
        self._least, self._most = standing.cash_band

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
