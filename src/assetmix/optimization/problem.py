"""A Problem is a strategy resolved to arrays of one universe; computed on, never stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from assetmix.domain.arrays import Matrix, Vector, readonly
from assetmix.domain.forecast import Forecast
from assetmix.domain.instrument import Instrument
from assetmix.domain.lookthrough import Classification
from assetmix.domain.risk import RiskModel
from assetmix.domain.universe import Universe
from assetmix.errors import Fault, InvalidRequest
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.scope import Scope, membership
from assetmix.optimization.strategy import Objective, Strategy, Trading


@dataclass(frozen=True, eq=False)
class Problem:
    """What to solve, aligned to one universe of n instruments.

    Parameters
    ----------
    instruments : the n instruments that are held or may be held
    strategy : the declared form
    constraints : the strategy's constraints and the frame that always holds
    value : money: value before trading plus cash flow; every weight is a fraction of it
    cash : money in the base currency, cash flow included
    quantities : (n,) units held
    prices : (n,) money per unit
    allowed : (n,) 1.0 where the instrument belongs to the strategy's universe
    risk : risk model of the n instruments first, then of benchmark members outside them
    forecast : expected returns of the n instruments
    benchmark : weights by id that measures without a benchmark of their own use
    classification : groupings of the n instruments as vectors
    structure : equal for problems that differ in holdings and money only
    """

    instruments: tuple[Instrument, ...]
    strategy: Strategy
    constraints: tuple[Constraint, ...]
    value: float
    cash: float
    quantities: Vector
    prices: Vector
    allowed: Vector
    risk: RiskModel | None
    forecast: Forecast | None
    benchmark: Mapping[str, float]
    classification: Classification
    structure: str

    @cached_property
    def universe(self) -> Universe:
        """The n ids."""
        return Universe(tuple(instrument.id for instrument in self.instruments))

    @property
    def objective(self) -> Objective:
        """The declared objective."""
        return self.strategy.objective

    @property
    def trading(self) -> Trading:
        """The declared trading rules."""
        return self.strategy.trading

    @cached_property
    def current_weights(self) -> Vector:
        """Weights before trading (n,)."""
        return self.quantities * self.prices / self.value

    @property
    def current_cash(self) -> float:
        """Cash before trading, fraction."""
        return self.cash / self.value

    @cached_property
    def tradable(self) -> Vector:
        """1.0 where orders are possible (n,)."""
        return np.array([float(instrument.tradable) for instrument in self.instruments])

    def membership(self, scope: Scope) -> Vector:
        """Share of each instrument's value that a scope covers (n,)."""
        if scope not in self._memberships:
            self._memberships[scope] = readonly([membership(scope, instrument) for instrument in self.instruments])
        return self._memberships[scope]

    @cached_property
    def _memberships(self) -> dict[Scope, Vector]:
        return {}

    def cost(self, weights: Vector) -> Vector:
        """Proportional cost of trading to weights (..., n), fraction of value."""
        traded = np.abs(weights - self.current_weights).sum(axis=-1)
        return np.asarray(self.trading.cost_fraction * traded)

    def cash_floor(self) -> float:
        """Largest hard lower bound on cash, fraction of value; minus infinity where there is none."""
        floors = (one.cash_floor(self) for one in self.constraints if one.penalty is None)
        return max(floors, default=-np.inf)

    def required_risk(self) -> RiskModel:
        """Give the risk model, or refuse with the cure."""
        if self.risk is None:
            raise _missing("risk_model", 'give the strategy a "risk_model", for example {"kind":"sample"}')
        return self.risk

    def scenarios(self) -> Matrix:
        """Scenario returns of the n instruments, (T, n), or refuse with the cure."""
        risk = self.required_risk()
        if risk.scenarios is None:
            raise _missing("risk_model", "this measure needs scenarios; use a risk model that has them")
        return risk.scenarios[:, : len(self.universe)]

    def probabilities(self) -> Vector:
        """Probability of each scenario (T,)."""
        given = self.required_risk().probabilities
        count = len(self.scenarios())
        return np.full(count, 1.0 / count) if given is None else given

    def expected_returns(self) -> Vector:
        """Expected returns (n,): the forecast, else the mean of the risk model."""
        if self.forecast is not None:
            return self.forecast.expected_returns
        if self.risk is not None and self.risk.mean is not None:
            return self.risk.mean[: len(self.universe)]
        raise _missing("forecast", 'give the strategy a "forecast", for example {"kind":"historical_mean"}')

    @cached_property
    def root(self) -> Matrix:
        """Rows R (k, m) with covariance R'R, specific risk included as rows of its own."""
        risk = self.required_risk()
        specific = np.sqrt(risk.specific_variance)
        return np.vstack([risk.root, np.diag(specific)]) if specific.any() else risk.root

    def benchmark_weights(self, benchmark: Mapping[str, float]) -> Vector:
        """Benchmark over the m instruments of the risk model: a measure's own, else the strategy's."""
        chosen = benchmark or self.benchmark
        if not chosen:
            raise _missing("benchmark", 'name a benchmark, for example {"SPX": 1.0}')
        return self.required_risk().universe.vector(chosen)


def _missing(field: str, cure: str) -> InvalidRequest:
    return InvalidRequest(cure, [Fault(f"/{field}", "missing", cure)])
