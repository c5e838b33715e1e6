"""A largest volatility of a group by itself."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Matrix, Vector
from assetmix.domain.rows import largest, norms, scaled
from assetmix.errors import Fault
from assetmix.optimization import atoms as cp
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Limit, Row, number
from assetmix.optimization.measure import Measure, Tangent, measure
from assetmix.optimization.problem import Problem
from assetmix.optimization.ratio import per_unit
from assetmix.optimization.scope import Scope, describe, identify
from assetmix.optimization.tolerances import KINK, TINY


@constraint("group_volatility")
@dataclass(frozen=True, slots=True, kw_only=True)
class GroupVolatility(Constraint):
    """What `scope` covers, as if it were a portfolio of its own, has at most the volatility `upper`.

    Kept convex as the group's contribution against its weight, which is therefore none below 0.
    """

    shown = "number"
    kind: Literal["group_volatility"] = "group_volatility"
    scope: Scope
    upper: float

    def faults(self) -> tuple[Fault, ...]:
        """Refuse a bound below 0."""
        if self.upper >= 0:
            return ()
        return (Fault("/upper", "out-of-range", "upper is a standard deviation, 0 or more"),)

    def measures(self) -> tuple[tuple[str, Measure], ...]:
        """The volatility: it needs what that needs."""
        return (("", measure.plain("volatility")),)

    def scale(self, problem: Problem) -> float:
        """Size of the rows of risk, or the bound where that is larger."""
        return max(float(norms(self._rows(problem)).max(initial=0.0)), self.upper) or 1.0

    def rows(self, problem: Problem) -> tuple[Row, ...]:  # noqa: ARG002 - the same for every problem
        """One row."""
        label = f"volatility of {describe(self.scope)} is at most {number(self.upper)}"
        return (Row(identify(self.scope), self.titled(label)),)

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State |R(g x w)| - upper g'w <= 0."""
        unit = self.scale(problem)
        bound = self.upper / unit * problem.membership(self.scope)
        yield Limit(cp.norm2(self._rows(problem) / unit @ decision.weights) - bound @ decision.weights, "<=", 0.0)

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Volatility beyond the bound; that of the contribution where nothing is held."""
        return per_unit(self.excess(problem, outcome), outcome.weights @ problem.membership(self.scope))

    def excess(self, problem: Problem, outcome: Outcome) -> Vector:
        """Breach of the convex form."""
        contribution = np.linalg.norm(outcome.weights @ self._rows(problem).T, axis=-1)
        beyond = contribution - self.upper * (outcome.weights @ problem.membership(self.scope))
        return np.asarray(np.maximum(beyond, 0.0)[..., np.newaxis])

    def loosened(self, place: int, by: float) -> "GroupVolatility":  # noqa: ARG002 - one bound
        """Raise the bound."""
        return replace(self, upper=self.upper + by)

    def price_unit(self, problem: Problem, weights: Vector) -> float:
        """Weight of the group: one unit of volatility is so many units of the convex form."""
        return float(problem.membership(self.scope) @ weights)

    def tangents(self, problem: Problem, weights: Vector) -> tuple[Tangent, ...]:
        """Tangent of the convex form; flatter where the group is all but empty."""
        rows, unit = self._rows(problem), self.scale(problem)
        exposure = rows @ weights
        noise = KINK * largest(rows)
        direction = exposure / max(float(np.linalg.norm(exposure)), noise, TINY)
        slope = (rows.T @ direction - self.upper * problem.membership(self.scope)) / unit
        return (Tangent(float(slope @ weights), slope),)

    def ceiling(self, problem: Problem) -> float:  # noqa: ARG002 - the same for every problem
        """Zero: the bound stands on the left."""
        return 0.0

    def _rows(self, problem: Problem) -> Matrix:
        return scaled(problem.risk_rows, problem.membership(self.scope))
