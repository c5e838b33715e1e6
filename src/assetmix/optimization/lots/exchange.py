"""Exchanges of lots: what brings limits nearer, and what improves the objective itself."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix, Vector
from assetmix.optimization.lots.ledger import Ledger
from assetmix.optimization.lots.levels import FUZZ, Levels, stays
from assetmix.optimization.lots.merit import Form
from assetmix.optimization.lots.moves import FEW, Pairs, moves
from assetmix.optimization.problem import Problem
from assetmix.optimization.tolerances import DIGITS, RESIDUAL
from assetmix.optimization.verify import objective_value

SWAPS = 50
"""Most exchanges of lots; each is the best of all single steps and pairs."""

LOOKED_AT = 200
"""So many of the best exchanges are checked against cash and limits."""

AT_A_TIME = 20
"""So many of them together."""

MOST_PAIRED = 1_000
"""Of more instruments those with the largest lots are paired: tables grow with the square of their number."""

IMPROVED = 1e-9
"""Part of the objective that an exchange must gain."""


class Exchange:
    """Exchanges lots of what may be traded and is neither closed (a full exit stays exact) nor near enough to stay."""

    def __init__(self, ledger: Ledger, between: Levels, target: Vector) -> None:
        self._ledger = ledger
        self._problem = problem = ledger.problem
        open_ended = (between.low != -problem.quantities) & ~stays(problem, target)
        self._movable = (problem.tradable > 0) & (problem.allowed > 0) & open_ended & (between.steps > 0)
        self._steps = between.steps

    def repair(self, units: Vector) -> Vector:
        """Exchange lots, further than one step from the optimum if need be, while that brings limits nearer."""
        if float(self._ledger.breaches(units).sum()) <= RESIDUAL:
            return units
        changes = self._moves()
        for _ in range(SWAPS if len(changes) else 0):
            tried = np.vstack([units, units + changes])
            broken = np.where(self._possible(tried), self._ledger.breaches(tried).sum(axis=-1), np.inf)
            best = int(np.argmin(broken[1:])) + 1
            if broken[best] >= self._ledger.breaches(units).sum() - FUZZ * RESIDUAL:
                break
            units = np.round(tried[best], DIGITS)
        return units

    def improve(self, units: Vector, form: Form | None) -> Vector:
        """Exchange lots while that improves the objective, and leaves no more idle cash than a lot costs.

        With a quadratic `form` every pair is looked at, by a rank-two update; otherwise pairs are
        only looked at where they are few.
        """
        if not self._movable.any():
            return units
        few = int(self._movable.sum()) <= FEW
        ranked = self._ranked if form is None or few else self._paired(form)
        for _ in range(SWAPS):
            better = next(self._fine(units, ranked(units)), None)
            if better is None:
                break
            units = better
        return units

    def _moves(self) -> Matrix:
        return moves(self._steps, self._problem.prices, self._movable)

    def _ranked(self, units: Vector) -> Iterator[Matrix]:
        """The best changes (k, n) by the objective's value, some at a time."""
        problem, changes = self._problem, self._moves()
        tried = self._ledger.weights(np.vstack([units, units + changes]))
        values = problem.objective.sign * objective_value(problem, tried)
        gains = values[1:] - values[0]
        better = np.flatnonzero(gains < -IMPROVED * abs(values[0]))
        best = better[np.argsort(gains[better])][:LOOKED_AT]
        for start in range(0, len(best), AT_A_TIME):
            yield changes[best[start : start + AT_A_TIME]]

    def _paired(self, form: Form) -> Callable[[Vector], Iterator[Matrix]]:
        """The best changes (k, n) of one instrument or two by the quadratic form, some at a time."""
        members = np.flatnonzero(self._movable)
        if len(members) > MOST_PAIRED:
            lots = (self._steps * self._problem.prices)[members]
            members = np.sort(members[np.argpartition(-lots, MOST_PAIRED)[:MOST_PAIRED]])
        pairs = Pairs(form, self._steps, self._problem, members)

        def ranked(units: Vector) -> Iterator[Matrix]:
            weights = self._ledger.weights(units)
            least = IMPROVED * abs(float(form.value(weights)))
            return pairs.best(form.gradient(weights), least, (LOOKED_AT, AT_A_TIME))

        return ranked

    def _fine(self, units: Vector, ranked: Iterator[Matrix]) -> Iterator[Vector]:
        """Trades (n,) with enough cash, none of it idle, in whole orders, and no limit broken anew."""
        problem = self._problem
        lots = (self._steps * problem.prices)[(self._steps > 0) & (problem.allowed > 0)]
        least = self._ledger.floor + float(lots.min(initial=np.inf))
        for changes in ranked:
            tried = np.vstack([units, units + changes])
            cash, breaches = self._ledger.cash(tried), self._ledger.breaches(tried)
            kept = (breaches <= np.maximum(breaches[0], RESIDUAL)).all(axis=-1)
            fine = self._possible(tried) & (cash <= max(float(cash[0]), least)) & kept
            for place in np.flatnonzero(fine[1:]):
                yield np.round(tried[place + 1], DIGITS)

    def _possible(self, units: Vector) -> NDArray[np.bool_]:
        """Trades (k, n) with enough cash, in orders that are large enough, that sell no more than there is."""
        problem: Problem = self._problem
        small = (units != 0) & (np.abs(units) * problem.prices < problem.trading.min_order_amount)
        short = (problem.quantities + units < np.minimum(problem.quantities, 0.0)) & ~np.array(
            problem.strategy.shorting
        )
        return np.asarray((self._ledger.cash(units) >= self._ledger.floor) & ~(small | short).any(axis=-1))
