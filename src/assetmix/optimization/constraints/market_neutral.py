"""Long and short positions that balance."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Limit, Row
from assetmix.optimization.problem import Problem


@constraint("market_neutral")
@dataclass(frozen=True, slots=True, kw_only=True)
class MarketNeutral(Constraint):
    """Long and short positions balance: weights without cash sum to 0, and cash is free.

    Needs `"shorting": true` to hold anything at all.
    """

    exact = True
    kind: Literal["market_neutral"] = "market_neutral"

    def rows(self, problem: Problem) -> tuple[Row, ...]:  # noqa: ARG002 - the same for every problem
        """One row."""
        return (Row("net", self.titled("long and short positions sum to 0")),)

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:  # noqa: ARG002 - all weights
        """State sum(w) = 0."""
        yield Limit(cp.sum(decision.weights), "==", 0.0)

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:  # noqa: ARG002 - all weights
        """Size of the net position."""
        return np.asarray(np.abs(outcome.weights.sum(axis=-1)))[..., np.newaxis]
