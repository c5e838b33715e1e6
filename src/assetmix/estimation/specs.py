"""How risk and return are to be estimated, as a strategy declares it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from assetmix.estimation.returns import Frequency

SESSIONS_PER_YEAR = 252
DAYS_PER_YEAR = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRisk:
    """A risk model that the caller has uploaded under a name; its figures are taken as they are."""

    name: str


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
class EwmaRisk:
    """Exponentially weighted covariance: a return counts half as much every `half_life` periods.

    Weights p sum to 1; deviations are about the weighted mean and the divisor is 1 - sum p^2.
    The scenarios behind tail and drawdown measures are the rows of the window, equally likely.
    `window`, `frequency` and `horizon_days` are those of `sample`.

    Source: RiskMetrics Technical Document, 4th ed., 1996, ch. 5.
    """

    kind: Literal["ewma"] = "ewma"
    half_life: float = 63.0
    window: int | None = None
    frequency: Frequency = "daily"
    horizon_days: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedoitWolfRisk:
    """Sample covariance shrunk towards equal variances without correlation; the data say how far.

    `window`, `frequency` and `horizon_days` are those of `sample`, and so is the divisor T - 1.

    Source: Ledoit and Wolf, A well-conditioned estimator for large-dimensional covariance
    matrices, Journal of Multivariate Analysis 88, 2004.
    """

    kind: Literal["ledoit_wolf"] = "ledoit_wolf"
    window: int | None = None
    frequency: Frequency = "daily"
    horizon_days: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OasRisk:
    """Sample covariance shrunk like `ledoit_wolf`, by the oracle approximating formula.

    It supposes normal returns. `window`, `frequency` and `horizon_days` are those of `sample`,
    and so is the divisor T - 1.

    Source: Chen, Wiesel, Eldar and Hero, Shrinkage algorithms for MMSE covariance estimation,
    IEEE Transactions on Signal Processing 58, 2010.
    """

    kind: Literal["oas"] = "oas"
    window: int | None = None
    frequency: Frequency = "daily"
    horizon_days: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoisedRisk:
    """Sample covariance whose correlations are rid of what chance alone would produce.

    Eigenvalues of the correlation matrix below the edge that random matrices have (Marchenko
    and Pastur) are replaced by their mean; variances stay those of the sample. `window`,
    `frequency` and `horizon_days` are those of `sample`.

    Source: Laloux, Cizeau, Bouchaud and Potters, Noise dressing of financial correlation
    matrices, Physical Review Letters 83, 1999.
    """

    kind: Literal["denoised"] = "denoised"
    window: int | None = None
    frequency: Frequency = "daily"
    horizon_days: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRisk:
    """Statistical factor model: principal components of the correlations, and specific variances.

    `factors` counts components; absent: as many as have eigenvalues above the edge that random
    matrices have (Marchenko and Pastur), at least one. Variances are those of the sample;
    returns are uncorrelated beyond the factors. `window`, `frequency` and `horizon_days` are
    those of `sample`.

    Source: Connor and Korajczyk, Performance measurement with the arbitrage pricing theory,
    Journal of Financial Economics 15, 1986.
    """

    kind: Literal["factor"] = "factor"
    factors: int | None = None
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
class EwmaMean:
    """Exponentially weighted mean: a return counts half as much every `half_life` periods."""

    kind: Literal["ewma"] = "ewma"
    half_life: float = 63.0
    window: int | None = None
    frequency: Frequency = "daily"
    horizon_days: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShrunkMean:
    """Historical means shrunk towards that of the least variable portfolio (Bayes-Stein).

    The fewer the returns and the closer the means, the further. It needs more than N + 2
    returns of N instruments.

    Source: Jorion, Bayes-Stein estimation for portfolio analysis, Journal of Financial and
    Quantitative Analysis 21, 1986, eqs. 14 and 17.
    """

    kind: Literal["shrunk"] = "shrunk"
    window: int | None = None
    frequency: Frequency = "daily"
    horizon_days: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Equilibrium:
    """Returns that make `weights` optimal: risk aversion x covariance x weights.

    `weights` are by instrument (absent: the benchmark); the result has the risk model's unit.

    Source: Sharpe, Imputing expected security returns from portfolio composition, Journal of
    Financial and Quantitative Analysis 9, 1974.
    """

    kind: Literal["equilibrium"] = "equilibrium"
    weights: Mapping[str, float] = field(default_factory=dict)
    risk_aversion: float = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """An opinion: a portfolio of the given weights returns so much, give or take.

    `variance` is that of the opinion's error; absent: tau x the portfolio's variance.
    """

    weights: Mapping[str, float]
    expected_return: float
    variance: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlackLitterman:
    """Equilibrium returns of `prior_weights` (absent: the benchmark), revised by views.

    The prior of the mean has tau x the covariance of the risk model. With `covariance`
    "posterior" the risk is the risk model's covariance plus that of the revised mean; "prior"
    leaves the risk model alone. Figures have the risk model's unit; no views give the prior.

    Source: He and Litterman, The intuition behind Black-Litterman model portfolios, 1999.
    """

    kind: Literal["black_litterman"] = "black_litterman"
    prior_weights: Mapping[str, float] = field(default_factory=dict)
    risk_aversion: float = 2.5
    tau: float = 0.05
    covariance: Literal["posterior", "prior"] = "posterior"
    views: tuple[View, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenForecast:
    """Expected returns given by the caller, by instrument, taken as they are."""

    expected_returns: Mapping[str, float]
    kind: Literal["given"] = "given"


EstimatedRisk: TypeAlias = SampleRisk | EwmaRisk | LedoitWolfRisk | OasRisk | DenoisedRisk | FactorRisk
"""Risk models estimated from history."""

RiskSpec: TypeAlias = NamedRisk | EstimatedRisk
"""Every risk model that a strategy may name."""

EstimatedMean: TypeAlias = HistoricalMean | EwmaMean | ShrunkMean
"""Forecasts estimated from history."""

ImpliedForecast: TypeAlias = Equilibrium | BlackLitterman
"""Forecasts derived from the risk model."""

ForecastSpec: TypeAlias = EstimatedMean | ImpliedForecast | GivenForecast
"""Every forecast that a strategy may name."""


def sessions(horizon_days: float | None, frequency: Frequency) -> float:
    """Periods of the given frequency in a horizon of calendar days; 1 where it is absent."""
    if horizon_days is None:
        return 1.0
    per_year = {"daily": SESSIONS_PER_YEAR, "weekly": 52, "monthly": 12}[frequency]
    return horizon_days * per_year / DAYS_PER_YEAR
