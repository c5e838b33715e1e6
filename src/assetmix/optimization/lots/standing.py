"""What changes of trades do to cash and limits, for very many of them at once.

Limits that are planes, caps of turnover and cash follow from what changes; only limits that have to
be asked one by one are asked with whole portfolios, and only for changes that are about to be made.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix, Positions, Vector
from assetmix.optimization.lots.changes import Changes
from assetmix.optimization.lots.ledger import Ledger
from assetmix.optimization.ratio import per_unit
from assetmix.optimization.tolerances import RESIDUAL

ROUNDOFF = 1e-14
"""What sums of weights are off by in double precision."""

FIRST, MOST = 4, 256
"""So many changes are asked about together, at first and at most: mostly the best one already keeps every limit."""

Mask = NDArray[np.bool_]


class Standing:
    """Trades (n,) as they stand."""

    def __init__(self, ledger: Ledger, units: Vector) -> None:
        self._ledger = ledger
        self._problem = ledger.problem
        self.units = units
        self.weights = ledger.weights(units)
        self.cash = float(ledger.cash(units))

    def cash_after(self, changes: Changes) -> Vector:
        """Money left (k,) after each change and the costs of its orders."""
        problem = self._problem
        prices = problem.prices[changes.places]
        before = self.units[changes.places] * prices
        moved = changes.units * prices
        costs = problem.costs_at(changes.places, before + moved) - problem.costs_at(changes.places, before)
        return np.asarray(self.cash - (moved + costs).sum(axis=0))

    def is_orderly(self, changes: Changes) -> Mask:
        """Whether orders stay large enough after each change (k,), and sell no more than there is."""
        problem, places = self._problem, changes.places
        after = self.units[places] + changes.units
        wrong = (after != 0) & (np.abs(after) * problem.prices[places] < problem.trading.min_order_amount)
        if not problem.strategy.shorting:
            held = problem.quantities[places]
            wrong |= held + after < np.minimum(held, 0.0)
        return np.asarray(~(wrong & (changes.units != 0)).any(axis=0))

    def first_kept(self, changes: Changes) -> int | None:
        """Place of the first change that keeps also the limits that are asked one by one; None if none does."""
        if not self._ledger.asked:
            return 0 if len(changes) else None
        start, size = 0, FIRST
        while start < len(changes):
            block = np.arange(start, min(start + size, len(changes)))
            kept = np.flatnonzero(self._keeps_asked(changes.some(block)))
            if len(kept):
                return int(block[kept[0]])
            start, size = start + size, min(8 * size, MOST)
        return None

    def moved(self, changes: Changes) -> Vector:
        """By how much weights (d, k) change."""
        return np.asarray(changes.units * self._problem.prices[changes.places] / self._problem.value)

    def further(self, places: Positions, moved: Vector) -> Vector:
        """Turnover (k,) that is added when weights at places (d, k) move."""
        trades = self._trades[places]
        return np.asarray((np.abs(trades + moved) - np.abs(trades)).sum(axis=0))

    @cached_property
    def traded(self) -> float:
        """Turnover of the trades."""
        return float(np.abs(self._trades).sum())

    @cached_property
    def _trades(self) -> Vector:
        return np.asarray(self.weights - self._problem.current_weights)

    @property
    def turnover_left(self) -> float:
        """Turnover that may be added, infinite where there is no cap."""
        most = self._ledger.turnover
        return most + max(self.traded - most, RESIDUAL) + ROUNDOFF - self.traded if np.isfinite(most) else np.inf

    @property
    def cash_band(self) -> tuple[float, float]:
        """Least and most money that limits of cash leave, or as far outside as there is."""
        lower, upper = self._ledger.cash_band
        now, value = self.cash / self._problem.value, self._problem.value
        return value * (min(lower - RESIDUAL, now) - ROUNDOFF), value * (max(upper + RESIDUAL, now) + ROUNDOFF)

    def _keeps_asked(self, changes: Changes) -> Mask:
        broken = self._ledger.breaches_asked(np.vstack([self.units, changes.applied(self.units)]))
        return np.asarray((broken[1:] <= np.maximum(broken[0], RESIDUAL)).all(axis=-1))

    @cached_property
    def box(self) -> tuple[Vector, Vector]:
        """Weights (n,) that planes over single instruments allow, or as far outside as the trades are."""
        lower, upper = self._ledger.box
        return np.minimum(lower - RESIDUAL, self.weights), np.maximum(upper + RESIDUAL, self.weights)

    @cached_property
    def slopes(self) -> tuple[Matrix, Vector]:
        """Rows (r, n) of planes over several instruments and of ratios, and by how much (r,) their values may rise.

        A ratio that may be off by so much is a plane too: top'w - (bound + so much) bottom'w is not above 0.
        """
        sides = self._ledger.sides
        beyond = sides.rows @ self.weights - sides.bounds
        spare = np.maximum(np.maximum(beyond, beyond[sides.twins]), sides.leeway) - beyond + ROUNDOFF
        if beyond[sides.planes :].max(initial=0.0) <= 0:
            return sides.rows, spare
        rows, room = self._broken_ratios()
        planes = slice(sides.planes)
        return np.concatenate([sides.rows[planes], rows]), np.concatenate([spare[planes], room])

    def _broken_ratios(self) -> tuple[Matrix, Vector]:
        """The same of ratios alone, which may be as far off as they are."""
        ratios = self._ledger.slopes
        bottoms, over = ratios.bottoms @ self.weights, ratios.rows @ self.weights
        off = np.maximum(per_unit(np.maximum(over, 0.0)[:, None], bottoms)[:, 0], RESIDUAL)
        off = np.maximum(off, off[ratios.twins])
        return ratios.rows - off[:, None] * ratios.bottoms, off * bottoms - over + ROUNDOFF
