"""A cap on what is traded."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Band, Limit, Row
from assetmix.optimization.problem import Problem


@constraint("turnover")
@dataclass(frozen=True, slots=True, kw_only=True)
class TurnoverLimit(Constraint):
    """The sum of absolute trades, buys and sells both counted, is at most `upper` of value."""

    kind: Literal["turnover"] = "turnover"
    upper: float

    def rows(self, problem: Problem) -> tuple[Row, ...]:  # noqa: ARG002 - the same for every problem
        """One row."""
        return Band(None, self.upper).rows("turnover", self.titled("turnover"))

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:  # noqa: ARG002 - trades suffice
        """State the cap."""
        yield from Band(None, self.upper).limits(cp.sum(decision.sizes))

    def turnover_ceiling(self, problem: Problem) -> float:  # noqa: ARG002 - the same for every problem
        """The cap."""
        return self.upper

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Turnover above the cap."""
        return Band(None, self.upper).breach(np.abs(outcome.weights - problem.current_weights).sum(axis=-1))
