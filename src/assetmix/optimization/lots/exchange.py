"""Exchanges of lots: what brings limits nearer, and what improves the objective itself."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix, Vector
from assetmix.optimization.lots.breach_sum import BreachSum
from assetmix.optimization.lots.changes import Changes
from assetmix.optimization.lots.form import Form
from assetmix.optimization.lots.ledger import Ledger
from assetmix.optimization.lots.levels import FUZZ, Levels, stays
from assetmix.optimization.lots.moves import FEW, MOST_PAIRS, Pairs, moves
from assetmix.optimization.lots.room import Room
from assetmix.optimization.lots.standing import Standing
from assetmix.optimization.problem import Problem
from assetmix.optimization.tolerances import DIGITS, RESIDUAL
from assetmix.optimization.verify import objective_value

SWAPS = 50
"""Most exchanges of lots; each is the best of all single steps and pairs."""

LOOKED_AT = 1_000
"""So many of the best exchanges are held against cash and limits."""

AT_A_TIME = 20
"""So many together, where they are not of two instruments at most."""

MOST_PAIRED = 1_000
"""Of more instruments those with the largest lots are paired: tables grow with the square of their number."""

IMPROVED = 1e-4
"""Part of the objective that an exchange must gain.

What lies below it adds up to some three hundredths of a percent, for a fifth of the time.
"""


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
        broken = float(self._ledger.breaches(units).sum())
        for _ in range(SWAPS if broken > RESIDUAL and self._movable.any() else 0):
            nearer, left = self._nearer(units)
            if left >= broken - FUZZ * RESIDUAL:
                break
            units, broken = np.round(nearer, DIGITS), left
        return units

    def improve(self, units: Vector, form: Form | None) -> Vector:
        """Exchange lots while that improves the objective, and leaves no more idle cash than a lot costs.

        With a quadratic `form` every pair is looked at, by a rank-two update; otherwise pairs are
        only looked at where they are few.
        """
        if not self._movable.any():
            return units
        pairs = None if form is None or int(self._movable.sum()) <= FEW else self._pairs(form)
        for _ in range(SWAPS):
            better = self._ranked(units) if form is None or pairs is None else self._paired(units, form, pairs)
            if better is None:
                break
            units = np.round(better, DIGITS)
        return units

    def _nearer(self, units: Vector) -> tuple[Vector, float]:
        """The best single step, or of few instruments the best pair too, and what it leaves of all breaches."""
        if int(self._movable.sum()) > MOST_PAIRS:
            found = [self._nearer_by_one(units, way * self._steps) for way in (1.0, -1.0)]
            return min(found, key=lambda one: one[1])
        tried = units + moves(self._steps, self._problem.prices, self._movable)
        left = np.where(self._possible(tried), self._ledger.breaches(tried).sum(axis=-1), np.inf)
        best = int(np.argmin(left))
        return tried[best], float(left[best])

    def _nearer_by_one(self, units: Vector, steps: Vector) -> tuple[Vector, float]:
        """The same of single steps (n,) of those that may be exchanged."""
        standing, members = Standing(self._ledger, units), np.flatnonzero(self._movable)
        single = Changes.single(members, steps[members])
        cash = standing.cash_after(single)
        possible = standing.is_orderly(single) & (cash >= self._ledger.floor)
        left = np.where(possible, BreachSum(self._ledger, standing, single).after(cash), np.inf)
        best = int(np.argmin(left))
        return single.made(units, best), float(left[best])

    def _ranked(self, units: Vector) -> Vector | None:
        """The best change by the objective's value of all that are looked at; None where there is none."""
        problem = self._problem
        changes = moves(self._steps, problem.prices, self._movable)
        tried = self._ledger.weights(np.vstack([units, units + changes]))
        values = problem.objective.sign * objective_value(problem, tried)
        gains = values[1:] - values[0]
        better = np.flatnonzero(gains < -IMPROVED * abs(values[0]))
        best = better[np.argsort(gains[better])][:LOOKED_AT]
        blocks = (changes[best[start : start + AT_A_TIME]] for start in range(0, len(best), AT_A_TIME))
        return next((one for block in blocks for one in self._fine(units, block)), None)

    def _fine(self, units: Vector, changes: Matrix) -> Iterator[Vector]:
        """Trades (n,) with enough cash, none of it idle, in whole orders, and no limit broken anew."""
        tried = np.vstack([units, units + changes])
        cash, breaches = self._ledger.cash(tried), self._ledger.breaches(tried)
        kept = (breaches <= np.maximum(breaches[0], RESIDUAL)).all(axis=-1)
        fine = self._possible(tried) & (cash <= max(float(cash[0]), self._idle)) & kept
        yield from tried[1:][fine[1:]]

    def _pairs(self, form: Form) -> Pairs:
        members = np.flatnonzero(self._movable)
        if len(members) > MOST_PAIRED:
            lots = (self._steps * self._problem.prices)[members]
            members = np.sort(members[np.argpartition(-lots, MOST_PAIRED)[:MOST_PAIRED]])
        return Pairs(form, self._steps, self._problem, members)

    def _paired(self, units: Vector, form: Form, pairs: Pairs) -> Vector | None:
        """The best change of one instrument or two by the quadratic form; None where there is none."""
        standing = Standing(self._ledger, units)
        least = IMPROVED * abs(float(form.value(standing.weights)))
        changes, losses = pairs.better(form.gradient(standing.weights), least, LOOKED_AT)
        cash = standing.cash_after(changes)
        paid = ((cash >= self._ledger.floor) & (cash <= max(standing.cash, self._idle))).nonzero()[0]
        changes, losses = changes.some(paid), losses[paid]
        fine = (standing.is_orderly(changes) & Room(standing, changes).fits(slice(None), cash[paid])).nonzero()[0]
        changes = changes.some(fine[losses[fine].argsort(kind="stable")])
        place = standing.first_kept(changes)
        return None if place is None else changes.made(units, place)

    @cached_property
    def _idle(self) -> float:
        """Cash below which less than a lot's worth is idle."""
        lots = (self._steps * self._problem.prices)[(self._steps > 0) & (self._problem.allowed > 0)]
        return self._ledger.floor + float(lots.min(initial=np.inf))

    def _possible(self, units: Vector) -> NDArray[np.bool_]:
        """Trades (k, n) with enough cash, in orders that are large enough, that sell no more than there is."""
        problem: Problem = self._problem
        small = (units != 0) & (np.abs(units) * problem.prices < problem.trading.min_order_amount)
        short = (problem.quantities + units < np.minimum(problem.quantities, 0.0)) & ~np.array(
            problem.strategy.shorting
        )
        return np.asarray((self._ledger.cash(units) >= self._ledger.floor) & ~(small | short).any(axis=-1))
