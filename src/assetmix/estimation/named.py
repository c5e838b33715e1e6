"""The risk model that an uploaded one gives for the instruments of a problem."""

from dataclasses import dataclass, replace

import numpy as np

from assetmix.domain.arrays import Matrix, Vector, readonly
from assetmix.domain.given_model import GivenModel
from assetmix.domain.risk import RiskModel
from assetmix.domain.universe import Universe
from assetmix.errors import Fault, UnknownAsset, escape
from assetmix.estimation.moments import moments
from assetmix.estimation.roots import covariance_root


def named_risk(model: GivenModel, ids: tuple[str, ...], extra: tuple[str, ...]) -> RiskModel:
    """Restrict an uploaded model to the instruments (*ids, *extra); figures keep its unit.

    The mean is `expected_returns`; absent, that of the scenarios. With scenarios the covariance
    is theirs (divisor 1 - sum p^2, T - 1 in place of T for equal ones) even beside
    `expected_returns`. A factor model keeps its form.

    Parameters
    ----------
    model : without faults (`given_check`)
    extra : benchmark members outside the problem's instruments

    Raises
    ------
    UnknownAsset
        for each instrument that the model does not cover
    """
    _refuse_uncovered(model, ids, extra)
    universe = Universe((*ids, *extra))
    chosen = [model.universe.positions[key] for key in universe.ids]
    mean = None if model.expected_returns is None else readonly(model.expected_returns[chosen])
    parts = _scenarios(model.scenarios[:, chosen], model) if model.scenarios is not None else _matrices(model, chosen)
    return RiskModel(
        universe,
        root=readonly(parts.root),
        specific_variance=readonly(parts.specific_variance),
        scenarios=None if parts.scenarios is None else readonly(parts.scenarios),
        probabilities=None if model.probabilities is None else readonly(model.probabilities),
        mean=parts.mean if mean is None else mean,
        drift=mean if parts.drift is None else parts.drift,
    )


@dataclass(frozen=True, eq=False)
class _Parts:
    root: Matrix
    specific_variance: Vector
    scenarios: Matrix | None = None
    mean: Vector | None = None
    drift: Vector | None = None


def _scenarios(rows: Matrix, model: GivenModel) -> _Parts:
    found = moments(rows, model.probabilities)
    return _Parts(found.root, found.specific_variance, rows, readonly(found.mean), readonly(found.drift))


def _matrices(model: GivenModel, chosen: list[int]) -> _Parts:
    none = np.zeros(len(chosen))
    if model.covariance is not None:
        return _Parts(covariance_root(model.covariance[np.ix_(chosen, chosen)]), none)
    if model.exposures is None or model.factor_covariance is None or model.specific_variance is None:
        raise ValueError("a given model has a covariance, a factor form or scenarios")
    factors = _Parts(covariance_root(model.factor_covariance) @ model.exposures[chosen].T, none)
    return replace(factors, specific_variance=model.specific_variance[chosen])


def _refuse_uncovered(model: GivenModel, ids: tuple[str, ...], extra: tuple[str, ...]) -> None:
    places = [("/risk_model", key) for key in ids] + [(f"/benchmark/{escape(key)}", key) for key in extra]
    missing = [(pointer, key) for pointer, key in places if key not in model.universe.positions]
    if missing:
        cure = "upload one that does, or leave the instrument out"
        faults = [
            Fault(pointer, "unknown-asset", f"the risk model does not cover {key}; {cure}") for pointer, key in missing
        ]
        raise UnknownAsset(faults[0].detail, faults)
