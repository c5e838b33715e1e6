"""The accounts of the benchmarks: names under a factor model, tracked within sectors, caps and a cap of turnover.

The same for every run: the market and each account come from numbered random streams. Fifteen in a
hundred names are barred from buying.
"""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from assetmix.codec.documents import INSTRUMENT
from assetmix.domain.given_model import GivenModel
from assetmix.domain.instrument import Instrument
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.domain.universe import Universe
from assetmix.estimation.specs import NamedRisk
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.constraints.group_weight import GroupWeight
from assetmix.optimization.constraints.turnover import TurnoverLimit
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.measures.tracking_error_squared import TrackingErrorSquared
from assetmix.optimization.resolve import Question
from assetmix.optimization.scope import Group
from assetmix.optimization.strategy import Objective, Strategy, Term, UniverseById

DAY = dt.date(2024, 6, 28)
SECTORS = 10
BAND = 0.02
"""A sector's weight stays so near to the benchmark's."""
BARRED = 0.15
TURNOVER = 0.3
"""Most that an account may trade."""
DENSITY = 0.5
"""Part of the names that a factor other than the market moves."""
OWN = 0.6
"""Part of the names that an account holds more of than the benchmark, or less."""
FACTORS = 20
SESSIONS = 252


@dataclass(frozen=True)
class Market:
    """Names under a factor model, their prices and a benchmark.

    `step` is what quantities are multiples of, `turnover` the most that an account may trade.
    """

    count: int = 100
    factors: int = FACTORS
    seed: int = 0
    step: float | None = 1e-4
    turnover: float = TURNOVER

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Names."""
        return tuple(f"S{i:04d}" for i in range(self.count))

    @cached_property
    def model(self) -> GivenModel:
        """A market factor and sparse others, variances per session."""
        random, count = np.random.default_rng(self.seed), self.count
        others = random.normal(0, 0.5, (count, self.factors - 1)) * (random.random((count, self.factors - 1)) < DENSITY)
        exposures = np.column_stack([random.normal(1, 0.25, count), others])
        spread = np.r_[0.16**2, random.uniform(0.03, 0.08, self.factors - 1) ** 2]
        return GivenModel(
            universe=Universe(self.ids),
            exposures=exposures,
            factor_covariance=np.diag(spread) / SESSIONS,
            specific_variance=random.uniform(0.15, 0.4, count) ** 2 / SESSIONS,
        )

    @cached_property
    def prices(self) -> np.ndarray:
        """Money a unit."""
        return np.random.default_rng(self.seed + 1).uniform(20, 200, self.count)

    @cached_property
    def benchmark(self) -> np.ndarray:
        """Weights like those of an index by size."""
        sizes = np.random.default_rng(self.seed + 2).lognormal(0, 1, self.count)
        return sizes / sizes.sum()

    @cached_property
    def barred(self) -> np.ndarray:
        """Positions of the names that are not bought."""
        return np.random.default_rng(self.seed + 3).choice(self.count, int(BARRED * self.count), replace=False)

    @property
    def cap(self) -> float:
        """Largest weight of a name."""
        return max(0.05, 1.5 * float(self.benchmark.max()))

    def band(self, sector: int) -> tuple[float, float]:
        """Least and largest weight of a sector."""
        middle = float(self.benchmark[sector::SECTORS].sum())
        return max(0.0, middle - BAND), middle + BAND

    def sector(self, place: int) -> str:
        """Sector of a name."""
        return f"sector {place % SECTORS}"

    @cached_property
    def instruments(self) -> tuple[Instrument, ...]:
        """The names as instruments."""
        return tuple(
            Instrument(
                id=key,
                currency="USD",
                fractional_step=self.step,
                look_through={"sectors": {self.sector(place): 1.0}, "asset_classes": {"stocks": 1.0}},
            )
            for place, key in enumerate(self.ids)
        )

    @cached_property
    def snapshot(self) -> Snapshot:
        """One day of prices."""
        return Snapshot(DAY, self.instruments, self.prices, np.array([DAY.toordinal()]), self.prices[None, :])

    @cached_property
    def strategy(self) -> Strategy:
        """Least tracking error within sectors, caps and a cap of turnover; what is barred may be kept."""
        limits: list[Constraint] = [TurnoverLimit(upper=self.turnover), WeightBounds(upper=self.cap)]
        for sector in range(SECTORS):
            lower, upper = self.band(sector)
            scope = Group(grouping="sectors", name=self.sector(sector))
            limits.append(GroupWeight(scope=scope, lower=lower, upper=upper))
        allowed = tuple(key for place, key in enumerate(self.ids) if place not in set(self.barred.tolist()))
        return Strategy(
            objective=Objective(sense="minimize", terms=(Term(measure=TrackingErrorSquared()),)),
            benchmark={key: float(weight) for key, weight in zip(self.ids, self.benchmark, strict=True)},
            risk_model=NamedRisk(name="factors"),
            constraints=tuple(limits),
            universe=UniverseById(ids=allowed, keep_held=True),
        )

    def holdings(self, number: int, value: float = 1e6) -> dict[str, float]:
        """Units and cash of one account: between the benchmark and a portfolio of its own."""
        random = np.random.default_rng((self.seed, number))
        own = random.dirichlet(np.full(self.count, 0.5)) * (random.random(self.count) < OWN)
        weights = 0.5 * own / own.sum() + 0.5 * self.benchmark
        weights[self.barred] *= 0.3
        units = weights / weights.sum() * value / self.prices
        step = self.step or 1.0
        whole = np.floor(units / step) * step
        held = {key: round(float(one), 4) for key, one in zip(self.ids, whole, strict=True) if one > 0}
        return {"$USD": round(0.001 * value, 2), **held}

    def question(self, number: int, value: float = 1e6) -> Question:
        """One account under the strategy."""
        portfolio = Portfolio(base_currency="USD", holdings=self.holdings(number, value))
        return Question(self.strategy, portfolio, self.snapshot, "bench", "day", model=self.model, model_key="factors")

    def documents(self) -> dict[str, Any]:
        """The market as the service takes it: instruments, prices and risk model."""
        model = self.model
        return {
            "instruments": [INSTRUMENT.write(one) for one in self.instruments],
            "prices": [
                {"instrument": key, "date": DAY.isoformat(), "close": float(price)}
                for key, price in zip(self.ids, self.prices, strict=True)
            ],
            "model": {
                "instruments": list(self.ids),
                "exposures": np.asarray(model.exposures).tolist(),
                "factor_covariance": np.asarray(model.factor_covariance).tolist(),
                "specific_variance": np.asarray(model.specific_variance).tolist(),
            },
        }
