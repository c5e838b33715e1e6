"""Principal components of correlations: noise taken out, and statistical factor models."""

from dataclasses import dataclass

import numpy as np

from assetmix.domain.arrays import Matrix, Vector
from assetmix.domain.risk import Compression
from assetmix.estimation.moments import Moments, moments

WHOLE = 500
"""Up to so many instruments a sample covariance is taken as it is."""

EIGENVECTORS = 50
"""So many eigenvectors are kept of larger ones."""

NOTHING = 1e-12
"""Share of a variance that is rounding only."""


def denoised(rows: Matrix) -> Moments:
    """Sample covariance of rows (T, m) with correlations clipped at the edge of random matrices.

    Eigenvalues of the correlation matrix up to the edge are replaced by their mean, so that the
    trace stays; the diagonal is scaled back to one, and variances are those of the sample.

    Source: Laloux, Cizeau, Bouchaud and Potters, Physical Review Letters 83, 1999; Lopez de Prado,
    Machine Learning for Asset Managers, 2020, sec. 2.5.1.
    """
    parts = _components(rows)
    count = signals(parts.eigenvalues, parts.live, len(rows))
    noise = _rest(parts.eigenvalues[:count], parts.live)
    root = np.sqrt(parts.eigenvalues[:count] - noise)[:, None] * parts.vectors[:count]
    spread = np.sqrt(np.square(root).sum(axis=0) + noise)
    scale = parts.volatilities / np.where(parts.volatilities > 0, spread, 1.0)
    return Moments(parts.sample.mean, root * scale, noise * scale**2, parts.sample.drift)


def factor_model(rows: Matrix, factors: int | None) -> Moments:
    """Leading principal components of the correlations of rows (T, m), and specific variances.

    Parameters
    ----------
    factors : components to keep, at most as many as there are; None for those above the edge of
        random matrices, at least one

    Source: Connor and Korajczyk, Journal of Financial Economics 15, 1986.
    """
    parts = _components(rows)
    count = max(1, signals(parts.eigenvalues, parts.live, len(rows))) if factors is None else factors
    root = np.sqrt(parts.eigenvalues[:count])[:, None] * parts.vectors[:count]
    specific = 1.0 - np.square(root).sum(axis=0)
    specific[specific < NOTHING] = 0.0
    return Moments(parts.sample.mean, root * parts.volatilities, specific * parts.volatilities**2, parts.sample.drift)


def compressed(sample: Moments) -> tuple[Moments, Compression | None]:
    """Leading eigenvectors and a diagonal in place of the covariance of very many instruments.

    A covariance of so many is a matrix that no solver takes in time, and of rank T - 1 at most; the
    directions beyond the first few are noise. What they add to each variance is kept as own risk.
    """
    height, count = sample.root.shape
    if count <= WHOLE or height <= EIGENVECTORS:
        return sample, None
    _, singular, vectors = np.linalg.svd(sample.root, full_matrices=False)
    squared = np.square(singular)
    root = singular[:EIGENVECTORS, None] * vectors[:EIGENVECTORS]
    rest = singular[EIGENVECTORS:, None] * vectors[EIGENVECTORS:]
    own = sample.specific_variance + np.square(rest).sum(axis=0)
    dropped = float(squared[EIGENVECTORS:].sum() / (squared.sum() + sample.specific_variance.sum()))
    return Moments(sample.mean, root, own, sample.drift), Compression(factors=EIGENVECTORS, dropped=dropped)


def signals(eigenvalues: Vector, size: int, periods: int) -> int:
    """Count the eigenvalues of a correlation matrix that chance does not explain.

    The largest eigenvalue of correlations of independent returns is about s (1 + sqrt(N / T))^2.
    s, the variance left to chance, is the mean of the eigenvalues that are not above that edge;
    counting and averaging are repeated until they agree, from s = 1.

    Parameters
    ----------
    eigenvalues : largest first; those left out are zero
    size : N, instruments whose returns vary
    periods : T, returns

    Source: Marchenko and Pastur, Mathematics of the USSR-Sbornik 1, 1967.
    """
    count, found = -1, 0
    while found > count:
        count = found
        edge = _rest(eigenvalues[:count], size) * (1.0 + np.sqrt(size / periods)) ** 2
        found = int((eigenvalues > edge).sum())
    return count


@dataclass(frozen=True, eq=False)
class _Components:
    """Eigenvalues (k,), largest first, and eigenvectors (k, m) of the sample correlations."""

    sample: Moments
    volatilities: Vector
    live: int
    eigenvalues: Vector
    vectors: Matrix


def _components(rows: Matrix) -> _Components:
    sample = moments(rows)
    volatilities = np.sqrt(np.square(sample.root).sum(axis=0))
    still = volatilities == 0
    standardized = np.where(still, 0.0, sample.root / np.where(still, 1.0, volatilities))
    _, singular, vectors = np.linalg.svd(standardized, full_matrices=False)
    return _Components(sample, volatilities, int((~still).sum()), np.square(singular), vectors)


def _rest(kept: Vector, size: int) -> float:
    """Mean of the eigenvalues beyond those kept; the eigenvalues of correlations sum to their number."""
    return max(float(size - kept.sum()), 0.0) / max(size - len(kept), 1)
