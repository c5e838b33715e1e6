"""What all breaches come to after changes of trades, by themselves or made one after the other."""

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.lots.changes import Changes
from assetmix.optimization.lots.ledger import Ledger
from assetmix.optimization.lots.room import along
from assetmix.optimization.lots.standing import Standing
from assetmix.optimization.ratio import per_unit

AT_A_TIME = 2_000_000
"""Weights of portfolios that are looked at together where limits are asked one by one: 16 megabytes."""


class BreachSum:
    """Sums of all breaches (k,) after changes (k,), each of one instrument of its own."""

    def __init__(self, ledger: Ledger, standing: Standing, changes: Changes) -> None:
        self._ledger = ledger
        self._changes = changes
        self._places, moved = changes.places[0], standing.moved(changes)
        self._units, self._weights = standing.units.copy(), standing.weights.copy()
        self._moved = np.zeros(len(standing.weights))
        self._moved[self._places] = moved[0]
        self._traded, self._further = standing.traded, standing.further(changes.places, moved)
        ratios = ledger.slopes
        self._over, self._bottoms = ratios.rows @ standing.weights, ratios.bottoms @ standing.weights
        self._rises = along(ratios.rows, changes.places, moved), along(ratios.bottoms, changes.places, moved)

    def after(self, cash: Vector) -> Vector:
        """Each sum, with so much cash (k,) left."""
        total = self._ledger.planes_after(self._weights, self._moved)[self._places]
        total += np.maximum(self._traded + self._further - self._ledger.turnover, 0.0)
        total += self._ledger.breaches_of_cash(cash).sum(axis=-1)
        if len(self._over):
            over, bottoms = (
                now[:, None] + more for now, more in zip((self._over, self._bottoms), self._rises, strict=True)
            )
            total += per_unit(np.maximum(over, 0.0)[..., None], bottoms)[..., 0].sum(axis=0)
        if self._ledger.asked:
            self._ask(total)
        return np.asarray(total)

    def make(self, place: int) -> None:
        """Make one of the changes; what it would bring again means nothing."""
        position = self._places[place]
        self._units[position] += self._changes.units[0, place]
        self._weights[position] += self._moved[position]
        self._traded += float(self._further[place])
        self._over, self._bottoms = self._over + self._rises[0][:, place], self._bottoms + self._rises[1][:, place]

    def _ask(self, total: Vector) -> None:
        """Add what limits say that have to be asked one by one."""
        size = max(1, AT_A_TIME // len(self._weights))
        for start in range(0, len(self._changes), size):
            block = np.arange(start, min(start + size, len(self._changes)))
            tried = self._changes.some(block).applied(self._units)
            total[block] += self._ledger.breaches_asked(tried).sum(axis=-1)
