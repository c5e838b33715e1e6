"""The last improvements of whole lots: one lot more or less, or one against as many of another as it pays for."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix, Positions, Vector
from assetmix.optimization.lots.changes import Changes
from assetmix.optimization.lots.form import Form
from assetmix.optimization.problem import Problem

MOST_PAIRS = 30
"""So many instruments are few enough to look at every pair of them."""
MOST_KNOWN = 4_000
"""So many changes are written down ahead; of more, most are never looked at."""
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
    round only the first term changes its sign. One step of i alone is i against none of itself.
    """

    def __init__(self, form: Form, steps: Vector, problem: Problem, members: Positions) -> None:
        self._members = members
        self._steps = steps[members]
        self._moved = self._steps * (problem.prices / problem.value)[members]
        curvature = form.curvature(members)
        paid = self._moved[:, None] / self._moved[None, :]
        fewer, more = np.maximum(np.floor(paid), 1.0), np.ceil(paid)
        self._counts = np.stack([fewer, more]) if (more > fewer).any() else fewer[None]
        alone = np.arange(len(members))
        self._counts[:, alone, alone] = 0.0
        single = self._moved**2 * np.diag(curvature)
        bent = single[None, :, None] + self._counts**2 * single[None, None, :]
        self._bent = bent - 2.0 * self._counts * (curvature * np.outer(self._moved, self._moved))
        self._bent[1:, alone, alone] = np.inf  # once is enough
        self._known = self._changes(np.arange(self._bent.size)) if self._bent.size <= MOST_KNOWN else None

    def better(self, slope: Vector, least: float, most: int) -> tuple[Changes, Vector]:
        """At most so many changes that gain most at a slope (n,), and -gains (k,), all of them more than `least`."""
        along = slope[self._members] * self._moved
        pairs = along[:, None] - self._counts * along
        losses = (self._bent - np.abs(pairs)).ravel()
        chosen = (losses < -least).nonzero()[0]
        if len(chosen) > most:
            chosen = chosen[np.argpartition(losses[chosen], most)[:most]]
        changes = self._changes(chosen) if self._known is None else self._known.some(chosen)
        ways = np.where(pairs.ravel()[chosen] > 0, -1.0, 1.0)
        return Changes(changes.places, changes.units * ways), losses[chosen]

    def _changes(self, chosen: Positions) -> Changes:
        """Changes at places of the tables, upwards."""
        count = len(self._members)
        firsts, seconds = np.divmod(chosen % (count * count), count)
        paid = self._counts.ravel()[chosen] * self._steps[seconds]
        units = np.array([self._steps[firsts], -paid])
        return Changes(self._members[np.array([firsts, seconds])], units)
