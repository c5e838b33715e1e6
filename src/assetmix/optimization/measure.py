"""A Measure is a number that a portfolio has; it can be minimized, maximized, bounded or reported."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from assetmix.domain.arrays import Matrix, Vector
from assetmix.errors import Fault, InvalidRequest
from assetmix.optimization.atoms import Expression
from assetmix.optimization.register import Register
from assetmix.optimization.scope import Scope

if TYPE_CHECKING:
    from assetmix.optimization.decision import Decision
    from assetmix.optimization.problem import Problem
    from assetmix.optimization.tails import Tail


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


ALWAYS = ("expected_return", "variance", "volatility")
"""Kinds that are reported under their own names wherever the model can give them."""

CONVEX = frozenset({Role.MINIMIZED, Role.BOUNDED_ABOVE})
LINEAR = frozenset(Role)


@dataclass(frozen=True, slots=True, eq=False)
class Tangent:
    """The affine function height + slope'(v - w) of weights v, at weights w; slope is (n,)."""

    height: float
    slope: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Squares:
    """The number |F w - g|^2 with rows F (k, n) and offsets g (k,)."""

    rows: Matrix
    offset: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Fraction:
    """A measure as (top - offset) / bottom; a bottom of 0 makes it 0.

    The bottom is convex and positively homogeneous, the top affine: such a ratio can be maximized
    alone. Where the bottom is affine too, it can also be minimized and bounded.
    """

    top: "Measure"
    bottom: "Measure"
    offset: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure(ABC):
    """A number that a portfolio has.

    `expression` states it for the solver, `value` computes it in numpy without the solver's
    words, so that either checks the other; `tangent` proves how far an answer is from the best
    one. A ratio has a `fraction` in place of expression and tangent. `homogeneous` measures grow
    in proportion to the weights; those that `counts_trades` depend on what is held.
    """

    roles: ClassVar[frozenset[Role]]
    linearized: ClassVar[bool] = True
    bounded_below: ClassVar[bool] = False
    homogeneous: ClassVar[bool] = False
    counts_trades: ClassVar[bool] = False
    needs: ClassVar[frozenset[Needs]] = frozenset()
    kind: str
    name: str | None = None

    @property
    def key(self) -> str:
        """Key under which the measure is reported."""
        return self.name or self.kind

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that the measure reports a figure under; companions are the compounded figures."""
        has_companions = type(self).companions is not Measure.companions
        return (self.key, f"{self.key}_compounded") if has_companions else (self.key,)

    @property
    def is_degree_one_risk(self) -> bool:
        """Whether the measure is convex, to be minimized, and grows in proportion to the weights."""
        return self.homogeneous and Role.MINIMIZED in self.roles

    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the measure whatever it is applied to; pointers relative to it."""
        return ()

    def scopes(self) -> tuple[tuple[str, Scope], ...]:
        """Scopes that the measure names, each with its pointer relative to the measure."""
        named = ((f"/{field}", getattr(self, field, None)) for field in ("scope", "within"))
        return tuple((pointer, scope) for pointer, scope in named if scope is not None)

    def parts(self) -> tuple[tuple[str, "Measure"], ...]:
        """Measures that this one is made of, each with its pointer relative to it."""
        return ()

    def fraction(self) -> Fraction | None:
        """Top and bottom of a ratio; None for every other measure."""
        return None

    def squares(self, problem: "Problem") -> Squares | None:  # noqa: ARG002 - few are
        """The measure as |F w - g|^2, where it is a sum of squares."""
        return None

    def tail(self, problem: "Problem") -> "Tail | None":  # noqa: ARG002 - few are
        """The measure as the worst of many items, where it is that and nothing is gained by stating all of them."""
        return None

    def squared(self) -> "Measure | None":
        """The measure whose square root this one is, if there is one."""
        return None

    def quadratic_at(self, problem: "Problem", weights: Vector) -> "tuple[tuple[float, Measure], ...] | None":  # noqa: ARG002 - few
        """Factors and quadratic measures whose sum touches this one at weights (n,) from above, but for a constant."""
        return None

    def companions(self, problem: "Problem", weights: Vector) -> Mapping[str, float]:  # noqa: ARG002 - few have any
        """Figures that are reported beside the measure of weights (n,), by key."""
        return {}

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


def not_convex(one: Measure) -> InvalidRequest:
    """Refusal of a measure where only convex ones can be stated."""
    detail = f"{one.kind} cannot stand here: it is not convex; maximize it alone, or only report it"
    return InvalidRequest(detail, [Fault("", "not-convex", detail)])


measure: Register[Measure] = Register("measure")
