"""A Strategy is what a caller declares: objective, constraints, data and trading rules, in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.estimation.specs import GivenForecast, HistoricalMean, SampleRisk
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.measure import Measure


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
    """Instruments that may be held, named one by one."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseByTag:
    """Instruments that may be held: the tradable ones with any of the tags."""

    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trading:
    """What trading costs and which orders are possible.

    An order costs `cost_fraction` of its amount and `cost_amount` of money, whichever is larger
    (`max`) or both (`sum`). Orders below `min_order_amount` are not made. With `lots`, orders
    are whole multiples of the instrument's lot or fractional step; `rounding` says what the
    rounded orders keep close to: the objective, or the weights of the optimum.
    """

    cost_fraction: float = 0.0
    cost_amount: float = 0.0
    combine: Literal["max", "sum"] = "sum"
    min_order_amount: float = 0.0
    lots: bool = True
    rounding: Literal["least_risk", "least_deviation"] = "least_risk"

    def costs(self, amounts: Vector) -> Vector:
        """Cost of each order of the given amounts of money, none negative; nothing costs nothing."""
        proportional = self.cost_fraction * amounts
        larger = np.maximum(proportional, self.cost_amount)
        both = larger if self.combine == "max" else proportional + self.cost_amount
        return np.where(amounts == 0, 0.0, both)

    def cost(self, amount: float) -> float:
        """Cost of one order."""
        return float(self.costs(np.array(amount)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """What a caller wants of a portfolio, in ids and words; stored and shown as it is."""

    objective: Objective
    constraints: tuple[Constraint, ...] = ()
    universe: UniverseById | UniverseByTag | None = None
    shorting: bool = False
    benchmark: Mapping[str, float] = field(default_factory=dict)
    risk_model: SampleRisk | None = None
    forecast: HistoricalMean | GivenForecast | None = None
    trading: Trading = field(default_factory=Trading)
    report: tuple[Measure, ...] = ()

    def named_measures(self) -> tuple[tuple[str, Measure], ...]:
        """Every measure the strategy names, with its JSON pointer."""
        terms = ((f"/objective/terms/{i}/measure", term.measure) for i, term in enumerate(self.objective.terms))
        bounds = (
            (f"/constraints/{i}{pointer}", one)
            for i, constraint in enumerate(self.constraints)
            for pointer, one in constraint.measures()
        )
        reports = ((f"/report/{i}", one) for i, one in enumerate(self.report))
        return (*terms, *bounds, *reports)
