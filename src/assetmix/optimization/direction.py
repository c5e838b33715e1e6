"""Along which trades an objective improves without end, in words."""

import numpy as np

from assetmix.optimization import atoms as cp
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import number
from assetmix.optimization.problem import Problem
from assetmix.optimization.programs.living import run
from assetmix.optimization.solvers import order
from assetmix.optimization.statement import declared, state_limits

FAR = 1e4
"""Edge of a box, in multiples of value, at which an unbounded problem ends; large, and still exact."""
SHOWN = 5
NOTICED = 1e-3
TOUCHED = 0.99
"""Part of the way to the edge that a weight has gone where nothing but the edge holds it."""


def unbounded_sentence(problem: Problem) -> str | None:
    """Name what is bought and sold without end, and the cure; None where nothing is.

    The problem is solved once more inside a box far away: where its answer touches the box, it
    would go on.
    """
    decision = Decision(problem)
    objective, _ = declared(problem, decision)
    limits, _ = state_limits(problem, decision)
    rows = [*(one.form for one in limits), *decision.linking, cp.abs(decision.weights) <= FAR]
    program = cp.Problem(cp.Minimize(objective), rows)
    solved = any(run(program, solver) == "solved" for solver in order(program))
    cure = "bound the weights, the leverage or a risk measure"
    if not solved or decision.weights.value is None:
        return None
    direction = np.asarray(decision.weights.value) / FAR
    parts = [
        f"{'buying' if direction[i] > 0 else 'selling'} {problem.universe.ids[i]} ({number(float(direction[i]))})"
        for i in np.argsort(-np.abs(direction))[:SHOWN]
        if abs(direction[i]) > NOTICED
    ]
    if np.abs(direction).max() < TOUCHED:
        return None
    return f"Nothing holds the objective back: it improves without end by {', '.join(parts)}; {cure}."
