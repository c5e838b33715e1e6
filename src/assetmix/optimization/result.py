"""What a run gives back: the current and the best portfolio side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from assetmix.domain.lookthrough import Exposure
from assetmix.domain.order import Order, Skipped
from assetmix.domain.risk import Compression
from assetmix.optimization.overlay import Effect
from assetmix.optimization.recommendation import Recommendation
from assetmix.optimization.solution import Binding, ConflictingLimit, Relaxation, Verified
from assetmix.optimization.solvers import SolverUsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Measures by key before trading and at the continuous optimum."""

    current: Mapping[str, float]
    optimal: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposures:
    """Look-through of the invested value before trading and after the orders."""

    current: Exposure
    optimal: Exposure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaches:
    """Breached limits by id before trading and after the orders; empty where all are kept."""

    current: Mapping[str, float]
    optimal: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastUsed:
    """Expected returns by instrument that the measures were computed with, in the unit of the risk model."""

    expected_returns: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounded:
    """What whole lots make of the optimum: objective, cash and cost in money, turnover."""

    objective_value: float | None
    cash: float
    cost: float
    turnover: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Answer to one question.

    `weights` are the continuous optimum's, `holdings` what the orders lead to, money that is to be
    divested among the cash; both are null
    where there is no solution, and then `conflict` and `sentence` say why.
    """

    status: Literal["optimal", "feasible", "infeasible", "unbounded", "timed_out"]
    sentence: str
    sense: Literal["minimize", "maximize"]
    current_objective_value: float | None
    measures: Figures
    look_through: Exposures
    violations: Breaches
    value: float
    forecast: ForecastUsed | None
    current_holdings: Mapping[str, float]
    prices: Mapping[str, float]
    objective_value: float | None = None
    proven_gap: float | None = None
    weights: Mapping[str, float] | None = None
    holdings: Mapping[str, float] | None = None
    rounded: Rounded | None = None
    binding: tuple[Binding, ...] = ()
    conflict: tuple[ConflictingLimit, ...] = ()
    conflict_is_minimal: bool | None = None
    joint: tuple[Relaxation, ...] = ()
    orders: tuple[Order, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    solver: SolverUsed | None = None
    verified: Verified | None = None
    recommendation: Recommendation | None = None
    overlays: tuple[Effect, ...] = ()
    compression: Compression | None = None
