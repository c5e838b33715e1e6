"""Counts, gaps, lots and fees: outer approximation, with a proven gap.

A mixed-integer relaxation proposes which instruments are held and traded and proves a bound; the
convex problem with those fixed gives weights that are verified; their tangents tighten the
relaxation. It ends at the gap asked for, or when the time is over, with the gap that was reached.

Source: Duran and Grossmann (1986), see `assetmix.optimization.master`.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import SolverFailed
from assetmix.optimization.balance import balanced_attempt
from assetmix.optimization.decision import PRESUMED
from assetmix.optimization.memory import Memory
from assetmix.optimization.methods import convex
from assetmix.optimization.methods.branching import Tree, undivided
from assetmix.optimization.methods.search import Search, snapped
from assetmix.optimization.perspective import has_squares, perspective
from assetmix.optimization.problem import Problem
from assetmix.optimization.solution import TIME_IS_OVER, NoSolution, Solution
from assetmix.optimization.solvers import Solver
from assetmix.optimization.statement import Attempt, Costs, Statement
from assetmix.optimization.tolerances import RESIDUAL, SNAP
from assetmix.optimization.verify import max_residual, outcome_of


def accepts(problem: Problem) -> bool:
    """Convex objectives under integer constraints or fees."""
    return problem.is_integer and all(term.measure.fraction() is None for term in problem.objective.terms)


def run(problem: Problem, memory: Memory, remaining: Callable[[], float]) -> Solution | NoSolution:
    """Search until the gap is proven or the time is over.

    Raises
    ------
    SolverFailed
        when no answer can be verified
    """
    return _within_reach(problem, _run(problem, memory, remaining))


def _within_reach(problem: Problem, found: Solution | NoSolution) -> Solution | NoSolution:
    """Refuse an answer that only the reach of the indicators holds back, where nothing else bounds the weights."""
    if isinstance(found, NoSolution):
        return found
    lower, upper = problem.box
    edge = PRESUMED * (1.0 - SNAP)
    weights, trades = found.weights, found.weights - problem.current_weights
    high, low = np.maximum(weights, trades) >= edge, np.minimum(weights, trades) <= -edge
    if not ((np.isinf(upper) & high) | (np.isinf(lower) & low)).any():
        return found
    sentence = (
        f"The best portfolio lies beyond {PRESUMED:g} times the value, where nothing is counted; bound the weights."
    )
    return NoSolution("unbounded", sentence)


def _run(problem: Problem, memory: Memory, remaining: Callable[[], float]) -> Solution | NoSolution:
    statement = memory.recall(("relaxed", problem.structure), lambda: Statement(problem))
    attempt = _first(statement, problem, remaining)
    if attempt.verdict == "solved":
        at_once = _if_whole(problem, attempt, memory)
        if at_once is not None:
            return at_once
        relaxed, tree = _tighter(problem, attempt, memory, remaining)
        return Search(problem, relaxed, tree, memory).run(remaining)
    if attempt.verdict == "timed_out" or remaining() <= 0:
        return TIME_IS_OVER
    judged = convex.judge(problem, attempt, memory, remaining)
    if judged is None:
        memory.forget(("relaxed", problem.structure))
        raise SolverFailed("No solver gave an answer that keeps every limit; the numbers may be badly scaled.")
    return judged


def _tighter(
    problem: Problem, attempt: Attempt, memory: Memory, remaining: Callable[[], float]
) -> tuple[Attempt, Tree | None]:
    """The relaxation by perspectives, where the objective has squares, and the tree that grows from it.

    Costs may be overpaid in the nodes of a tree; where the best answer of the first overpays, there
    is no tree. Without squares, or without an answer, the relaxation at hand.
    """
    if not has_squares(problem) or "lots" in attempt.indicators:
        return attempt, None
    costs: Costs = "exact" if problem.trading.is_free else "overpaying"
    key = ("branching", problem.structure)
    statement = memory.recall(key, lambda: Statement(problem, goal=perspective, integers="bounded", costs=costs))
    statement.decision.bound(undivided(statement, problem))
    root = _first(statement, problem, remaining, is_balanced=True)
    if root.verdict == "solved" and root.bound is not None and not _overpays(problem, root.weights):
        return root, Tree(statement, problem, root)
    if problem.trading.is_free:
        return (root if root.verdict == "solved" else attempt), None
    exact = memory.recall(("perspective", problem.structure), lambda: Statement(problem, goal=perspective))
    tighter = _first(exact, problem, remaining)
    return (tighter if tighter.verdict == "solved" else attempt), None


def _overpays(problem: Problem, weights: Vector) -> bool:
    """Whether more cash is left than may be: the balance has paid for more than the trades cost."""
    return float(outcome_of(problem, weights).cash) > problem.cash_ceiling() + RESIDUAL


def _first(
    statement: Statement, problem: Problem, remaining: Callable[[], float], *, is_balanced: bool = False
) -> Attempt:
    """The first answer of a statement's solvers; one whose costs are in the balance as they are is solved once."""
    statement.begin(problem, remaining)
    attempt = _with(statement, problem, statement.order[0], is_balanced=is_balanced)
    for solver in statement.order[1:]:
        if attempt.verdict == "solved" or remaining() <= 0:
            break
        attempt = _with(statement, problem, solver, is_balanced=is_balanced)
    return attempt


def _with(statement: Statement, problem: Problem, solver: Solver, *, is_balanced: bool) -> Attempt:
    return statement.attempt(solver) if is_balanced else balanced_attempt(statement, problem, solver)


def _if_whole(problem: Problem, attempt: Attempt, memory: Memory) -> Solution | None:
    """The relaxation's own answer, where it happens to keep every integer constraint."""
    kept = replace(attempt, weights=snapped(problem, attempt.weights))
    if max_residual(problem, outcome_of(problem, kept.weights)) > RESIDUAL:
        return None
    solution = convex.judge(problem, kept, memory, lambda: 0.0)
    if not isinstance(solution, Solution) or solution.proven_gap is None or solution.proven_gap > problem.gap:
        return None
    return solution
