"""What a solve ends with: a Solution, or NoSolution with its reasons. Both are outcomes."""

from dataclasses import dataclass
from typing import Literal

from assetmix.domain.arrays import Vector
from assetmix.optimization.solvers import SolverUsed


@dataclass(frozen=True, slots=True)
class Binding:
    """A limit that holds the optimum back, and what one unit of relaxation would change."""

    limit: str
    shadow_price: float


@dataclass(frozen=True, slots=True)
class ConflictingLimit:
    """One of the limits that cannot hold together.

    `relax_by` is the smallest change of this limit alone that makes the rest feasible, None if
    no change of it suffices.
    """

    limit: str
    relax_by: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Relaxation:
    """Part of the least total relaxation that makes all limits feasible."""

    limit: str
    relax_by: float


@dataclass(frozen=True, slots=True)
class Verified:
    """What numpy found when it checked the solver: worst breach, and the objective recomputed."""

    max_residual: float
    objective_recomputed: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Weights that keep every hard limit, verified.

    `optimal` when the gap to a proven bound is within tolerance, else `feasible` with the gap
    stated, or None where no bound could be proven.
    """

    status: Literal["optimal", "feasible"]
    weights: Vector
    cash: float
    objective_value: float | None
    proven_gap: float | None
    binding: tuple[Binding, ...]
    solver: SolverUsed
    verified: Verified


@dataclass(frozen=True, slots=True)
class NoSolution:
    """Why there is no answer: limits that fight, or nothing that holds the objective back.

    A conflict that is not proven minimal may name more limits than are needed.
    """

    status: Literal["infeasible", "unbounded", "timed_out"]
    sentence: str
    conflict: tuple[ConflictingLimit, ...] = ()
    joint: tuple[Relaxation, ...] = ()
    conflict_is_minimal: bool = True


TIME_IS_OVER = NoSolution("timed_out", "The time allowed was over before a solver had an answer.")
