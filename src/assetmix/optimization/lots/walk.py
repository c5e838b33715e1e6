"""The walk from trades rounded towards none to whole lots.

Each trade has two levels: rounded towards no trade (`low`) and one step further (`high`). The
walk starts low, first completes sells where cash is short, then completes trades one by one, the
best first, as far as cash and limits allow.
"""

import math

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Positions, Vector
from assetmix.optimization.lots.breach_sum import BreachSum
from assetmix.optimization.lots.changes import Changes
from assetmix.optimization.lots.ledger import Ledger
from assetmix.optimization.lots.levels import Levels, worthwhile
from assetmix.optimization.lots.merit import Merit, by_deviation
from assetmix.optimization.lots.room import Room
from assetmix.optimization.lots.standing import ROUNDOFF, Standing
from assetmix.optimization.tolerances import DIGITS, MONEY, RESIDUAL

FINE = 1e-7
"""Worth of a step, fraction of value, below which steps are taken all at once: a tenth of what a limit allows."""


PARTS = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Parts of the steps that are tried together, largest first: where a limit binds, all of them may be too many."""


TOGETHER = 64
"""One in so many sells is completed at a time where cash is short."""

SHORTEST, LONGEST = 8, 128
"""So many steps make a path at most; where limits have to be asked, more each time that all of them were kept."""

ALL = slice(None)


class Walk:
    """Units (n,) on their way between their levels."""

    def __init__(self, ledger: Ledger, between: Levels, merit: Merit) -> None:
        self._ledger = ledger
        self._problem = ledger.problem
        self._between = between
        self._merit = merit
        self.units = between.low.copy()

    def at_once(self) -> bool:
        """Where every step is tiny: complete sells, then buys as far as cash goes, the best first.

        All of them, or as large a part as breaks no limit; whether any was possible.
        """
        problem, open_ended = self._problem, self._open()
        worth = np.abs(self._between.high - self._between.low) * problem.prices
        if float(worth.max(initial=0.0)) > FINE * problem.value:
            return False
        before = np.maximum(self._ledger.breaches(self.units), RESIDUAL)
        sells, buys = (self._by_merit(open_ended[side * self._between.wanted[open_ended] > 0]) for side in (-1.0, 1.0))
        for part in PARTS:
            self.units = self._partly(sells[: int(part * len(sells))], buys[: int(part * len(buys))])
            if not self._short() and bool((self._ledger.breaches(self.units) <= before).all()):
                return True
        self.units = self._between.low.copy()
        return False

    def _by_merit(self, positions: Positions) -> Positions:
        _, merits = self._merit.steps(self.units, positions, self._changes(positions))
        return np.asarray(positions[np.argsort(merits, kind="stable")])

    def _partly(self, sells: Positions, buys: Positions) -> Vector:
        """Units (n,) from the low level with some sells completed, and of some buys what cash allows."""
        units = self._between.low.copy()
        units[sells] = self._between.high[sells]
        further = self._between.high[buys] - units[buys]
        paid = np.cumsum(-self._ledger.cash_changes(units, buys, further))
        taken = buys[paid <= float(self._ledger.cash(units)) - self._ledger.floor]
        units[taken] = self._between.high[taken]
        return units

    def raise_cash(self) -> None:
        """Sell a step more, then buy a step less, until cash reaches its floor."""
        open_ended = self._open()
        held = self._problem.quantities + self._between.high
        sells = open_ended[(self._between.wanted[open_ended] < 0) & (held[open_ended] >= 0)]  # no short proceeds
        while self._short() and len(sells):
            merits = self._merit.steps(self.units, sells, self._changes(sells))[1]
            best = np.argsort(merits, kind="stable")[: max(1, len(sells) // TOGETHER)]
            brought = np.cumsum(self._ledger.cash_changes(self.units, sells[best], self._changes(sells[best])))
            best = best[: 1 + int(np.searchsorted(brought, self._missing()))]
            self.units[sells[best]] = self._between.high[sells[best]]
            sells = np.delete(sells, best)
        while self._short() and (self.units > 0).any():
            largest = int(np.argmax(self.units * self._problem.prices))
            self.units[largest] = self._fewer(largest)
            self.units = worthwhile(self._problem, self.units)

    def mend(self) -> bool:
        """Take steps further that bring the portfolio back inside its limits, best first; whether there were any."""
        broken, positions = float(self._ledger.breaches(self.units).sum()), self._open()
        if broken <= RESIDUAL or not len(positions):
            return False
        standing, changes = Standing(self._ledger, self.units), Changes.single(positions, self._changes(positions))
        sums, cash = BreachSum(self._ledger, standing, changes), standing.cash_after(changes)
        money, is_open = cash - standing.cash, np.ones(len(positions), dtype=bool)
        while broken > RESIDUAL:
            left = np.where(is_open & (cash >= self._ledger.floor), sums.after(cash), np.inf)
            best = int(left.argmin())
            if left[best] >= broken:
                break
            self._take(int(positions[best]))
            sums.make(best)
            is_open[best], cash, broken = False, cash + money[best], float(left[best])
        return not is_open.all()

    def complete(self) -> None:
        """Take one step more where it is affordable and breaks no limit, the best first."""
        reach = SHORTEST
        while len(positions := self._open()):
            standing, changes = Standing(self._ledger, self.units), Changes.single(positions, self._changes(positions))
            path = positions[self._path(standing, changes, reach if self._ledger.asked else LONGEST)]
            taken = self._went(path) if len(path) else 0
            # limits may have to be asked, and sums of money that are just enough may differ by their last digit
            may_go_on = bool(self._ledger.asked) or len(path) > 0
            if not taken and not (may_go_on and self._took_one(standing, changes)):
                return
            reach = min(2 * reach, LONGEST) if taken == len(path) else SHORTEST

    def _path(self, standing: Standing, changes: Changes, most: int) -> list[int]:
        """Places of the best step, the best after it and so on, so many at most, as far as cash and limits go."""
        places, money, cash = changes.places[0], standing.cash_after(changes) - standing.cash, standing.cash
        room, trail = Room(standing, changes), self._merit.trail(self.units, places, changes.units[0])
        # cash is counted along the path: its sells may pay for buys that are too dear now
        is_open, is_for_cash = room.fits(ALL, np.asarray(cash)), ~self._must_improve(places)
        chosen: list[int] = []
        while len(chosen) < most:
            now, merits = trail.merits()
            useful = is_open & (cash + money >= self._ledger.floor) & ((merits < now) | is_for_cash)
            best = int(np.where(useful, merits, np.inf).argmin())
            if not useful[best]:
                break
            if not room.fits(best, cash + money[best]):
                is_open &= room.fits(ALL, cash + money)
                continue
            trail.make(best)
            room.make(best)
            chosen.append(best)
            is_open[best], cash = False, cash + float(money[best])
        return chosen

    def _went(self, path: Positions) -> int:
        """Take as many steps of a path as keep every limit together, and say how many."""
        tried = np.tile(self.units, (len(path) + 1, 1))
        for number, position in enumerate(path.tolist()):
            tried[number + 1 :, position] = self._between.high[position]
        broken = self._ledger.breaches(tried)
        kept = (broken[1:] <= np.maximum(broken[0], RESIDUAL) + ROUNDOFF).all(axis=-1)
        kept &= self._ledger.cash(tried[1:]) >= self._ledger.floor
        count = len(kept) if kept.all() else int(np.argmin(kept))
        self.units = tried[count].copy()
        return count

    def _took_one(self, standing: Standing, changes: Changes) -> bool:
        """Take the best of some steps that by itself is affordable and keeps every limit; whether there was one."""
        positions, cash = changes.places[0], standing.cash_after(changes)
        now, merits = self._merit.steps(self.units, positions, changes.units[0])
        useful = (cash >= self._ledger.floor) & Room(standing, changes).fits(ALL, cash)
        chosen = np.flatnonzero(useful & ((merits < now) | ~self._must_improve(positions)))
        ordered = chosen[np.argsort(merits[chosen], kind="stable")]
        place = standing.first_kept(changes.some(ordered))
        if place is not None:
            self._take(int(positions[ordered[place]]))
        return place is not None

    def _must_improve(self, positions: Positions) -> NDArray[np.bool_]:
        """Idle cash is put to work, but sells, and steps by deviation, are made for their merit only."""
        return np.asarray((self._between.wanted[positions] < 0) | by_deviation(self._problem))

    def _open(self) -> Positions:
        movable = (self.units == self._between.low) & (self._between.high != self._between.low)
        return np.flatnonzero(movable)

    def _changes(self, positions: Positions) -> Vector:
        return np.asarray(self._between.high[positions] - self.units[positions])

    def _short(self) -> bool:
        return self._missing() > MONEY * max(1.0, self._problem.value)

    def _missing(self) -> float:
        return self._ledger.floor - float(self._ledger.cash(self.units))

    def _fewer(self, position: int) -> float:
        """Units to buy of one instrument when the money that is missing is saved there, as far as it goes."""
        step, units = float(self._between.steps[position]), float(self.units[position])
        less = self._missing() / float(self._problem.prices[position])
        if step == 0:
            return max(0.0, units - less)
        return max(0.0, round((round(units / step) - math.ceil(less / step)) * step, DIGITS))

    def _take(self, position: int) -> None:
        self.units[position] = self._between.high[position]
