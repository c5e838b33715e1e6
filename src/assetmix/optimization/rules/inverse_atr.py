"""Weights inverse to the average true range."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault, MissingData
from assetmix.optimization.problem import Problem
from assetmix.optimization.rule import Rule, rule

LONGEST_WINDOW = 10_000


@rule("inverse_atr")
@dataclass(frozen=True, slots=True, kw_only=True)
class InverseAverageTrueRange(Rule):
    """Units held are inverse to the average true range of the last `window` sessions.

    The true range is the largest of high - low and the distances of high and low from the close
    before; the weight is then in proportion to price / average true range. Prices need `high`
    and `low`.

    Source: Wilder, New Concepts in Technical Trading Systems (1978), for the true range; here
    it is averaged with equal weights.
    """

    tables = frozenset({"high", "low", "close"})
    rule: Literal["inverse_atr"] = "inverse_atr"
    window: int = 14

    def faults(self) -> tuple[Fault, ...]:
        """Refuse a window that is no number of sessions."""
        if 1 <= self.window <= LONGEST_WINDOW:
            return ()
        return (Fault("/window", "out-of-range", f"window lies between 1 and {LONGEST_WINDOW} sessions"),)

    def shares(self, problem: Problem, members: Vector) -> Vector:
        """Price over average true range, scaled to sum to 1.

        Raises
        ------
        MissingData
            when highs, lows or closes of the window are missing, or do not move at all
        """
        ratios = np.zeros_like(members)
        for position in np.flatnonzero(members):
            ratios[position] = self._price_over_range(problem, int(position))
        return np.asarray(ratios / ratios.sum())

    def _price_over_range(self, problem: Problem, position: int) -> float:
        """Last close over the average range, both adjusted as the close is: a split is no range."""
        columns = [problem.tables[name][:, position] for name in ("high", "low", "close", "adjusted")]
        table = np.column_stack(columns)
        high, low, raw, close = table[np.isfinite(table).all(axis=1)].T
        high, low = high * close / raw, low * close / raw
        before = close[:-1]
        ranges = np.maximum(high[1:] - low[1:], np.maximum(np.abs(high[1:] - before), np.abs(low[1:] - before)))
        average = float(ranges[-self.window :].mean()) if len(ranges) >= self.window else 0.0
        if average > 0:
            return float(close[-1]) / average
        key = problem.universe.ids[position]
        detail = f"{key} has no {self.window} true ranges above 0; load high, low and close, or shorten the window"
        raise MissingData(detail, [Fault("/strategy/objective/window", "missing-price", detail)])
