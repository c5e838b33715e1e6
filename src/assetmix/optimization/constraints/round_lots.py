"""Trades in whole lots."""

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
from assetmix.optimization.scope import Scope, describe


@constraint("round_lots")
@dataclass(frozen=True, slots=True, kw_only=True)
class RoundLots(Constraint):
    """Each trade of `scope` is a whole number of the instrument's lots or steps in the optimum itself.

    Without it the optimum is continuous, and orders are rounded from it. Makes the problem
    mixed-integer; give the cash a band, for whole lots seldom spend the last cent.
    """

    kind: Literal["round_lots"] = "round_lots"
    scope: Scope = "all"

    def is_integer(self, problem: Problem) -> bool:  # noqa: ARG002 - always
        """Whole numbers."""
        return True

    def rows(self, problem: Problem) -> tuple[Row, ...]:
        """One row an instrument."""
        ids = (problem.universe.ids[i] for i in problem.members(self.scope))
        return tuple(Row(f"orders.{key}", self.titled(f"order of {key} is in whole lots")) for key in ids)

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State z = lots x weight of a lot."""
        members = problem.members(self.scope)
        if len(members):
            lot = decision.parameter(lot_weights)
            label = self.titled(f"orders of {describe(self.scope)} are in whole lots")
            yield Limit((decision.trades - cp.multiply(lot, decision.lots))[members], "==", 0.0, label)

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Distance of each trade from a whole number of lots."""
        members = problem.members(self.scope)
        lots = lot_weights(problem)[members]
        trades = (outcome.weights - problem.current_weights)[..., members]
        return np.asarray(np.abs(trades - lots * np.round(trades / lots)))


def lot_weights(problem: Problem) -> Vector:
    """Weight (n,) of one lot of each instrument."""
    steps = problem.steps
    return np.asarray(steps * problem.prices / problem.value)
