"""Trades that the market can take."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.impact import traded_volumes
from assetmix.optimization.limit import Limit, Row, percent
from assetmix.optimization.problem import Problem

LONGEST_WINDOW = 10_000
UNLIMITED = 1e6
"""Stands for no cap: far beyond any weight."""


@constraint("participation")
@dataclass(frozen=True, slots=True, kw_only=True)
class Participation(Constraint):
    """Each trade is at most `upper` of the instrument's mean daily volume in money.

    The mean is that of the last `window` sessions; prices need `volume`.
    """

    tables = frozenset({"volume", "close"})
    kind: Literal["participation"] = "participation"
    upper: float
    window: int = 20

    def faults(self) -> tuple[Fault, ...]:
        """Refuse a negative fraction and a window that is no number of sessions."""
        found = []
        if self.upper < 0:
            found.append(Fault("/upper", "out-of-range", "upper is a fraction of daily volume, 0 or more"))
        if not 1 <= self.window <= LONGEST_WINDOW:
            found.append(Fault("/window", "out-of-range", f"window lies between 1 and {LONGEST_WINDOW} sessions"))
        return tuple(found)

    def rows(self, problem: Problem) -> tuple[Row, ...]:
        """One row an instrument."""
        label = f"is at most {percent(self.upper)} of its daily volume"
        return tuple(Row(f"orders.{key}", self.titled(f"trade of {key} {label}")) for key in problem.universe.ids)

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:  # noqa: ARG002 - all trades
        """State |z| <= upper x volume / value."""
        label = self.titled(f"each trade is at most {percent(self.upper)} of daily volume")
        yield Limit(decision.sizes, "<=", decision.parameter(self._most), label)

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Part of each trade beyond the cap."""
        return np.maximum(np.abs(outcome.weights - problem.current_weights) - self._most(problem), 0.0)

    def box(self, problem: Problem) -> tuple[Vector | float, Vector | float]:
        """What is held now, and what may be traded."""
        most = self._most(problem)
        return problem.current_weights - most, problem.current_weights + most

    def loosened(self, place: int, by: float) -> "Participation":  # noqa: ARG002 - one bound
        """Raise the fraction."""
        return replace(self, upper=self.upper + by)

    def price_unit(self, problem: Problem, weights: Vector) -> float:  # noqa: ARG002 - volumes suffice
        """Smallest weight that one day's volume makes: one unit of the limit is so many units of a row."""
        return float(np.min(traded_volumes(problem, self.window)) / problem.value)

    def _most(self, problem: Problem) -> Vector:
        return np.minimum(self.upper * traded_volumes(problem, self.window) / problem.value, UNLIMITED)
