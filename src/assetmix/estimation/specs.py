"""How risk and return are to be estimated, as a strategy declares it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from assetmix.estimation.returns import Frequency

SESSIONS_PER_YEAR = 252
DAYS_PER_YEAR = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRisk:
    """Sample covariance of simple returns, divisor T - 1.

    `window` counts returns (absent: all history); `horizon_days` scales the covariance to so
    many calendar days (days x 252 / 365 sessions), absent: one period of `frequency`.
    Scenarios are never scaled.
    """

    kind: Literal["sample"] = "sample"
    window: int | None = None
    frequency: Frequency = "daily"
    horizon_days: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoricalMean:
    """Mean of simple returns over `window` periods, scaled to `horizon_days` like the risk."""

    kind: Literal["historical_mean"] = "historical_mean"
    window: int | None = None
    frequency: Frequency = "daily"
    horizon_days: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenForecast:
    """Expected returns given by the caller, by instrument, taken as they are."""

    expected_returns: Mapping[str, float]
    kind: Literal["given"] = "given"


def sessions(horizon_days: float | None, frequency: Frequency) -> float:
    """Periods of the given frequency in a horizon of calendar days; 1 where it is absent."""
    if horizon_days is None:
        return 1.0
    per_year = {"daily": SESSIONS_PER_YEAR, "weekly": 52, "monthly": 12}[frequency]
    return horizon_days * per_year / DAYS_PER_YEAR
