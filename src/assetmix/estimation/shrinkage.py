"""Covariances shrunk towards equal variances without correlation."""

import numpy as np

from assetmix.domain.arrays import Matrix
from assetmix.estimation.moments import Moments, moments


def shrunk_covariance(rows: Matrix, intensity: float) -> Moments:
    """Move the sample covariance S of rows (T, m) to (1 - a) S + a (trace S / m) I, a being the intensity."""
    sample = moments(rows)
    level = float(np.square(sample.root).sum()) / rows.shape[1]
    specific = np.full(rows.shape[1], intensity * level)
    return Moments(sample.mean, np.sqrt(1.0 - intensity) * sample.root, specific, sample.drift)
