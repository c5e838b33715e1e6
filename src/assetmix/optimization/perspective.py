"""Sums of squares over weights that may be 0, as tight as convexity allows.

A position that is held to a part x only, and has the weight v, counts v^2 / x in place of v^2: the
convex hull of "0, or any weight". The separable part of the objective's squares is stated so.

Sources: Frangioni and Gentile, Perspective cuts for a class of convex 0-1 mixed integer programs,
Mathematical Programming 106 (2006); Günlük and Linderoth, Perspective reformulations of mixed
integer nonlinear programs with indicator variables, Mathematical Programming 124 (2010).
"""

import numpy as np

from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision, Sides
from assetmix.optimization.measure import Squares
from assetmix.optimization.problem import Problem
from assetmix.optimization.size import objective_size, plain_size
from assetmix.optimization.squares import before_trades, sides_of, split, trades_of


def has_squares(problem: Problem) -> bool:
    """Whether the objective has a sum of squares that is minimized."""
    sign = problem.objective.sign
    return any(sign * term.weight > 0 and term.measure.squares(problem) is not None for term in problem.objective.terms)


def perspective(problem: Problem, decision: Decision) -> tuple[Expression, float]:
    """State the objective with its squares split; where nothing may be 0, as it is."""
    parts: list[Expression] = []
    for term in problem.objective.terms:
        unit = plain_size(term.measure, problem)
        factor = problem.objective.sign * term.weight * unit / objective_size(problem)
        squares = term.measure.squares(problem) if factor > 0 else None
        sides = sides_of(decision)
        if squares is None or sides is None:
            parts.append(factor * decision.state(term.measure, problem, unit))
        else:
            root = np.sqrt(factor / unit)
            parts.append(_split(Squares(squares.rows * root, squares.offset * root), decision, sides))
    return sum(parts), 1.0 / objective_size(problem)


def _split(squares: Squares, decision: Decision, sides: Sides) -> Expression:
    """Own squares over the part that is held, and the squares of the rest."""
    diagonal, rest = split(squares.rows)
    own = cp.Variable(len(diagonal), nonneg=True, name="own squares")
    part = sides.above + sides.below
    decision.link(cp.SOC(part + own, cp.vstack([2.0 * sides.values, part - own]), axis=0))
    goal = diagonal @ own - 2.0 * (squares.rows.T @ squares.offset) @ decision.weights
    if sides is trades_of(decision):
        goal = goal + before_trades(decision, diagonal)
    if len(rest):
        goal = goal + cp.sum_squares(rest @ decision.weights)
    return goal + float(squares.offset @ squares.offset)
