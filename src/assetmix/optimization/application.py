"""What is wrong with applying a strategy to a portfolio; all faults at once, without a solver."""

from collections.abc import Iterator, Mapping

import numpy as np

from assetmix.domain.instrument import cash_key, is_cash
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.errors import Fault
from assetmix.estimation.specs import GivenForecast
from assetmix.optimization.check import MOST_MONEY, escape
from assetmix.optimization.measure import Measure, Needs
from assetmix.optimization.reach import allowed_ids
from assetmix.optimization.scope import Group, Ids, Scope, Tag
from assetmix.optimization.strategy import Strategy, UniverseById


def check_application(strategy: Strategy, portfolio: Portfolio, snapshot: Snapshot, value: float) -> list[Fault]:
    """Find what is wrong with applying a strategy to a portfolio at a snapshot.

    Parameters
    ----------
    value : value of the portfolio before trading plus cash flow, money
    """
    return [
        *_holdings(portfolio, snapshot),
        *_prices(portfolio, snapshot),
        *_universe(strategy, snapshot),
        *_empty(strategy, portfolio, snapshot),
        *_forecast(strategy, portfolio, snapshot),
        *_scopes(strategy, snapshot),
        *_benchmarks(strategy, portfolio, snapshot),
        *_members("/strategy/benchmark", strategy.benchmark or portfolio.benchmark, snapshot),
        *_value(value),
    ]


def _holdings(portfolio: Portfolio, snapshot: Snapshot) -> Iterator[Fault]:
    base = cash_key(portfolio.base_currency)
    for key in portfolio.holdings:
        pointer = f"/portfolio/holdings/{escape(key)}"
        if is_cash(key) and key != base:
            yield Fault(pointer, "missing-price", f"no exchange rate from {key} to {base}; hold {base}")
        if not is_cash(key) and key not in snapshot.by_id:
            yield Fault(pointer, "unknown-asset", "no such instrument; PUT /v1/instruments first")


def _prices(portfolio: Portfolio, snapshot: Snapshot) -> Iterator[Fault]:
    base = portfolio.base_currency
    for position, instrument in enumerate(snapshot.instruments):
        if not np.isfinite(snapshot.closes[position]):
            detail = f"{instrument.id} has no close on or before {snapshot.as_of}; PUT /v1/prices, or leave it out"
            yield Fault("/strategy/universe", "missing-price", detail)
        if instrument.currency != base:
            detail = f"{instrument.id} is quoted in {instrument.currency} and no exchange rate to {base} is known"
            yield Fault("/portfolio/base_currency", "missing-price", detail)


def _empty(strategy: Strategy, portfolio: Portfolio, snapshot: Snapshot) -> Iterator[Fault]:
    reached = allowed_ids(strategy, portfolio, snapshot) & set(snapshot.by_id)
    if not portfolio.positions and not any(snapshot.by_id[key].tradable for key in reached):
        detail = "there is nothing to buy: name instruments or tags that exist, or hold something"
        yield Fault("/strategy/universe", "empty-universe", detail)


def _universe(strategy: Strategy, snapshot: Snapshot) -> Iterator[Fault]:
    if isinstance(strategy.universe, UniverseById):
        for i, key in enumerate(strategy.universe.ids):
            if key not in snapshot.by_id:
                yield Fault(f"/strategy/universe/ids/{i}", "unknown-asset", "no such instrument")


def _forecast(strategy: Strategy, portfolio: Portfolio, snapshot: Snapshot) -> Iterator[Fault]:
    if isinstance(strategy.forecast, GivenForecast):
        needed = sorted((allowed_ids(strategy, portfolio, snapshot) | set(portfolio.positions)) & set(snapshot.by_id))
        for key in (key for key in needed if key not in strategy.forecast.expected_returns):
            yield Fault("/strategy/forecast/expected_returns", "missing", f"no expected return is given for {key}")


def _scopes(strategy: Strategy, snapshot: Snapshot) -> Iterator[Fault]:
    for i, constraint in enumerate(strategy.constraints):
        for pointer, scope in constraint.scopes():
            if not _matches(scope, snapshot):
                detail = "no instrument of the universe belongs to this scope; check its spelling"
                yield Fault(f"/strategy/constraints/{i}{pointer}", "unknown-group", detail)


def _matches(scope: Scope, snapshot: Snapshot) -> bool:
    match scope:
        case "all":
            return True
        case Ids(ids=ids):
            return all(key in snapshot.by_id for key in ids)
        case Tag(tag=tag):
            return any(tag in instrument.tags for instrument in snapshot.instruments)
        case Group(grouping=grouping):
            return any(grouping in instrument.look_through for instrument in snapshot.instruments)


def _benchmarks(strategy: Strategy, portfolio: Portfolio, snapshot: Snapshot) -> Iterator[Fault]:
    shared = bool(strategy.benchmark or portfolio.benchmark)
    for pointer, measure in strategy.named_measures():
        own: Mapping[str, float] = getattr(measure, "benchmark", {})
        yield from _benchmark_given(f"/strategy{pointer}", measure, given=shared or bool(own))
        yield from _members(f"/strategy{pointer}/benchmark", own, snapshot)


def _benchmark_given(pointer: str, measure: Measure, *, given: bool) -> Iterator[Fault]:
    if Needs.BENCHMARK in measure.needs and not given:
        yield Fault(pointer, "missing-benchmark", f'{measure.kind} needs a benchmark, for example {{"SPX": 1.0}}')


def _members(pointer: str, weights: Mapping[str, float], snapshot: Snapshot) -> Iterator[Fault]:
    for key in weights:
        if key not in snapshot.by_id:
            yield Fault(f"{pointer}/{escape(key)}", "unknown-asset", "no such instrument; PUT /v1/instruments first")


def _value(value: float) -> Iterator[Fault]:
    if abs(value) > MOST_MONEY:
        yield Fault("/portfolio/holdings", "limit-exceeded", f"a portfolio is worth at most {MOST_MONEY:g}")
    if not value > 0:
        detail = "the portfolio is worth nothing before trading; add holdings, cash or a cash flow"
        yield Fault("/portfolio/holdings", "empty-portfolio", detail)
