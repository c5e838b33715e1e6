"""Expected returns derived from a risk model: equilibrium, and Black-Litterman."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from assetmix.domain.arrays import Matrix, Vector, readonly
from assetmix.domain.risk import RiskModel
from assetmix.errors import Fault, InvalidRequest, UnknownAsset, escape
from assetmix.estimation.specs import BlackLitterman, Equilibrium, View

RISKLESS = 1e-14
"""Variance of a view, relative to the most that its weights could have, that is rounding only."""


@dataclass(frozen=True, eq=False)
class Revised:
    """Expected returns (m,) of the instruments of a risk model, and the risk model that goes with them."""

    expected_returns: Vector
    risk: RiskModel


def equilibrium(risk: RiskModel, spec: Equilibrium, benchmark: Mapping[str, float]) -> Revised:
    """Returns under which the weights are optimal: risk aversion x covariance x weights.

    Raises
    ------
    InvalidRequest
        when there are neither weights nor a benchmark, or they name what the risk model lacks
    """
    return Revised(spec.risk_aversion * risk.product(_prior(risk, "weights", spec.weights, benchmark)), risk)


def black_litterman(risk: RiskModel, spec: BlackLitterman, benchmark: Mapping[str, float]) -> Revised:
    """Equilibrium returns revised by views, and the covariance that goes with them.

    With S the covariance, t tau, P the views (K, m), q their returns, W = diag of their variances:
    mean = prior + t S P'(t P S P' + W)^-1 (q - P prior); its covariance M = t S - t S P'(t P S P' +
    W)^-1 P S t, and the posterior covariance is S + M. With S = A'A and G = t A P'(...)^(-1/2) that
    is A'((1 + t) I - G G')A, whose root needs the singular vectors of G (K of them) only.

    Raises
    ------
    InvalidRequest
        when there are neither prior weights nor a benchmark, when a view names what the risk model
        lacks, or when a view without a variance has no risk to take one from

    Source: He and Litterman, The intuition behind Black-Litterman model portfolios, 1999, app. A.
    """
    prior = spec.risk_aversion * risk.product(_prior(risk, "prior_weights", spec.prior_weights, benchmark))
    views = _laid_out(risk, spec)
    inverse_root = _inverse_root(spec.tau * views.covariance + np.diag(views.errors))
    gain = spec.tau * _half(risk, views.weights.T) @ inverse_root
    surprise = inverse_root.T @ (views.expected_returns - views.weights @ prior)
    mean = prior + _half_transposed(risk, gain @ surprise)
    return Revised(mean, _posterior(risk, spec.tau, gain) if spec.covariance == "posterior" else risk)


@dataclass(frozen=True, eq=False)
class _Views:
    """Weights P (K, m), returns q (K,), variances of the errors (K,) and P S P' (K, K)."""

    weights: Matrix
    expected_returns: Vector
    errors: Vector
    covariance: Matrix


def _prior(risk: RiskModel, field: str, weights: Mapping[str, float], benchmark: Mapping[str, float]) -> Vector:
    if not weights and not benchmark:
        cure = f'give "{field}", or a benchmark, for example {{"SPX": 1.0}}'
        raise InvalidRequest(cure, [Fault(f"/forecast/{field}", "missing", cure)])
    pointer = f"/forecast/{field}" if weights else "/benchmark"
    _refuse_unknown(risk, {pointer: weights or benchmark})
    return risk.universe.vector(weights or benchmark)


def _refuse_unknown(risk: RiskModel, named: Mapping[str, Mapping[str, float]]) -> None:
    faults = [
        Fault(
            f"{pointer}/{escape(key)}",
            "unknown-asset",
            f"{key} is neither in the universe nor in the benchmark; leave it out",
        )
        for pointer, weights in named.items()
        for key in weights
        if key not in risk.universe.positions
    ]
    if faults:
        raise UnknownAsset(faults[0].detail, faults)


def _laid_out(risk: RiskModel, spec: BlackLitterman) -> _Views:
    _refuse_unknown(risk, {f"/forecast/views/{i}/weights": view.weights for i, view in enumerate(spec.views)})
    weights = np.array([risk.universe.vector(view.weights) for view in spec.views]).reshape(-1, len(risk.universe))
    halves = _half(risk, weights.T)
    covariance = halves.T @ halves
    _refuse_riskless(risk, spec.views, weights, np.diagonal(covariance))
    own = [np.nan if view.variance is None else view.variance for view in spec.views]
    errors = np.where(np.isnan(own), spec.tau * np.diagonal(covariance), own)
    return _Views(weights, np.array([view.expected_return for view in spec.views]), errors, covariance)


def _refuse_riskless(risk: RiskModel, views: tuple[View, ...], weights: Matrix, variances: Vector) -> None:
    volatilities = np.sqrt(np.square(risk.root).sum(axis=0) + risk.specific_variance)
    most = np.square(np.abs(weights) @ volatilities)
    detail = "the risk model gives this combination no variance to take the view's from; state a variance"
    faults = [
        Fault(f"/forecast/views/{i}/variance", "missing", detail)
        for i, view in enumerate(views)
        if view.variance is None and variances[i] <= RISKLESS * most[i]
    ]
    if faults:
        raise InvalidRequest(detail, faults)


def _half(risk: RiskModel, columns: Matrix) -> Matrix:
    """A times columns (m, c), where A'A is the covariance: the root's rows, then the specific ones."""
    return np.vstack([risk.root @ columns, np.sqrt(risk.specific_variance)[:, None] * columns])


def _half_transposed(risk: RiskModel, stacked: Vector) -> Vector:
    """A' times a vector laid out like the rows of A."""
    count = len(risk.root)
    return np.asarray(risk.root.T @ stacked[:count] + np.sqrt(risk.specific_variance) * stacked[count:])


def _inverse_root(matrix: Matrix) -> Matrix:
    """H with HH' the inverse of a covariance of views (K, K); what views repeat of each other is left out."""
    scale = np.sqrt(np.diagonal(matrix))
    values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    kept = values > len(matrix) * np.finfo(np.float64).eps * max(values, default=0.0)
    return np.asarray(vectors[:, kept] / np.sqrt(values[kept]) / scale[:, None])


def _posterior(risk: RiskModel, tau: float, gain: Matrix) -> RiskModel:
    """Risk model with covariance A'((1 + tau) I - GG')A in place of A'A; scenarios stay."""
    specific = risk.specific_variance.any()
    rows = np.vstack([risk.root, np.diag(np.sqrt(risk.specific_variance))]) if specific else risk.root
    left, sizes, _ = np.linalg.svd(gain[: len(rows)], full_matrices=False)
    cut = 1.0 - np.sqrt(1.0 - np.square(sizes) / (1.0 + tau))
    root = np.sqrt(1.0 + tau) * (rows - left @ (cut[:, None] * (left.T @ rows)))
    compact = np.linalg.qr(root, mode="r") if len(root) > len(risk.universe) else root
    return replace(risk, root=readonly(compact), specific_variance=readonly(np.zeros(len(risk.universe))))
