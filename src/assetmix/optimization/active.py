"""Active risk as a sum of squares: TE^2 = |F w - g|^2."""

from collections.abc import Mapping

import numpy as np

from assetmix.domain.arrays import Matrix, Vector
from assetmix.errors import Fault, InvalidRequest
from assetmix.optimization.problem import Problem


def active_form(problem: Problem, benchmark: Mapping[str, float], *, centered: bool) -> tuple[Matrix, Vector]:
    """Rows F (k, n) and offsets g (k,) with squared tracking error |F w - g|^2 per period.

    Centered: about the mean difference, from the covariance. Not centered: the mean difference
    counts as deviation too, from the scenarios with divisor T - 1.

    Raises
    ------
    InvalidRequest
        when there is no benchmark, no risk model, or no scenarios where they are needed
    """
    weights = problem.benchmark_weights(benchmark)
    rows = problem.root if centered else _uncentered(problem)
    return rows[:, : len(problem.universe)], rows @ weights


def _uncentered(problem: Problem) -> Matrix:
    scenarios = problem.required_risk().scenarios
    if scenarios is None:
        cure = "a tracking error about zero needs scenarios; use centered, or a risk model that has scenarios"
        raise InvalidRequest(cure, [Fault("/risk_model", "missing", cure)])
    return np.asarray(np.linalg.qr(scenarios / np.sqrt(len(scenarios) - 1), mode="r"))
