"""A largest number of holdings."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization import atoms as cp
from assetmix.optimization.constraint import Constraint, Most, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Limit, Row
from assetmix.optimization.problem import Problem
from assetmix.optimization.scope import Scope, describe
from assetmix.optimization.tolerances import HELD


@constraint("max_holdings")
@dataclass(frozen=True, slots=True, kw_only=True)
class MaxHoldings(Constraint):
    """At most `count` instruments of `scope` are held after trading, long or short; cash is not counted.

    Makes the problem mixed-integer. A weight beyond a millionth of value counts.
    """

    shown = "number"
    kind: Literal["max_holdings"] = "max_holdings"
    count: int
    scope: Scope = "all"

    def faults(self) -> tuple[Fault, ...]:
        """Refuse a negative number."""
        if self.count >= 0:
            return ()
        return (Fault("/count", "out-of-range", "count is a number of instruments, 0 or more"),)

    def is_integer(self, problem: Problem) -> bool:  # noqa: ARG002 - always
        """Counting needs binaries."""
        return True

    def rows(self, problem: Problem) -> tuple[Row, ...]:  # noqa: ARG002 - the same for every problem
        """One row."""
        inside = "" if self.scope == "all" else f" of {describe(self.scope)}"
        return (Row("holdings.count", self.titled(f"number of holdings{inside} is at most {self.count}")),)

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State the count of indicators."""
        count = cp.sum(decision.held[problem.members(self.scope)])
        yield Limit(count, "<=", float(self.count))

    def most(self, problem: Problem) -> Most:
        """The count, of the scope's members."""
        return Most("held", problem.members(self.scope), self.count)

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """How many too many."""
        found = (np.abs(outcome.weights[..., problem.members(self.scope)]) > HELD).sum(axis=-1)
        return np.asarray(np.maximum(found - self.count, 0.0)[..., np.newaxis], dtype=np.float64)
