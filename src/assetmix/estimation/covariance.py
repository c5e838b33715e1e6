"""Covariance estimators; each gives a RiskModel in factor form."""

import numpy as np

from assetmix.domain.arrays import readonly
from assetmix.domain.risk import RiskModel
from assetmix.domain.snapshot import Snapshot
from assetmix.domain.universe import Universe
from assetmix.estimation.returns import returns
from assetmix.estimation.specs import SampleRisk, sessions


def sample(snapshot: Snapshot, ids: tuple[str, ...], spec: SampleRisk) -> RiskModel:
    """Sample covariance of the given instruments, as the triangular factor of centered returns.

    The factor comes from a QR decomposition of the centered returns, so the covariance is never
    squared up and back: R'R = X'X / (T - 1) to rounding.

    Raises
    ------
    MissingData
        when the history is too short
    """
    scenarios = returns(snapshot, ids, spec.window, spec.frequency)
    mean = scenarios.mean(axis=0)
    periods = sessions(spec.horizon_days, spec.frequency)
    scale = np.sqrt(periods / (len(scenarios) - 1))
    return RiskModel(
        Universe(ids),
        root=readonly(np.linalg.qr(scenarios - mean, mode="r") * scale),
        specific_variance=readonly(np.zeros(len(ids))),
        scenarios=scenarios,
        mean=readonly(mean * periods),
        uncentered_root=readonly(np.linalg.qr(scenarios, mode="r") * scale),
    )
