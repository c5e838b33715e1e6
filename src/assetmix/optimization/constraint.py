"""A Constraint is a list of limits that a portfolio must keep, with their numeric twin."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from assetmix.domain.arrays import Positions, Vector
from assetmix.errors import Fault
from assetmix.optimization.limit import Limit, Row
from assetmix.optimization.measure import Measure, Tangent
from assetmix.optimization.register import Register
from assetmix.optimization.scope import Scope

if TYPE_CHECKING:
    from assetmix.optimization.decision import Decision
    from assetmix.optimization.planes import Planes
    from assetmix.optimization.problem import Problem
    from assetmix.optimization.ratio import RatioBand


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Where portfolios end: weights (..., n) and cash (...) as fractions of value before trading."""

    weights: Vector
    cash: Vector | float


@dataclass(frozen=True, slots=True, eq=False)
class Most:
    """At most `count` of some members are held, or traded."""

    what: Literal["held", "traded"]
    members: Positions
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint(ABC):
    """Rows that must hold after trading.

    `rows`, `limits` and `breach` speak of the same rows in the same order: their names, their
    cvxpy form and the distance by which a finished portfolio misses each, 0 where it is kept.
    With a `penalty` the constraint is soft: each unit of breach costs that many units of the
    objective.
    """

    tables: ClassVar[frozenset[str]] = frozenset()
    shown: ClassVar[Literal["percent", "number"]] = "percent"
    """How a change of a bound is written for people: in percent of value, or as the plain number that it is."""
    exact: ClassVar[bool] = False
    """Whether the rows ask for exact figures, which whole lots cannot give: rounding comes as near as it can."""
    kind: str
    name: str | None = None
    penalty: float | None = None

    @abstractmethod
    def rows(self, problem: "Problem") -> tuple[Row, ...]:
        """Names of the rows."""

    @abstractmethod
    def limits(self, problem: "Problem", decision: "Decision") -> Iterator[Limit]:
        """State the rows for the solver."""

    @abstractmethod
    def breach(self, problem: "Problem", outcome: Outcome) -> Vector:
        """Distance outside each row, 0 inside, in the row's own unit; shape (..., rows)."""

    def scale(self, problem: "Problem") -> float:  # noqa: ARG002 - most limits are of weights, whose size is one
        """Unit in which `limits` states the rows: solvers' tolerances and ours are relative to it."""
        return 1.0

    def price_unit(self, problem: "Problem", weights: Vector) -> float:  # noqa: ARG002 - most rows are stated as named
        """Factor from the price of a row as stated to the price of a unit of the limit as named."""
        return 1.0

    def excess(self, problem: "Problem", outcome: Outcome) -> Vector:
        """Breach as a solver sees it; differs from `breach` where a ratio is kept linear."""
        return self.breach(problem, outcome)

    def cash_floor(self, problem: "Problem") -> float:  # noqa: ARG002 - only a cash band has one
        """Lower bound that the constraint sets on cash, fraction of value; minus infinity for none."""
        return -math.inf

    def cash_ceiling(self, problem: "Problem") -> float:  # noqa: ARG002 - only a cash band has one
        """Upper bound that the constraint sets on cash, fraction of value; infinity for none."""
        return math.inf

    def turnover_ceiling(self, problem: "Problem") -> float:  # noqa: ARG002 - only a cap of turnover has one
        """Upper bound of the sum of absolute trades, where that is all the constraint says; infinity for none."""
        return math.inf

    def is_integer(self, problem: "Problem") -> bool:  # noqa: ARG002 - most limits are not
        """Whether the rows need binary variables."""
        return False

    def most(self, problem: "Problem") -> "Most | None":  # noqa: ARG002 - few count
        """How many instruments may be held or traded, where the constraint says so."""
        return None

    def smallest(self, problem: "Problem") -> tuple[Vector | float, Vector | float]:  # noqa: ARG002 - few have any
        """Smallest orders and smallest positions (n,) beside 0 that the constraint leaves; 0 for any."""
        return 0.0, 0.0

    def box(self, problem: "Problem") -> tuple[Vector | float, Vector | float]:  # noqa: ARG002 - few bound single weights
        """Lowest and highest weights (n,) that the constraint leaves; infinite where it says nothing."""
        return -math.inf, math.inf

    def planes(self, problem: "Problem") -> "Planes | None":  # noqa: ARG002 - many look at more than weights
        """The rows as sums of shares of weights between bounds, where they are no more than that.

        The same for every account of a structure; None where holdings, money or curves count.
        """
        return None

    def ratio(self, problem: "Problem") -> "RatioBand | None":  # noqa: ARG002 - few are ratios
        """The rows as a band around a ratio of two sums of shares of weights, where they are no more than that."""
        return None

    def tangents(self, problem: "Problem", weights: Vector) -> tuple[Tangent, ...]:  # noqa: ARG002 - most rows are linear
        """Affine functions nowhere above what the rows bound, in units of `scale`, touching at weights (n,).

        Only rows that are not piecewise linear have any: one tangent for each upper bound.
        """
        return ()

    def ceiling(self, problem: "Problem") -> float:  # noqa: ARG002 - only rows with tangents have one
        """Upper bound, in units of `scale`, that the rows with tangents are kept below."""
        return math.inf

    def loosened(self, place: int, by: float) -> "Constraint | None":  # noqa: ARG002 - only ratios answer
        """Give the constraint with its bound at `place` moved outwards; None where a slack does as well."""
        return None

    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the constraint whatever it is applied to; pointers relative to it."""
        lower, upper = getattr(self, "lower", None), getattr(self, "upper", None)
        if lower is None or upper is None or lower <= upper:
            return ()
        detail = f"lower bound {lower:g} lies above upper bound {upper:g}; swap them or widen the band"
        return (Fault("/lower", "inconsistent-constraints", detail),)

    def scopes(self) -> tuple[tuple[str, Scope], ...]:
        """Scopes that the constraint names, each with its pointer relative to the constraint."""
        named = ((f"/{field}", getattr(self, field, None)) for field in ("scope", "within"))
        return tuple((pointer, scope) for pointer, scope in named if scope is not None)

    def measures(self) -> tuple[tuple[str, Measure], ...]:
        """Measures that the constraint bounds, each with its pointer relative to the constraint."""
        return ()

    def titled(self, label: str) -> str:
        """Put the caller's name for the constraint before a row's label."""
        return label if self.name is None else f"{self.name}: {label}"


constraint: Register[Constraint] = Register("constraint")
