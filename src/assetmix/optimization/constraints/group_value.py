"""Bounds on the money in a group."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Band, Limit, Row, number, percent
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

    def rows(self, problem: Problem) -> tuple[Row, ...]:
        """One row a bound."""
        name, label = identify(self.scope), self.titled(f"money in {describe(self.scope)}")
        lower, upper = (_words(amount, problem) for amount in (self.lower_amount, self.upper_amount))
        if self._is_fixed:
            return (Row(name, f"{label} is exactly {lower}"),)
        below = (Row(name, f"{label} is at least {lower}"),) if self.lower_amount is not None else ()
        above = (Row(name, f"{label} is at most {upper}"),) if self.upper_amount is not None else ()
        return below + above

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

    @property
    def _is_fixed(self) -> bool:
        return self.lower_amount is not None and self.lower_amount == self.upper_amount

    def _lower(self, problem: Problem) -> float:
        return -np.inf if self.lower_amount is None else self.lower_amount / problem.value

    def _upper(self, problem: Problem) -> float:
        return np.inf if self.upper_amount is None else self.upper_amount / problem.value


def _words(amount: float | None, problem: Problem) -> str:
    return "" if amount is None else f"{number(amount)} ({percent(amount / problem.value)})"
