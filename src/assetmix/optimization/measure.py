"""A Measure is a number that a portfolio has; it can be minimized, maximized, bounded or reported."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization.atoms import Expression
from assetmix.optimization.register import Register

if TYPE_CHECKING:
    from assetmix.optimization.decision import Decision
    from assetmix.optimization.problem import Problem


class Role(Enum):
    """What a measure may be used for without leaving convex problems."""

    MINIMIZED = "minimized"
    MAXIMIZED = "maximized"
    BOUNDED_ABOVE = "bounded above"
    BOUNDED_BELOW = "bounded below"


class Needs(Enum):
    """What a measure must be given to have a value."""

    RISK_MODEL = "risk model"
    SCENARIOS = "scenarios"
    EXPECTED_RETURNS = "expected returns"
    BENCHMARK = "benchmark"


CONVEX = frozenset({Role.MINIMIZED, Role.BOUNDED_ABOVE})
LINEAR = frozenset(Role)


@dataclass(frozen=True, slots=True, eq=False)
class Tangent:
    """The affine function height + slope'(v - w) of weights v, at weights w; slope is (n,)."""

    height: float
    slope: Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure(ABC):
    """A number that a portfolio has.

    `expression` states it for the solver, `value` computes it in numpy without the solver's
    words, so that either checks the other; `tangent` proves how far an answer is from the best one.
    """

    roles: ClassVar[frozenset[Role]]
    linearized: ClassVar[bool] = True
    bounded_below: ClassVar[bool] = False
    needs: ClassVar[frozenset[Needs]] = frozenset()
    kind: str
    name: str | None = None

    @property
    def key(self) -> str:
        """Key under which the measure is reported."""
        return self.name or self.kind

    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the measure whatever it is applied to; pointers relative to it."""
        return ()

    @abstractmethod
    def expression(self, problem: "Problem", decision: "Decision", unit: float) -> Expression:
        """State the measure of the decision's weights in a unit, as a cvxpy expression.

        The unit goes into the data, not over the finished expression: solvers have absolute
        tolerances, and the rows inside a cone are as small as the data.
        """

    @abstractmethod
    def value(self, problem: "Problem", weights: Vector) -> Vector:
        """Compute the measure of portfolios with weights (..., n), fractions; shape (...)."""

    @abstractmethod
    def tangent(self, problem: "Problem", weights: Vector, prices: Vector | None) -> Tangent:
        """Give an affine function that lies nowhere above the measure and touches it at the weights.

        Parameters
        ----------
        weights : (n,)
        prices : duals of the rows that `expression` linked under the measure's key, if any; they
            single out the right tangent where there are many
        """


measure: Register[Measure] = Register("measure")
