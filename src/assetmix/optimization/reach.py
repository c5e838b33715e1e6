"""Which instruments a strategy reaches when it is applied to a portfolio, and what that is worth."""

from collections.abc import Mapping

from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.optimization.strategy import Strategy, UniverseById, UniverseByTag, UniverseOfAll


def total_value(portfolio: Portfolio, snapshot: Snapshot) -> float:
    """Money that holdings and cash are worth; instruments without a price count nothing."""
    prices = snapshot.prices
    return portfolio.cash + sum(units * prices.get(key, 0.0) for key, units in portfolio.positions.items())


def set_aside(portfolio: Portfolio, snapshot: Snapshot) -> float:
    """Money that is to be divested and stays out of every weight; 0 where everything is sold anyway."""
    return 0.0 if is_given_up(portfolio, snapshot) else portfolio.divest_amount


def is_given_up(portfolio: Portfolio, snapshot: Snapshot) -> bool:
    """Whether as much is to be divested as the portfolio is worth, or more: everything is sold."""
    return 0.0 < portfolio.divest_amount >= total_value(portfolio, snapshot)


def benchmark_ids(strategy: Strategy, portfolio: Portfolio) -> tuple[str, ...]:
    """Ids of every benchmark that measures use, and of priors and views, in a stable order."""
    opinions = (key for _, weights in forecast_weights(strategy) for key in weights)
    return tuple(dict.fromkeys((*_benchmarks(strategy, portfolio), *opinions)))


def _benchmarks(strategy: Strategy, portfolio: Portfolio) -> tuple[str, ...]:
    own = [getattr(measure, "benchmark", {}) for _, measure in strategy.named_measures()]
    shared = strategy.benchmark or portfolio.benchmark
    return tuple(dict.fromkeys(key for weights in (shared, *own) for key in weights))


def forecast_weights(strategy: Strategy) -> tuple[tuple[str, Mapping[str, float]], ...]:
    """Weights by id that a forecast names, each with its JSON pointer: a prior, views."""
    forecast = strategy.forecast
    named = ((f"/forecast/{field}", getattr(forecast, field, None)) for field in ("prior_weights", "weights"))
    views = ((f"/forecast/views/{i}/weights", view.weights) for i, view in enumerate(getattr(forecast, "views", ())))
    return tuple((pointer, weights) for pointer, weights in (*named, *views) if weights)


def wanted_tables(strategy: Strategy) -> frozenset[str]:
    """Tables beside the returns that a strategy computes with: of `high`, `low`, `close`, `volume`."""
    impact = strategy.trading.impact
    volumes = frozenset({"volume", "close"}) if impact is not None and impact.window is not None else frozenset()
    askers = (strategy.objective, *strategy.constraints, *strategy.overlays)
    return volumes.union(*(getattr(one, "tables", frozenset()) for one in askers))


def wanted_rows(strategy: Strategy) -> int:
    """Sessions of those tables that are needed."""
    askers = (strategy.objective, *strategy.constraints, *strategy.overlays, strategy.trading.impact)
    return max((getattr(one, "window", None) or 0 for one in askers), default=0) + 1


def allowed_ids(strategy: Strategy, portfolio: Portfolio, snapshot: Snapshot) -> frozenset[str]:
    """Ids that may be held after trading."""
    match strategy.universe:
        case UniverseById(ids=ids):
            return frozenset(ids)
        case UniverseByTag(tags=tags):
            wanted = frozenset(tags)
            tagged = (one for one in snapshot.instruments if one.tradable and wanted & set(one.tags))
            return frozenset(instrument.id for instrument in tagged)
        case UniverseOfAll():
            return frozenset(one.id for one in snapshot.instruments if one.tradable)
        case None:
            known = (snapshot.by_id[key] for key in _benchmarks(strategy, portfolio) if key in snapshot.by_id)
            members = (one.id for one in known if one.tradable)
            return frozenset([*portfolio.positions, *members])
