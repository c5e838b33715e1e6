"""The last improvements of whole lots: one lot more or less, or one against as many of another as it pays for."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix, Vector

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
