"""A Problem is a strategy resolved to arrays of one universe; computed on, never stored."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix, Positions, Vector, readonly
from assetmix.domain.forecast import Forecast
from assetmix.domain.instrument import Instrument
from assetmix.domain.lookthrough import Classification
from assetmix.domain.risk import RiskModel
from assetmix.domain.rows import with_own_risks
from assetmix.domain.universe import Universe
from assetmix.errors import Fault, InvalidRequest
from assetmix.optimization.constraint import Constraint, Outcome
from assetmix.optimization.impact import impact_rates
from assetmix.optimization.overlay import Effect
from assetmix.optimization.planes import stacked
from assetmix.optimization.rule import Rule
from assetmix.optimization.scope import Scope, membership
from assetmix.optimization.strategy import Objective, Strategy, Trading
from assetmix.optimization.tolerances import HELD

T = TypeVar("T")


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
    tables : further prices (T, n) in the base currency by name: `high`, `low`, `close`, `volume`
    gap : proven relative gap at which a mixed-integer search may stop
    structure : equal for problems that differ in holdings and money only
    divested : money that is to be set free
    set_aside : so much of it as stays as cash; neither in `value` nor in `cash`
    priced_on : (n,) ordinals of the days of the prices, 0 where that is not known
    effects : what overlays have done
    shared : what follows from the structure alone, computed once for all accounts of it
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
    tables: Mapping[str, Matrix]
    gap: float
    structure: str
    divested: float = 0.0
    set_aside: float = 0.0
    priced_on: NDArray[np.int64] | None = None
    effects: tuple[Effect, ...] = ()
    shared: dict[Any, Any] = field(default_factory=dict)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is kept for the structure under a key; made now if it is not there."""
        if key not in self.shared:
            self.shared[key] = make()
        kept: T = self.shared[key]
        return kept

    def once_for(self, name: str, what: object, make: Callable[[], T]) -> T:
        """The same for a thing that has no hash: found again by being it, or equal to it."""
        known: list[tuple[object, T]] = self.once(name, list)
        for one, value in known:
            if one is what or one == what:
                return value
        known.append((what, make()))
        return known[-1][1]

    @cached_property
    def universe(self) -> Universe:
        """The n ids."""
        return self.once("universe", lambda: Universe(tuple(instrument.id for instrument in self.instruments)))

    @property
    def objective(self) -> Objective | Rule:
        """The declared objective, or the rule in place of one."""
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
        return self.once("tradable", lambda: readonly([float(instrument.tradable) for instrument in self.instruments]))

    @cached_property
    def current(self) -> Outcome:
        """Where the portfolio stands."""
        return Outcome(self.current_weights, self.current_cash)

    @cached_property
    def current_breaches(self) -> dict[int, Vector]:
        """Breaches apart where the portfolio stands."""
        return self.breaches_apart(self.current)

    def breaches_apart(self, outcome: Outcome) -> dict[int, Vector]:
        """Breaches by the places of those constraints that are no planes but have rows."""
        return {place: self.constraints[place].breach(self, outcome) for place in stacked(self).apart}

    def membership(self, scope: Scope) -> Vector:
        """Share of each instrument's value that a scope covers (n,)."""
        return self.once(("scope", scope), lambda: readonly([membership(scope, one) for one in self.instruments]))

    def attribute(self, name: str) -> Vector:
        """Attribute of each instrument (n,), or refuse with the cure."""
        lacking = [one.id for one in self.instruments if name not in one.attributes]
        if lacking:
            detail = f"{lacking[0]} has no attribute {name}; PUT /v1/instruments with it, or leave the instrument out"
            raise InvalidRequest(detail, [Fault("/strategy", "missing-attribute", detail)])
        return np.array([one.attributes[name] for one in self.instruments])

    def members(self, scope: Scope) -> Positions:
        """Positions of the instruments that a scope covers at all."""
        return self.once(("members", scope), lambda: np.flatnonzero(self.membership(scope) > 0))

    @property
    def is_integer(self) -> bool:
        """Whether counts, gaps in bands or fees per order make the problem mixed-integer."""
        fees = self.trading.cost_amount > 0
        return fees or any(constraint.is_integer(self) for constraint in self.constraints)

    @property
    def fee(self) -> float:
        """Fixed cost of an order, fraction of value."""
        return self.trading.cost_amount / self.value

    @cached_property
    def steps(self) -> Vector:
        """Units (n,) of which orders are whole multiples: lots, or fractional steps where those are used."""
        fractions = self.trading.fractions
        return self.once(
            ("steps", fractions),
            lambda: readonly([one.step if fractions else one.lot for one in self.instruments]),
        )

    @cached_property
    def impact_rates(self) -> Vector:
        """Cost of a trade z of an instrument is its rate (n,) x |z|^1.5, fractions of value."""
        return impact_rates(self)

    def cost(self, weights: Vector) -> Vector:
        """Cost of trading to weights (..., n), fees and impact, fraction of value."""
        if self.trading.is_free:
            return np.zeros(weights.shape[:-1])
        sizes = np.abs(weights - self.current_weights)
        proportional = self.trading.cost_fraction * sizes
        fees = np.where(sizes > HELD, self.fee, 0.0)
        both = np.maximum(proportional, fees) if self.trading.combine == "max" else proportional + fees
        return np.asarray((both + self.impact_rates * sizes**1.5).sum(axis=-1))

    def order_costs(self, amounts: Vector) -> Vector:
        """Money that orders of the given amounts (..., n) of money cost each, fees and impact."""
        return self.costs_at(slice(None), amounts)

    def costs_at(self, places: Positions | slice, amounts: Vector) -> Vector:
        """The same for orders of some instruments: amounts (...) at places (...)."""
        if self.trading.is_free:
            return np.zeros(amounts.shape)
        sizes = np.abs(amounts)
        fees = self.trading.costs(sizes)
        if self.trading.impact is None:
            return fees
        return np.asarray(fees + self.impact_rates[places] * (sizes / self.value) ** 1.5 * self.value)

    def cost_slopes(self, sizes: Vector) -> Vector:
        """Slope (n,) of the cost of each trade in its size (n,), where that is above 0."""
        rate = np.full_like(sizes, self.trading.cost_fraction)
        if self.trading.combine == "max":
            rate = np.where(rate * sizes < self.fee, 0.0, rate)
        return np.asarray(rate + 1.5 * self.impact_rates * np.sqrt(sizes))

    @cached_property
    def box(self) -> tuple[Vector, Vector]:
        """Lowest and highest weights (n,) that the hard limits leave each instrument; may be infinite."""
        return weight_box(self)

    def cash_floor(self) -> float:
        """Largest hard lower bound on cash, fraction of value; minus infinity where there is none."""
        floors = (one.cash_floor(self) for one in self.constraints if one.penalty is None)
        return max(floors, default=-np.inf)

    def cash_ceiling(self) -> float:
        """Smallest hard upper bound on cash, fraction of value; infinity where there is none."""
        ceilings = (one.cash_ceiling(self) for one in self.constraints if one.penalty is None)
        return min(ceilings, default=np.inf)

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
        return self.once("root", lambda: with_own_risks(risk.root, risk.specific_variance))

    @cached_property
    def risk_rows(self) -> Matrix:
        """The same rows (k, n) for the n instruments alone."""
        return self.once("risk rows", lambda: self.root[:, : len(self.universe)])

    def active_benchmark(self, benchmark: Mapping[str, float]) -> tuple[Vector, float]:
        """Benchmark weights of the n instruments, and the sum of absolute weights outside them."""
        chosen = benchmark or self.benchmark
        if not chosen:
            raise _missing("benchmark", 'name a benchmark, for example {"SPX": 1.0}')
        outside = sum(abs(weight) for key, weight in chosen.items() if key not in self.universe.positions)
        return self.universe.vector(chosen), outside

    def benchmark_weights(self, benchmark: Mapping[str, float]) -> Vector:
        """Benchmark over the m instruments of the risk model: a measure's own, else the strategy's."""
        chosen = benchmark or self.benchmark
        if not chosen:
            raise _missing("benchmark", 'name a benchmark, for example {"SPX": 1.0}')
        risk = self.required_risk()
        return self.once(("benchmark", *chosen.items()), lambda: readonly(risk.universe.vector(chosen)))


def weight_box(problem: Problem) -> tuple[Vector, Vector]:
    """Combine what each hard limit says of single weights with what the balance leaves to each."""
    count = len(problem.universe)
    lower, upper = np.full(count, -np.inf), np.full(count, np.inf)
    for constraint in problem.constraints:
        if constraint.penalty is None:
            least, most = constraint.box(problem)
            lower, upper = np.maximum(lower, least), np.minimum(upper, most)
    if np.isfinite(lower).all():
        spare = 1.0 - problem.cash_floor() - float(lower.sum())
        upper = np.minimum(upper, lower + max(spare, 0.0))
    return lower, np.maximum(upper, lower)


def _missing(field: str, cure: str) -> InvalidRequest:
    return InvalidRequest(cure, [Fault(f"/{field}", "missing", cure)])
