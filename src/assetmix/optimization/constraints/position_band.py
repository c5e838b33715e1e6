"""Positions that are 0 or inside a band."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization.constraint import Constraint, Outcome, constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.gaps import band_faults, band_of, gap_limits
from assetmix.optimization.limit import Limit, Row, percent
from assetmix.optimization.problem import Problem
from assetmix.optimization.scope import Scope, describe


@constraint("position_band")
@dataclass(frozen=True, slots=True, kw_only=True)
class PositionBand(Constraint):
    """Each position in `scope` is 0 or has a size inside a band.

    The band is in fractions of value and in money; the tighter bound counts. A short position has
    the size of its absolute weight. Makes the problem mixed-integer.
    """

    kind: Literal["position_band"] = "position_band"
    scope: Scope = "all"
    lower_fraction: float | None = None
    upper_fraction: float | None = None
    lower_amount: float | None = None
    upper_amount: float | None = None

    def faults(self) -> tuple[Fault, ...]:
        """Refuse negative sizes and a band whose lower end lies above its upper end."""
        return band_faults(self)

    def is_integer(self, problem: Problem) -> bool:  # noqa: ARG002 - it depends on the band alone
        """A lower end leaves a gap above 0."""
        return self.lower_fraction is not None or self.lower_amount is not None

    def rows(self, problem: Problem) -> tuple[Row, ...]:
        """For each bound a row an instrument and side."""
        ids = (problem.universe.ids[i] for i in problem.members(self.scope))
        names = [(f"holdings.position.{key}", self.titled(f"weight of {key}")) for key in ids]
        return band_of(self, problem).rows(names, ("long", "short"), self._words(problem))

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State 0 or inside."""
        members = problem.members(self.scope)
        if len(members):
            lower, upper = self._words(problem)
            scope = describe(self.scope)
            labels = (
                f"each position of {scope} is 0 or at least {lower}",
                f"each position of {scope} is at most {upper}",
            )
            sides = decision.positions.some(members)
            titled = (self.titled(labels[0]), self.titled(labels[1]))
            yield from gap_limits(decision, sides, lambda one: band_of(self, one), titled)

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Distance of each size from 0 or the band."""
        values = outcome.weights[..., problem.members(self.scope)]
        return band_of(self, problem).breach(values)

    def smallest(self, problem: Problem) -> tuple[Vector | float, Vector | float]:
        """The band's lower end, inside the scope."""
        sizes = np.where(problem.membership(self.scope) > 0, band_of(self, problem).lower or 0.0, 0.0)
        return 0.0, sizes

    def _words(self, problem: Problem) -> tuple[str, str]:
        band = band_of(self, problem)
        return percent(band.lower or 0.0), percent(band.upper or 0.0)
