"""Bounds on the money in a group."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Band, Limit, Row, number
from assetmix.optimization.problem import Problem
from assetmix.optimization.scope import Scope, describe, identify


@constraint("group_value")
@dataclass(frozen=True, slots=True, kw_only=True)
class GroupValue(Constraint):
    """The money in `scope`, by look-through, lies between `lower_amount` and `upper_amount`."""

    kind: Literal["group_value"] = "group_value"
    scope: Scope
    lower_amount: float | None = None
    upper_amount: float | None = None

    def faults(self) -> tuple[Fault, ...]:
        """Refuse crossed bounds."""
        lower, upper = self.lower_amount, self.upper_amount
        if lower is None or upper is None or lower <= upper:
            return ()
        detail = f"lower amount {lower:g} lies above upper amount {upper:g}; swap them or widen the band"
        return (Fault("/lower_amount", "inconsistent-constraints", detail),)

    def rows(self, problem: Problem) -> tuple[Row, ...]:  # noqa: ARG002 - the same for every problem
        """One row a bound."""
        name, label = identify(self.scope), self.titled(f"money in {describe(self.scope)}")
        if self._is_fixed and self.lower_amount is not None:
            return (Row(name, f"{label} is exactly {number(self.lower_amount)}"),)
        lower = () if self.lower_amount is None else (Row(name, f"{label} is at least {number(self.lower_amount)}"),)
        upper = () if self.upper_amount is None else (Row(name, f"{label} is at most {number(self.upper_amount)}"),)
        return lower + upper

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State the bounds on the group's weight, as fractions of value."""
        weight = problem.membership(self.scope) @ decision.weights
        if self._is_fixed:
            yield Limit(weight, "==", decision.parameter(self._lower))
            return
        if self.lower_amount is not None:
            yield Limit(-weight, "<=", -decision.parameter(self._lower))
        if self.upper_amount is not None:
            yield Limit(weight, "<=", decision.parameter(self._upper))

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Distance outside each bound, a fraction of value."""
        lower = None if self.lower_amount is None else self._lower(problem)
        upper = None if self.upper_amount is None else self._upper(problem)
        return Band(lower, upper).breach(outcome.weights @ problem.membership(self.scope))

    def price_unit(self, problem: Problem, weights: Vector) -> float:  # noqa: ARG002 - the same for all weights
        """One unit of money is so large a fraction of value."""
        return 1.0 / problem.value

    @property
    def _is_fixed(self) -> bool:
        return self.lower_amount is not None and self.lower_amount == self.upper_amount

    def _lower(self, problem: Problem) -> float:
        return -np.inf if self.lower_amount is None else self.lower_amount / problem.value

    def _upper(self, problem: Problem) -> float:
        return np.inf if self.upper_amount is None else self.upper_amount / problem.value
