"""The one door to the statistics library, which is loaded when a figure is first asked of it."""

from importlib import import_module

from assetmix.domain.arrays import Matrix


def ledoit_wolf_intensity(returns: Matrix) -> float:
    """Share of the Ledoit-Wolf target in the covariance of returns (periods, instruments), 0 to 1."""
    return float(import_module("sklearn.covariance").ledoit_wolf_shrinkage(returns))


def oas_intensity(returns: Matrix) -> float:
    """Share of the target by the oracle approximating formula, 0 to 1."""
    return float(import_module("sklearn.covariance").OAS(store_precision=False).fit(returns).shrinkage_)
