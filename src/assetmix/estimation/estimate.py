"""Risk and return of a problem's instruments, from whatever its strategy asks for."""

from collections.abc import Mapping
from dataclasses import dataclass

from assetmix.domain.arrays import readonly
from assetmix.domain.forecast import Forecast
from assetmix.domain.given_model import GivenModel
from assetmix.domain.risk import RiskModel
from assetmix.domain.snapshot import Snapshot
from assetmix.domain.universe import Universe
from assetmix.errors import Fault, InvalidRequest
from assetmix.estimation.black_litterman import black_litterman, equilibrium
from assetmix.estimation.covariance import estimated_risk
from assetmix.estimation.expected_return import estimated_mean, given
from assetmix.estimation.named import named_risk
from assetmix.estimation.specs import (
    BlackLitterman,
    Equilibrium,
    ForecastSpec,
    GivenForecast,
    ImpliedForecast,
    NamedRisk,
    RiskSpec,
)


@dataclass(frozen=True, eq=False)
class Wanted:
    """What to estimate.

    Parameters
    ----------
    risk_spec : None for no risk model, or for `given` where there is one
    forecast_spec : None for none: expected returns are then the mean of the risk model
    given : the uploaded model that `risk_spec` names, or the default one; other specs ignore it
    benchmark : weights by id, the prior of forecasts that name none
    """

    risk_spec: RiskSpec | None
    forecast_spec: ForecastSpec | None
    given: GivenModel | None
    benchmark: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Estimates:
    """Risk of the n instruments first, then of the extra ones; expected returns of the n only."""

    risk: RiskModel | None
    forecast: Forecast | None


def estimate(snapshot: Snapshot, ids: tuple[str, ...], extra: tuple[str, ...], wanted: Wanted) -> Estimates:
    """Estimate what a strategy asks for.

    Parameters
    ----------
    ids : the n instruments of the problem
    extra : benchmark members outside them

    Raises
    ------
    MissingData
        when the history is too short, with the pointer of the window that asked for it
    UnknownAsset
        when an uploaded model, a prior or a view does not fit the instruments
    InvalidRequest
        when something else is missing, with the cure; pointers start at the strategy
    """
    risk = _risk(snapshot, ids, extra, wanted)
    match wanted.forecast_spec:
        case None:
            return Estimates(risk, None)
        case GivenForecast() as spec:
            return Estimates(risk, given(ids, spec))
        case Equilibrium() | BlackLitterman() as spec:
            return _implied(risk, ids, spec, wanted.benchmark)
        case spec:
            return Estimates(risk, estimated_mean(snapshot, ids, spec))


def _risk(snapshot: Snapshot, ids: tuple[str, ...], extra: tuple[str, ...], wanted: Wanted) -> RiskModel | None:
    spec = wanted.risk_spec
    if spec is not None and not isinstance(spec, NamedRisk):
        return estimated_risk(snapshot, (*ids, *extra), spec)
    if wanted.given is not None:
        return named_risk(wanted.given, ids, extra)
    if spec is not None:
        detail = f"no risk model is named {spec.name!r}; PUT /v1/risk-models/{spec.name} first"
        raise InvalidRequest(detail, [Fault("/risk_model/name", "unknown-risk-model", detail)])
    return None


def _implied(
    risk: RiskModel | None, ids: tuple[str, ...], spec: ImpliedForecast, benchmark: Mapping[str, float]
) -> Estimates:
    if risk is None:
        cure = f'the forecast {spec.kind} needs a risk model, for example "risk_model": {{"kind": "sample"}}'
        raise InvalidRequest(cure, [Fault("/risk_model", "missing-risk-model", cure)])
    revised = (
        equilibrium(risk, spec, benchmark) if isinstance(spec, Equilibrium) else black_litterman(risk, spec, benchmark)
    )
    return Estimates(revised.risk, Forecast(Universe(ids), readonly(revised.expected_returns[: len(ids)])))
