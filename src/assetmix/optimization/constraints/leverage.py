"""Gross and net leverage."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization import atoms as cp
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Band, Limit, Row
from assetmix.optimization.problem import Problem


@constraint("leverage")
@dataclass(frozen=True, slots=True, kw_only=True)
class Leverage(Constraint):
    """The sum of absolute weights is at most `gross_upper`, the sum of weights inside a band.

    The band of the net leverage is `net_lower` to `net_upper`; cash does not count.
    """

    kind: Literal["leverage"] = "leverage"
    gross_upper: float | None = None
    net_lower: float | None = None
    net_upper: float | None = None

    def faults(self) -> tuple[Fault, ...]:
        """Refuse crossed net bounds and a negative gross bound."""
        crossed = self.net_lower is not None and self.net_upper is not None and self.net_lower > self.net_upper
        detail = "net_lower lies above net_upper; swap them or widen the band"
        found = [Fault("/net_lower", "inconsistent-constraints", detail)] if crossed else []
        if self.gross_upper is not None and self.gross_upper < 0:
            found.append(Fault("/gross_upper", "out-of-range", "gross leverage is never negative; use 0 or more"))
        return tuple(found)

    def rows(self, problem: Problem) -> tuple[Row, ...]:  # noqa: ARG002 - the same for every problem
        """The gross row, then the net rows."""
        gross = Band(None, self.gross_upper).rows("leverage.gross", self.titled("gross leverage"))
        return (*gross, *Band(self.net_lower, self.net_upper).rows("leverage.net", self.titled("net leverage")))

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:  # noqa: ARG002 - all weights
        """State |w|_1 <= gross and the band on sum(w)."""
        if self.gross_upper is not None:
            yield Limit(cp.norm1(decision.weights), "<=", self.gross_upper)
        yield from Band(self.net_lower, self.net_upper).limits(cp.sum(decision.weights))

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:  # noqa: ARG002 - all weights
        """Distance of gross and net leverage outside their bounds."""
        gross = Band(None, self.gross_upper).breach(np.abs(outcome.weights).sum(axis=-1))
        return np.concatenate(
            [gross, Band(self.net_lower, self.net_upper).breach(outcome.weights.sum(axis=-1))], axis=-1
        )

    def box(self, problem: Problem) -> tuple[Vector | float, Vector | float]:  # noqa: ARG002 - all weights
        """No single weight is larger than the gross leverage."""
        most = np.inf if self.gross_upper is None else self.gross_upper
        return -most, most
