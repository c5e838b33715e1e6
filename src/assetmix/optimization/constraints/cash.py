"""A band for the cash that is left after trading and costs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Limit, Row, outside, percent
from assetmix.optimization.problem import Problem


@constraint("cash")
@dataclass(frozen=True, slots=True, kw_only=True)
class Cash(Constraint):
    """Cash lies inside a band in fractions of value and in money; the tighter bound counts.

    A strategy without a cash constraint holds none: the whole value is invested, less costs.
    """

    kind: Literal["cash"] = "cash"
    lower_fraction: float | None = None
    upper_fraction: float | None = None
    lower_amount: float | None = None
    upper_amount: float | None = None

    def faults(self) -> tuple[Fault, ...]:
        """Refuse a band whose lower end lies above its upper end in the same unit."""
        pairs = (
            ("fraction", self.lower_fraction, self.upper_fraction),
            ("amount", self.lower_amount, self.upper_amount),
        )
        return tuple(
            Fault(f"/lower_{unit}", "inconsistent-constraints", f"lower {lower:g} lies above upper {upper:g}")
            for unit, lower, upper in pairs
            if lower is not None and upper is not None and lower > upper
        )

    def rows(self, problem: Problem) -> tuple[Row, ...]:
        """The lower row, then the upper row, as far as there is a bound; one row where they are equal."""
        if self._is_fixed:
            return (Row("holdings.cash", self.titled(f"cash is exactly {percent(self.lower(problem))}")),)
        lower = Row("holdings.cash", self.titled(f"cash is at least {percent(self.lower(problem))}"))
        upper = Row("holdings.cash", self.titled(f"cash is at most {percent(self.upper(problem))}"))
        return (*((lower,) if self._has_lower else ()), *((upper,) if self._has_upper else ()))

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State the bounds on what the balance leaves."""
        labels = iter(row.label for row in self.rows(problem))
        if self._is_fixed:
            yield Limit(decision.cash, "==", decision.parameter(self.lower), next(labels))
            return
        if self._has_lower:
            yield Limit(-decision.cash, "<=", -decision.parameter(self.lower), next(labels))
        if self._has_upper:
            yield Limit(decision.cash, "<=", decision.parameter(self.upper), next(labels))

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Distance of the cash outside the band."""
        return outside(np.asarray(outcome.cash, dtype=np.float64)[..., np.newaxis], *self.bounds(problem))

    def bounds(self, problem: Problem) -> tuple[Vector, Vector]:
        """Between what cash, a fraction of value, lies by each row (r,); infinite on the side that it leaves open."""
        lower, upper = self.lower(problem), self.upper(problem)
        if self._is_fixed:
            return np.array([lower]), np.array([upper])
        below = [(lower, np.inf)] if self._has_lower else []
        above = [(-np.inf, upper)] if self._has_upper else []
        ends = np.array([*below, *above]).reshape(-1, 2)
        return ends[:, 0], ends[:, 1]

    def cash_floor(self, problem: Problem) -> float:
        """The band's lower end."""
        return self.lower(problem)

    def cash_ceiling(self, problem: Problem) -> float:
        """The band's upper end."""
        return self.upper(problem)

    def lower(self, problem: Problem) -> float:
        """Tighter lower bound as a fraction of value; minus infinity where there is none."""
        amount = -np.inf if self.lower_amount is None else self.lower_amount / problem.value
        fraction = -np.inf if self.lower_fraction is None else self.lower_fraction
        return float(max(amount, fraction))

    def upper(self, problem: Problem) -> float:
        """Tighter upper bound as a fraction of value; infinity where there is none."""
        amount = np.inf if self.upper_amount is None else self.upper_amount / problem.value
        fraction = np.inf if self.upper_fraction is None else self.upper_fraction
        return float(min(amount, fraction))

    @property
    def _is_fixed(self) -> bool:
        in_money = self.lower_amount is not None or self.upper_amount is not None
        return not in_money and self.lower_fraction is not None and self.lower_fraction == self.upper_fraction

    @property
    def _has_lower(self) -> bool:
        return self.lower_fraction is not None or self.lower_amount is not None

    @property
    def _has_upper(self) -> bool:
        return self.upper_fraction is not None or self.upper_amount is not None
