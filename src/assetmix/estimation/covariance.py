"""Covariance estimators; each gives a RiskModel in factor form."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from assetmix.domain.arrays import Matrix, readonly
from assetmix.domain.risk import RiskModel
from assetmix.domain.snapshot import Snapshot
from assetmix.domain.universe import Universe
from assetmix.estimation.components import compressed, denoised, factor_model
from assetmix.estimation.library import ledoit_wolf_intensity, oas_intensity
from assetmix.estimation.moments import Moments, decay, moments
from assetmix.estimation.returns import returns
from assetmix.estimation.roots import with_a_row
from assetmix.estimation.shrinkage import shrunk_covariance
from assetmix.estimation.specs import (
    DenoisedRisk,
    EstimatedRisk,
    EwmaRisk,
    FactorRisk,
    LedoitWolfRisk,
    OasRisk,
    SampleRisk,
    sessions,
)

_ESTIMATORS: Mapping[type[EstimatedRisk], Callable[[Matrix, Any], Moments]] = {
    SampleRisk: lambda rows, _: moments(rows),
    EwmaRisk: lambda rows, spec: moments(rows, decay(len(rows), spec.half_life)),
    LedoitWolfRisk: lambda rows, _: shrunk_covariance(rows, ledoit_wolf_intensity(rows)),
    OasRisk: lambda rows, _: shrunk_covariance(rows, oas_intensity(rows)),
    DenoisedRisk: lambda rows, _: denoised(rows),
    FactorRisk: lambda rows, spec: factor_model(rows, spec.factors),
}


def estimated_risk(snapshot: Snapshot, ids: tuple[str, ...], spec: EstimatedRisk) -> RiskModel:
    """Estimate the risk of instruments from their history as a spec says.

    Moments are scaled to the horizon; scenarios are the returns of the window as they are, equally
    likely, whatever weights the covariance gives them. A covariance of more than 500 instruments is
    compressed, and says so.

    Raises
    ------
    MissingData
        when the history is too short
    """
    scenarios = returns(snapshot, ids, spec.window, spec.frequency)
    periods = sessions(spec.horizon_days, spec.frequency)
    found, compression = _ESTIMATORS[type(spec)](scenarios, spec), None
    if not isinstance(spec, FactorRisk | DenoisedRisk):
        found, compression = compressed(found)
    return RiskModel(
        Universe(ids),
        root=readonly(with_a_row(found.root) * np.sqrt(periods)),
        specific_variance=readonly(found.specific_variance * periods),
        scenarios=scenarios,
        mean=readonly(found.mean * periods),
        drift=readonly(found.drift * np.sqrt(periods)),
        compression=compression,
    )
