"""Versions of everything that an answer depends on beside its data."""

from functools import lru_cache
from importlib.metadata import version

from assetmix import __version__

PACKAGES = ("cvxpy-base", "clarabel", "piqp", "highspy", "numpy")


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Versions of this package and of the solvers."""
    return {"assetmix": __version__} | {name: version(name) for name in PACKAGES}
