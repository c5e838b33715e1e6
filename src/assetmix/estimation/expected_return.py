"""Expected returns: historical, or as the caller gives them."""

from assetmix.domain.arrays import readonly
from assetmix.domain.forecast import Forecast
from assetmix.domain.snapshot import Snapshot
from assetmix.domain.universe import Universe
from assetmix.estimation.returns import returns
from assetmix.estimation.specs import GivenForecast, HistoricalMean, sessions


def historical_mean(snapshot: Snapshot, ids: tuple[str, ...], spec: HistoricalMean) -> Forecast:
    """Mean simple return per period, times the periods in the horizon."""
    history = returns(snapshot, ids, spec.window, spec.frequency)
    mean = history.mean(axis=0) * sessions(spec.horizon_days, spec.frequency)
    return Forecast(Universe(ids), readonly(mean))


def given(ids: tuple[str, ...], spec: GivenForecast) -> Forecast:
    """Expected returns as the caller states them; every id must be named."""
    universe = Universe(ids)
    return Forecast(universe, readonly(universe.vector(spec.expected_returns, default=float("nan"))))
