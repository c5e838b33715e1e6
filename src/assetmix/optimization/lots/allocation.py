"""Whole lots nearest to the optimum: a mixed-integer program, where lots are few enough for one."""

from dataclasses import replace

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.decision import Decision
from assetmix.optimization.frame import FULLY_INVESTED
from assetmix.optimization.linearity import keep_linear
from assetmix.optimization.problem import Problem
from assetmix.optimization.programs.living import run
from assetmix.optimization.solvers import HIGHS
from assetmix.optimization.tolerances import DIGITS, HELD

MOST = 150
"""So many instruments at most; beyond, steps are taken one by one."""
SMALLEST_LOT = 1e-6
"""Weight of a lot below which counting lots is beyond a solver's idea of a whole number, and of no use."""
SECONDS = 5.0
SCALE = 1e4
"""Solvers' absolute gaps are then a ten-thousandth of a millionth of value."""


def nearest_lots(problem: Problem, weights: Vector, cash: float, floor: float) -> Vector | None:
    """Units to trade (n,) with the least sum of absolute deviations of values and cash.

    Parameters
    ----------
    weights : (n,) the continuous optimum
    cash : its cash, fraction of value
    floor : least cash after trading, fraction of value

    Returns
    -------
    None where there are too many instruments, lots too small to be counted, or no answer in time
    """
    steps = problem.steps
    lots = steps * problem.prices / problem.value
    if len(lots) > MOST or lots.min(initial=1.0) < SMALLEST_LOT:
        return None
    decision, rows = _stated(problem, floor)
    exits = (np.abs(weights) <= HELD) & (problem.quantities != 0) & (problem.tradable == 1)
    others = np.flatnonzero(~exits)
    rows.append((decision.trades - cp.multiply(lots, decision.lots))[others] == 0)
    if exits.any():
        rows.append(decision.weights[np.flatnonzero(exits)] == 0)
    deviation = cp.norm1(decision.weights - weights) + cp.abs(decision.cash - cash)
    program = cp.Problem(cp.Minimize(SCALE * deviation), [*rows, *decision.linking])
    verdict = run(program, HIGHS.limited(SECONDS, 0.0, root=False))
    if verdict not in {"solved", "timed_out"} or decision.lots.value is None:
        return None
    units = np.round(np.round(decision.lots.value) * steps, DIGITS)
    return np.where(exits, -problem.quantities, units)


def _stated(problem: Problem, floor: float) -> tuple[Decision, list[object]]:
    """The hard limits in linear rows; what curved ones say is checked when lots are chosen."""
    rest = (one for one in problem.constraints if one is not FULLY_INVESTED and one.penalty is None and not one.exact)
    constraints = (*rest, Cash(lower_fraction=floor))
    decision = Decision(replace(problem, constraints=constraints), relaxed=True, integers="free")
    rows: list[object] = []
    for constraint in constraints:
        mark = len(decision.linking)
        stated = constraint.limits(decision.problem, decision)
        kept = (limit for limit in stated if keep_linear(decision, mark, limit.left))
        rows.extend(one.left == one.right if one.sense == "==" else one.left <= one.right for one in kept)
    return decision, rows
