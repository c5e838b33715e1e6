"""The last improvements of whole lots: one lot more or less, or one against as many of another as it pays for."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix, Positions, Vector
from assetmix.optimization.lots.changes import Changes
from assetmix.optimization.lots.merit import Form
from assetmix.optimization.problem import Problem

MOST_PAIRS = 30
"""So many instruments are few enough to look at every pair of them."""
FEW = 8
"""So few that every combination of a lot more, a lot less and none is looked at."""


def moves(steps: Vector, prices: Vector, movable: NDArray[np.bool_]) -> Matrix:
    """Changes of units (k, n): single steps up and down, then a step of one against steps of another.

    Parameters
    ----------
    steps : (n,) units of a step, 0 where there is none
    prices : (n,) money per unit
    movable : (n,) where trades are possible
    """
    positions = np.flatnonzero(movable & (steps > 0))
    single = np.zeros((len(positions), len(steps)))
    single[np.arange(len(positions)), positions] = steps[positions]
    if len(positions) > MOST_PAIRS or len(positions) == 0:
        return np.vstack([single, -single])
    if len(positions) <= FEW:
        return np.array(list(product((-1.0, 0.0, 1.0), repeat=len(positions)))) @ single
    lots = (steps * prices)[positions]
    paid = lots[:, None] / lots[None, :]
    one, fewer, more = np.ones_like(paid), np.maximum(np.floor(paid), 1.0), np.ceil(paid)
    apart = ~np.eye(len(positions), dtype=bool)
    chosen = ((one, apart), (fewer, apart & (fewer > one)), (more, apart & (more > fewer)))
    swaps = np.vstack([_swaps(single, count, is_new) for count, is_new in chosen])
    return np.vstack([single, -single, swaps, -swaps])


def _swaps(single: Matrix, count: Matrix, chosen: NDArray[np.bool_]) -> Matrix:
    """One step of the first against `count` steps of the second, for each chosen pair."""
    first, second = np.nonzero(chosen)
    return np.asarray(single[first] - count[first, second, None] * single[second])


class Pairs:
    """Steps of every pair of instruments on a quadratic form: a table of constants, and a slope that changes.

    One step of i against c steps of j moves weights by (a_i, -c a_j), so that |Fw - g|^2 + l'w gains
    slope'(a_i, -c a_j) + a_i^2 Q_ii + c^2 a_j^2 Q_jj - 2 c a_i a_j Q_ij with Q = F'F. The other way
    round only the first term changes its sign.
    """

    def __init__(self, form: Form, steps: Vector, problem: Problem, members: Positions) -> None:
        self._members = members
        self._steps = steps
        self._moved = (steps * problem.prices / problem.value)[members]
        curvature = form.curvature(members)
        self._single = self._moved**2 * np.diag(curvature)
        paid = self._moved[:, None] / self._moved[None, :]
        fewer, more = np.maximum(np.floor(paid), 1.0), np.ceil(paid)
        self._counts = np.stack([fewer, more]) if (more > fewer).any() else fewer[None]
        cross = curvature * np.outer(self._moved, self._moved)
        bent = self._single[None, :, None] + self._counts**2 * self._single[None, None, :]
        self._bent = bent - 2.0 * self._counts * cross
        alone = np.arange(len(members))
        self._bent[:, alone, alone] = np.inf

    def best(self, slope: Vector, least: float, most: int) -> Changes:
        """At most so many changes that gain most at a slope (n,), of those that gain more than `least`, best first."""
        along = slope[self._members] * self._moved
        pairs = along[None, :, None] - self._counts * along[None, None, :]
        gains = np.concatenate([(self._single - np.abs(along)).ravel(), (self._bent - np.abs(pairs)).ravel()])
        better = np.flatnonzero(gains < -least)
        if len(better) > most:
            better = better[np.argpartition(gains[better], most)[:most]]
        order = better[np.argsort(gains[better], kind="stable")]
        slopes = np.concatenate([along, pairs.ravel()])[order]
        return self._changes(order, np.where(slopes > 0, -1.0, 1.0))

    def _changes(self, order: Positions, ways: Vector) -> Changes:
        """Changes at places of the tables, singles first, each one way or the other."""
        count = len(self._members)
        is_pair = order >= count
        layers, firsts, seconds = np.unravel_index(np.maximum(order - count, 0), self._counts.shape)
        first = self._members[np.where(is_pair, firsts, np.minimum(order, count - 1))]
        second = self._members[seconds]
        paid = self._counts[layers, firsts, seconds] * self._steps[second]
        units = np.vstack([ways * self._steps[first], np.where(is_pair, -ways * paid, 0.0)])
        return Changes(np.vstack([first, second]), units)
