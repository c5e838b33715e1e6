"""Active risk as a sum of squares: TE^2 = |F w - g|^2."""

from collections.abc import Mapping

from assetmix.domain.arrays import Matrix, Vector
from assetmix.errors import Fault, InvalidRequest
from assetmix.optimization.problem import Problem


def active_form(problem: Problem, benchmark: Mapping[str, float], *, centered: bool) -> tuple[Matrix, Vector]:
    """Rows F (k, n) and offsets g (k,) with squared tracking error |F w - g|^2 per period.

    Centered: about the mean difference, from the covariance. Not centered: the mean difference
    counts as deviation too, from second moments with divisor T - 1.

    Raises
    ------
    InvalidRequest
        when there is no benchmark, no risk model, or no scenarios where they are needed
    """
    chosen = benchmark or problem.benchmark
    name = "centered" if centered else "uncentered"
    return problem.once_for(name, chosen, lambda: _form(problem, benchmark, centered=centered))


def _form(problem: Problem, benchmark: Mapping[str, float], *, centered: bool) -> tuple[Matrix, Vector]:
    weights = problem.benchmark_weights(benchmark)
    rows = problem.root if centered else _uncentered(problem)
    return rows[:, : len(problem.universe)], rows @ weights


def _uncentered(problem: Problem) -> Matrix:
    root = problem.required_risk().uncentered_root
    if root is None:
        cure = "a tracking error about zero needs scenarios; use centered, or a risk model that has scenarios"
        raise InvalidRequest(cure, [Fault("/risk_model", "missing", cure)])
    return root
