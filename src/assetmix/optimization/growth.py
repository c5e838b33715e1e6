"""One measure of a tail in a program that grows: thresholds and excesses of the items that are known so far."""

import numpy as np

from assetmix.domain.arrays import Positions, Vector
from assetmix.optimization.programs.cut_engine import CutEngine
from assetmix.optimization.tail import cvar, value_at_risk
from assetmix.optimization.tails import WORST, Tail

BEGIN = 1.25
"""So many times the items of the tail are known from the start: few of the best portfolio's are missing then."""

AT_ONCE = 16
"""So many items are added at a time where only the largest loss counts."""


class Growth:
    """Rows height >= sum of weights x (threshold + mean excess), excess >= loss - threshold, item by item.

    Parameters
    ----------
    tail : what the height is to lie above
    unit : that losses are stated in
    height : column of the height
    weights : (n,) columns of the portfolio's weights
    """

    def __init__(self, engine: CutEngine, tail: Tail, unit: float, height: int, weights: Positions) -> None:
        self.engine = engine
        self.tail = tail
        self._unit = unit
        self._height = height
        self.weights = weights
        self._parts = [_Part(self, factor, level) for factor, level in tail.parts]
        self.row = self._stated()

    def missing(self, x: Vector) -> float:
        """By how much the height falls short of what it stands for, in units."""
        losses = self._losses(x)
        return sum(part.value(losses) for part in self._parts) - float(x[self._height])

    def begin(self, portfolio: Vector) -> None:
        """Know the worst items of a portfolio (n,)."""
        losses = self.tail.losses(portfolio) / self._unit
        for part in self._parts:
            part.add(portfolio, part.first(losses, portfolio))

    def extend(self, x: Vector, close: float) -> bool:
        """Know the items that an answer puts into the tail without counting them; whether there were any."""
        losses, portfolio = self._losses(x), x[self.weights]
        new = [part.unknown(losses, x, close) for part in self._parts]
        for part, items in zip(self._parts, new, strict=True):
            part.add(portfolio, items)
        return any(len(items) for items in new)

    def _losses(self, x: Vector) -> Vector:
        return self.tail.losses(x[self.weights]) / self._unit

    def _stated(self) -> int:
        columns = np.array([self._height, *(part.threshold for part in self._parts)])
        entries = np.array([1.0, *(-part.factor for part in self._parts)])
        return int(self.engine.add_rows(columns[None, :], entries[None, :])[0])

    def loss_rows(self, portfolio: Vector, items: Positions) -> tuple[Positions, Vector]:
        """Columns (k, n) and entries (k, n) of items' negative losses, linear at a portfolio."""
        losses = self.tail.rows(portfolio, items) / self._unit
        return np.tile(self.weights, (len(items), 1)), -losses


class _Part:
    """One level of a tail: its threshold, and the column of each item's excess."""

    def __init__(self, growth: Growth, factor: float, level: float) -> None:
        self._growth = growth
        self.factor = factor
        self._level = level
        self.threshold = int(growth.engine.add_columns(np.full(1, -np.inf))[0])
        self._excess = np.full(len(growth.tail.probabilities), -1)

    @property
    def _share(self) -> Vector:
        return np.asarray(self._growth.tail.probabilities / (1.0 - self._level))

    def value(self, losses: Vector) -> float:
        """Factor x CVaR of the losses (T,)."""
        if self._level == WORST:
            return self.factor * float(losses.max())
        return self.factor * float(cvar(losses, self._level, self._growth.tail.probabilities))

    def first(self, losses: Vector, portfolio: Vector) -> Positions:
        """The items that are known from the start."""
        if self._level == WORST:
            return self._worst(losses, portfolio, -np.inf)
        level = max(0.0, 1.0 - BEGIN * (1.0 - self._level))
        return np.flatnonzero(losses >= value_at_risk(losses, level, self._growth.tail.probabilities))

    def unknown(self, losses: Vector, x: Vector, close: float) -> Positions:
        """Items whose losses the threshold and their excess do not cover."""
        covered = float(x[self.threshold]) + np.where(self._excess >= 0, x[self._excess], 0.0) + close
        if self._level == WORST:
            return self._worst(losses, x[self._growth.weights], float(x[self.threshold]) + close)
        return np.flatnonzero(losses > covered)

    def add(self, portfolio: Vector, items: Positions) -> None:
        """Add the rows of some items, and excesses of those that have none."""
        if not len(items):
            return
        columns, entries = self._growth.loss_rows(portfolio, items)
        ones = np.ones((len(items), 1))
        parts = [columns, np.full((len(items), 1), self.threshold)], [entries, ones]
        if self._level != WORST:
            parts[0].append(self._excesses(items)[:, None])
            parts[1].append(ones)
        self._growth.engine.add_rows(np.hstack(parts[0]), np.hstack(parts[1]))

    def _excesses(self, items: Positions) -> Positions:
        new = items[self._excess[items] < 0]
        if len(new):
            entries = -self.factor * self._share[new]
            self._excess[new] = self._growth.engine.add_columns(np.zeros(len(new)), self._growth.row, entries)
        return np.asarray(self._excess[items])

    def _worst(self, losses: Vector, portfolio: Vector, above: float) -> Positions:
        """The worst items of different groups, of those whose losses lie above a level."""
        groups = self._growth.tail.groups(portfolio)
        starts = np.flatnonzero(np.diff(groups, prepend=groups[0] - 1))
        worst = np.maximum.reduceat(losses, starts)
        chosen = np.argsort(-worst, kind="stable")[:AT_ONCE]
        ends = np.append(starts[1:], len(losses))
        found = [int(starts[one] + np.argmax(losses[starts[one] : ends[one]])) for one in chosen if worst[one] > above]
        return np.array(found, dtype=np.intp)
