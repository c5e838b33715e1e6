"""Expected returns: from history, or as the caller gives them."""

import numpy as np

from assetmix.domain.arrays import Matrix, Vector, readonly
from assetmix.domain.forecast import Forecast
from assetmix.domain.snapshot import Snapshot
from assetmix.domain.universe import Universe
from assetmix.errors import Fault, InvalidRequest, MissingData
from assetmix.estimation.moments import decay
from assetmix.estimation.returns import returns
from assetmix.estimation.specs import (
    EstimatedMean,
    EwmaMean,
    GivenForecast,
    HistoricalMean,
    ShrunkMean,
    sessions,
)

WINDOW = "/forecast/window"


def estimated_mean(snapshot: Snapshot, ids: tuple[str, ...], spec: EstimatedMean) -> Forecast:
    """Mean simple return per period as a spec estimates it, times the periods in the horizon.

    Raises
    ------
    MissingData
        when the history is too short
    """
    history = returns(snapshot, ids, spec.window, spec.frequency, WINDOW)
    match spec:
        case HistoricalMean():
            mean = history.mean(axis=0)
        case EwmaMean():
            weights = decay(len(history), spec.half_life)
            mean = weights @ history / weights.sum()
        case ShrunkMean():
            mean = bayes_stein(history)
    return Forecast(Universe(ids), readonly(mean * sessions(spec.horizon_days, spec.frequency)))


def given(ids: tuple[str, ...], spec: GivenForecast) -> Forecast:
    """Expected returns as the caller states them.

    Raises
    ------
    InvalidRequest
        when an id has none
    """
    missing = [key for key in ids if key not in spec.expected_returns]
    if missing:
        faults = [
            Fault("/forecast/expected_returns", "missing", f"no expected return is given for {key}") for key in missing
        ]
        raise InvalidRequest(faults[0].detail, faults)
    universe = Universe(ids)
    return Forecast(universe, readonly(universe.vector(spec.expected_returns)))


def bayes_stein(history: Matrix) -> Vector:
    """Means of returns (T, N) shrunk towards the mean m0 of the least variable portfolio.

    The weight of m0 is (N + 2) / (N + 2 + T q), q the squared distance of the means from m0 in the
    metric of the covariance S (T - 1) / (T - N - 2). Where S is singular its pseudo-inverse serves.

    Raises
    ------
    MissingData
        when there are N + 2 returns or fewer

    Source: Jorion, Journal of Financial and Quantitative Analysis 21, 1986, eqs. 14 and 17.
    """
    periods, count = history.shape
    if periods <= count + 2:
        detail = (
            f"shrunk means of {count} instruments need at least {count + 3} returns, but only {periods} are there; "
            'lengthen the window, use fewer instruments, or {"kind":"historical_mean"}'
        )
        raise MissingData("history too short", [Fault(WINDOW, "short-history", detail)])
    mean = history.mean(axis=0)
    precision = np.linalg.pinv(np.atleast_2d(np.cov(history.T)), hermitian=True) * (periods - count - 2) / (periods - 1)
    least = precision.sum(axis=0)
    target = least @ mean / least.sum() if least.sum() > 0 else mean.mean()
    distance = periods * (mean - target) @ precision @ (mean - target)
    return np.asarray(mean + (count + 2) / (count + 2 + distance) * (target - mean))
