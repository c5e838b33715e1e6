"""How large a measure is in its own unit, so that solvers see numbers of order one."""

import numpy as np

from assetmix.optimization.measure import Measure
from assetmix.optimization.problem import Problem

SAMPLES = 8
PLAIN = 0.1


def plain_size(measure: Measure, problem: Problem) -> float:
    """Mean size of a measure at some plain portfolios; 1 where it vanishes at all of them.

    Equal weights, single instruments of each end of the universe, and both twice over: at any
    one of them, or at all that are fully invested, a measure may happen to vanish. Kept for all
    accounts of the structure, where trades have no part in it.
    """
    if measure.counts_trades:
        return _plain_size(measure, problem)
    return problem.once_for("sizes", measure, lambda: _plain_size(measure, problem))


def _plain_size(measure: Measure, problem: Problem) -> float:
    allowed = problem.allowed if problem.allowed.any() else np.ones_like(problem.allowed)
    members = np.flatnonzero(allowed)
    ends = np.concatenate([members[:SAMPLES], members[-SAMPLES:]])
    single = np.zeros((len(ends), len(allowed)))
    single[np.arange(len(ends)), ends] = 1.0
    portfolios = np.vstack([allowed / allowed.sum(), single])
    sizes = np.abs(measure.value(problem, np.vstack([portfolios, 2.0 * portfolios])))
    size = float(sizes.mean())
    return size if np.isfinite(size) and size > 0 else 1.0


def objective_size(problem: Problem) -> float:
    """Size of the objective: that of its largest term."""
    terms = problem.objective.terms
    return max((abs(term.weight) * plain_size(term.measure, problem) for term in terms if term.weight), default=1.0)


def gap_reference(problem: Problem, reached: float) -> float:
    """What a gap is relative to: the value reached, or a tenth of the objective's plain size if that is larger.

    Next to nothing no distance is small: a tracking error of all but zero would never be optimal.
    """
    return max(abs(reached), PLAIN * objective_size(problem))
