"""A Strategy is what a caller declares: objective, constraints, data and trading rules, in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Vector
from assetmix.estimation.specs import ForecastSpec, RiskSpec
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.measure import Measure
from assetmix.optimization.overlay import Overlay
from assetmix.optimization.rule import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A measure and the signed weight with which it enters the objective."""

    measure: Measure
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """The weighted sum of measures to minimize or maximize, literally as stated."""

    sense: Literal["minimize", "maximize"]
    terms: tuple[Term, ...]

    @property
    def sign(self) -> float:
        """Factor that turns the objective into one to minimize."""
        return 1.0 if self.sense == "minimize" else -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseById:
    """Instruments that may be held, named one by one; with `keep_held` others that are held may be kept, not bought."""

    ids: tuple[str, ...]
    keep_held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseByTag:
    """Instruments that may be held: the tradable ones with any of the tags."""

    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseOfAll:
    """Every tradable instrument there is."""

    all: Literal[True]


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """Cost of moving the market, by the 3/2-power law.

    A trade of a fraction z of value costs `coefficient` x |z|^1.5 of value. With a `window`, it
    costs coefficient x volatility x |x|^1.5 / volume^0.5 of money, for a trade of |x| of money,
    with the instrument's daily volatility and mean daily volume of money over so many sessions.

    Source: Boyd et al., Multi-period trading via convex optimization (2017), section 2.3.
    """

    coefficient: float
    window: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trading:
    """What trading and holding cost, and which orders are possible.

    An order costs `cost_fraction` of its amount and `cost_amount` of money, whichever is larger
    (`max`) or both (`sum`), and its `impact`. Orders below `min_order_amount` are not made. With
    `lots`, orders are whole multiples of the instrument's lot or fractional step; `rounding` says
    what the rounded orders keep close to: the objective, or the weights of the optimum.
    `holding_fraction` of long and `borrow_fraction` of short positions are what holding them
    costs per period: the measure `holding_cost`, never part of the balance. Without `fractions`
    orders are whole multiples of the lot even of instruments that have a fractional step. A
    position within `size_band` of its target, a fraction of the target, is not traded.
    """

    cost_fraction: float = 0.0
    cost_amount: float = 0.0
    combine: Literal["max", "sum"] = "sum"
    impact: Impact | None = None
    holding_fraction: float = 0.0
    borrow_fraction: float = 0.0
    min_order_amount: float = 0.0
    size_band: float = 0.0
    lots: bool = True
    fractions: bool = True
    rounding: Literal["least_risk", "least_deviation"] = "least_risk"

    @property
    def is_free(self) -> bool:
        """Whether orders cost nothing."""
        return self.cost_fraction == 0 and self.cost_amount == 0 and self.impact is None

    @property
    def is_proportional(self) -> bool:
        """Whether orders cost nothing, or in proportion to what is traded."""
        return self.cost_amount == 0 and self.impact is None

    def is_near(self, current: Vector, target: Vector) -> NDArray[np.bool_]:
        """Which positions (n,) are near enough to their targets (n,) to stay; one to be closed never is."""
        return np.asarray((np.abs(current - target) <= self.size_band * np.abs(target)) & (target != 0))

    def costs(self, amounts: Vector) -> Vector:
        """Fees of each order of the given amounts of money, none negative; nothing costs nothing."""
        proportional = self.cost_fraction * amounts
        if self.cost_amount == 0:
            return proportional
        larger = np.maximum(proportional, self.cost_amount)
        both = larger if self.combine == "max" else proportional + self.cost_amount
        return np.where(amounts == 0, 0.0, both)

    def cost(self, amount: float) -> float:
        """Cost of one order."""
        return float(self.costs(np.array(amount)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What has to be reached before the orders of a run are recommended.

    Any one is enough: a limit breached by more than `violation` now; an objective that gets better
    by `improvement` (a fraction of its present size) where no limit is breached now; cash outside
    the outer band now. Whatever is to be divested or sold from outside the universe is a reason too.
    Below a worth of `min_value` (money) nothing is recommended.
    """

    min_value: float = 0.0
    improvement: float = 0.0
    violation: float = 0.0
    cash_lower_fraction: float | None = None
    cash_upper_fraction: float | None = None
    cash_lower_amount: float | None = None
    cash_upper_amount: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """What a caller wants of a portfolio, in ids and words; stored and shown as it is."""

    objective: Objective | Rule
    constraints: tuple[Constraint, ...] = ()
    universe: UniverseById | UniverseByTag | UniverseOfAll | None = None
    shorting: bool = False
    benchmark: Mapping[str, float] = field(default_factory=dict)
    risk_model: RiskSpec | None = None
    forecast: ForecastSpec | None = None
    trading: Trading = field(default_factory=Trading)
    report: tuple[Measure, ...] = ()
    thresholds: Thresholds | None = None
    overlays: tuple[Overlay, ...] = ()

    def named_measures(self) -> tuple[tuple[str, Measure], ...]:
        """Every measure the strategy names, with its JSON pointer."""
        terms = self._objective_measures()
        bounds = (
            (f"/constraints/{i}{pointer}", one)
            for i, constraint in enumerate(self.constraints)
            for pointer, one in constraint.measures()
        )
        reports = ((f"/report/{i}", one) for i, one in enumerate(self.report))
        direct = (*terms, *bounds, *reports)
        return tuple(pair for each in direct for pair in _with_parts(*each))

    def _objective_measures(self) -> tuple[tuple[str, Measure], ...]:
        if isinstance(self.objective, Rule):
            return tuple((f"/objective{pointer}", one) for pointer, one in self.objective.measures())
        return tuple((f"/objective/terms/{i}/measure", term.measure) for i, term in enumerate(self.objective.terms))


def _with_parts(pointer: str, one: Measure) -> tuple[tuple[str, Measure], ...]:
    inner = (pair for inside, part in one.parts() for pair in _with_parts(f"{pointer}{inside}", part))
    return ((pointer, one), *inner)
