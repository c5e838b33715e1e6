"""What is wrong with applying a strategy to a portfolio; all faults at once, without a solver."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from assetmix.domain.given_model import GivenModel
from assetmix.domain.instrument import is_cash
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.domain.taxonomy import DOCUMENTED
from assetmix.errors import Fault, escape
from assetmix.estimation.specs import BlackLitterman, Equilibrium, GivenForecast
from assetmix.optimization.check import MOST_MONEY
from assetmix.optimization.measure import Measure, Needs
from assetmix.optimization.reach import allowed_ids, forecast_weights
from assetmix.optimization.rule import Rule
from assetmix.optimization.scope import Group, Ids, Scope, membership
from assetmix.optimization.strategy import Strategy, UniverseById


@dataclass(frozen=True, eq=False)
class Application:
    """A strategy applied to a portfolio at a snapshot in the portfolio's currency.

    `model` is the uploaded risk model that is used, `value` the money before trading plus cash
    flow, `elsewhere` scopes that have members among the caller's instruments, if not here.
    """

    strategy: Strategy
    portfolio: Portfolio
    snapshot: Snapshot
    model: GivenModel | None
    value: float
    elsewhere: frozenset[Scope] = frozenset()

    @cached_property
    def reached(self) -> frozenset[str]:
        """Ids of the problem's instruments: what is held or may be, as far as they exist."""
        allowed = allowed_ids(self.strategy, self.portfolio, self.snapshot)
        return (allowed | set(self.portfolio.positions)) & set(self.snapshot.by_id)


def check_application(one: Application) -> list[Fault]:
    """Find what is wrong with applying a strategy to a portfolio."""
    strategy, snapshot = one.strategy, one.snapshot
    return [
        *_holdings(one.portfolio, snapshot),
        *_prices(one),
        *_universe(strategy, snapshot),
        *_empty(strategy, one.portfolio, snapshot),
        *_needs(one),
        *_forecast(one),
        *_covered(one),
        *_scopes(one),
        *_budgets(one),
        *_attributes(one),
        *_benchmarks(one),
        *check_value(one.value),
    ]


def strange_scopes(strategy: Strategy, snapshot: Snapshot) -> frozenset[Scope]:
    """Scopes that a strategy names and that no instrument of the snapshot belongs to; documented groups are known."""
    named = (scope for _, scope in _named_scopes(strategy))
    return frozenset(scope for scope in named if not _matches(scope, snapshot))


def _holdings(portfolio: Portfolio, snapshot: Snapshot) -> Iterator[Fault]:
    for key in portfolio.positions:
        pointer = f"/portfolio/holdings/{escape(key)}"
        if key not in snapshot.by_id:
            cure = "no such currency" if is_cash(key) else "no such instrument; PUT /v1/instruments first"
            yield Fault(pointer, "unknown-asset", cure)


def _prices(one: Application) -> Iterator[Fault]:
    base = one.portfolio.base_currency
    for key in sorted(one.reached):
        if key in one.snapshot.prices:
            continue
        detail = (
            f"{key} cannot be valued in {base} on {one.snapshot.as_of}: it has no close, or no exchange rate that is "
            "at most 7 days old; PUT /v1/prices, or leave it out"
        )
        held = key in one.portfolio.positions and is_cash(key)
        yield Fault(f"/portfolio/holdings/{key}" if held else "/strategy/universe", "missing-price", detail)


def _empty(strategy: Strategy, portfolio: Portfolio, snapshot: Snapshot) -> Iterator[Fault]:
    reached = allowed_ids(strategy, portfolio, snapshot) & set(snapshot.by_id)
    if not portfolio.positions and not any(snapshot.by_id[key].tradable for key in reached):
        detail = "there is nothing to buy: name instruments or tags that exist, or hold something"
        yield Fault("/strategy/universe", "empty-universe", detail)


def _needs(one: Application) -> Iterator[Fault]:
    strategy = one.strategy
    has_risk = strategy.risk_model is not None or one.model is not None
    askers: list[tuple[str, str, Measure | Rule]] = [
        (f"/strategy{pointer}", measure.kind, measure) for pointer, measure in strategy.named_measures()
    ]
    if isinstance(strategy.objective, Rule):
        askers.append(("/strategy/objective", strategy.objective.rule, strategy.objective))
    for pointer, kind, asker in askers:
        needs = asker.needs
        if needs & {Needs.RISK_MODEL, Needs.SCENARIOS} and not has_risk:
            cure = f'{kind} needs a risk model; add "risk_model": {{"kind": "sample", "window": 504}}, or name one'
            yield Fault(pointer, "missing-risk-model", cure)
        elif Needs.SCENARIOS in needs and one.model is not None and one.model.scenarios is None:
            cure = f"{kind} needs scenarios, and the risk model has none; name one that has{_or_normal(asker)}"
            yield Fault(pointer, "missing-scenarios", cure)
        if Needs.EXPECTED_RETURNS in needs and not _has_returns(one):
            cure = f'{kind} needs expected returns; add "forecast": {{"kind": "historical_mean", "window": 504}}'
            yield Fault(pointer, "missing-forecast", cure)


def _or_normal(asker: Measure | Rule) -> str:
    return ', or say "distribution": "normal"' if hasattr(asker, "distribution") else ""


def _has_returns(one: Application) -> bool:
    if one.strategy.forecast is not None:
        return True
    if one.model is not None:
        return one.model.expected_returns is not None or one.model.scenarios is not None
    return one.strategy.risk_model is not None


def _covered(one: Application) -> Iterator[Fault]:
    if one.model is None:
        return
    known = one.model.universe.positions
    for key in sorted(one.reached):
        if key not in known:
            yield Fault("/risk_model", "unknown-asset", f"the risk model does not cover {key}; add it, or leave it out")


def _universe(strategy: Strategy, snapshot: Snapshot) -> Iterator[Fault]:
    if isinstance(strategy.universe, UniverseById):
        for i, key in enumerate(strategy.universe.ids):
            if key not in snapshot.by_id:
                yield Fault(f"/strategy/universe/ids/{i}", "unknown-asset", "no such instrument")


def _forecast(one: Application) -> Iterator[Fault]:
    forecast = one.strategy.forecast
    if isinstance(forecast, GivenForecast):
        for key in sorted(one.reached - set(forecast.expected_returns)):
            yield Fault("/strategy/forecast/expected_returns", "missing", f"no expected return is given for {key}")


def _scopes(one: Application) -> Iterator[Fault]:
    for pointer, scope in _named_scopes(one.strategy):
        if scope not in one.elsewhere and not _matches(scope, one.snapshot):
            detail = "no instrument belongs to this scope; check its spelling"
            yield Fault(f"/strategy{pointer}", "unknown-group", detail)
    for i, constraint in enumerate(one.strategy.constraints):
        for key in getattr(constraint, "weights", {}):
            if key not in one.snapshot.by_id:
                pointer = f"/strategy/constraints/{i}/weights/{escape(key)}"
                yield Fault(pointer, "unknown-asset", "this instrument is not in the universe; add it there")


def _budgets(one: Application) -> Iterator[Fault]:
    for key in getattr(one.strategy.objective, "budgets", {}):
        if key not in one.reached:
            pointer = f"/strategy/objective/budgets/{escape(key)}"
            yield Fault(pointer, "unknown-asset", "this instrument is not in the universe; add it there")


def _named_scopes(strategy: Strategy) -> Iterator[tuple[str, Scope]]:
    for i, constraint in enumerate(strategy.constraints):
        yield from ((f"/constraints/{i}{pointer}", scope) for pointer, scope in constraint.scopes())
    for pointer, measure in strategy.named_measures():
        yield from ((f"{pointer}{inside}", scope) for inside, scope in measure.scopes())


def _attributes(one: Application) -> Iterator[Fault]:
    named = [(f"/strategy/constraints/{i}", constraint) for i, constraint in enumerate(one.strategy.constraints)]
    measures = [(f"/strategy{pointer}", measure) for pointer, measure in one.strategy.named_measures()]
    for pointer, asker in (*named, *measures):
        attribute = getattr(asker, "attribute", None)
        lacking = [key for key in sorted(one.reached) if attribute not in one.snapshot.by_id[key].attributes]
        if attribute is not None and lacking:
            detail = f"{lacking[0]} has no attribute {attribute}; PUT /v1/instruments with it, or leave it out"
            yield Fault(f"{pointer}/attribute", "missing-attribute", detail)


def _matches(scope: Scope, snapshot: Snapshot) -> bool:
    match scope:
        case "all":
            return True
        case Ids(ids=ids):
            return all(key in snapshot.by_id for key in ids)
        case Group(grouping=grouping, name=name) if name in DOCUMENTED.get(grouping, ()):
            return True
        case _:
            return any(membership(scope, instrument) > 0 for instrument in snapshot.instruments)


def _benchmarks(one: Application) -> Iterator[Fault]:
    shared = one.strategy.benchmark or one.portfolio.benchmark
    yield from _members("/strategy/benchmark", shared, one)
    for pointer, weights in forecast_weights(one.strategy):
        yield from _members(f"/strategy{pointer}", weights, one)
    yield from _prior(one, shared)
    for pointer, measure in one.strategy.named_measures():
        own: Mapping[str, float] = getattr(measure, "benchmark", {})
        yield from _benchmark_given(f"/strategy{pointer}", measure, given=bool(shared) or bool(own))
        yield from _members(f"/strategy{pointer}/benchmark", own, one)


def _prior(one: Application, benchmark: Mapping[str, float]) -> Iterator[Fault]:
    forecast = one.strategy.forecast
    field = "prior_weights" if isinstance(forecast, BlackLitterman) else "weights"
    if isinstance(forecast, BlackLitterman | Equilibrium) and not getattr(forecast, field) and not benchmark:
        detail = "the forecast needs weights to start from: give them, or a benchmark"
        yield Fault(f"/strategy/forecast/{field}", "missing-benchmark", detail)


def _benchmark_given(pointer: str, measure: Measure, *, given: bool) -> Iterator[Fault]:
    if Needs.BENCHMARK in measure.needs and not given:
        yield Fault(pointer, "missing-benchmark", f'{measure.kind} needs a benchmark, for example {{"SPX": 1.0}}')


def _members(pointer: str, weights: Mapping[str, float], one: Application) -> Iterator[Fault]:
    modeled = {} if one.model is None else one.model.universe.positions
    for key in weights:
        if key not in one.snapshot.by_id and key not in modeled:
            yield Fault(f"{pointer}/{escape(key)}", "unknown-asset", "no such instrument; PUT /v1/instruments first")
        elif one.model is not None and key not in modeled:
            yield Fault(f"{pointer}/{escape(key)}", "unknown-asset", "the risk model does not cover this instrument")


def check_value(value: float) -> Iterator[Fault]:
    """Find what is wrong with what a portfolio is worth."""
    if abs(value) > MOST_MONEY:
        yield Fault("/portfolio/holdings", "limit-exceeded", f"a portfolio is worth at most {MOST_MONEY:g}")
    if not value > 0:
        detail = "the portfolio is worth nothing before trading; add holdings, cash or a cash flow"
        yield Fault("/portfolio/holdings", "empty-portfolio", detail)
