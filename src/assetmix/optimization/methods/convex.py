"""Convex problems: stated once, solved by named solvers in turn, verified, bounded."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import SolverFailed
from assetmix.optimization.balance import balanced_attempt
from assetmix.optimization.conflict import explain
from assetmix.optimization.direction import unbounded_sentence
from assetmix.optimization.memory import Memory
from assetmix.optimization.methods.polish import polished
from assetmix.optimization.planes import named_rows
from assetmix.optimization.problem import Problem
from assetmix.optimization.size import gap_reference, objective_size
from assetmix.optimization.solution import TIME_IS_OVER, Binding, NoSolution, Solution, Verified
from assetmix.optimization.solvers import Solver
from assetmix.optimization.statement import Attempt, LinearStatement, Statement
from assetmix.optimization.tolerances import BINDING, FINE, GAP, RESIDUAL
from assetmix.optimization.verify import max_residual, objective_value, outcome_of, penalties, tangent


def accepts(problem: Problem) -> bool:  # noqa: ARG001 - the method of last resort
    """Every problem of convex measures and limits."""
    return True


def run(problem: Problem, memory: Memory, remaining: Callable[[], float]) -> Solution | NoSolution:
    """Solve with one solver after the other until an answer stands up to verification.

    Raises
    ------
    SolverFailed
        when no solver's answer can be verified
    """
    at_once = _at_once(problem, memory, remaining)
    if at_once is not None:
        return at_once
    key = ("convex", problem.structure)
    statement = memory.recall(key, lambda: Statement(problem))
    statement.begin(problem, remaining)
    # next to the edge of what is possible solvers may end without a word; a linear program still knows
    asked_after = statement.order[0 if problem.trading.is_free else -1]
    for solver in statement.order:
        if remaining() <= 0:
            return TIME_IS_OVER
        judged = judge(problem, _attempt(statement, problem, solver, memory), memory, remaining)
        if judged is None and solver is asked_after and remaining() > 0:
            judged = explain(problem, memory, remaining)
        if judged is not None:
            return judged
    memory.forget(key)
    raise SolverFailed("No solver gave an answer that keeps every limit; the numbers may be badly scaled.")


def _at_once(problem: Problem, memory: Memory, remaining: Callable[[], float]) -> Solution | NoSolution | None:
    """Where costs are in proportion to trades: one solve in which the balance may be overpaid.

    Its optimum bounds the true one. Where the best answer overpays nothing it is the true one;
    else, where money is better burnt than invested, the costs in the balance must be exact.
    """
    if problem.trading.is_free or not problem.trading.is_proportional:
        return None
    statement = memory.recall(("overpaying", problem.structure), lambda: Statement(problem, costs="overpaying"))
    statement.begin(problem, remaining)
    attempt = statement.attempt(statement.order[0])
    if attempt.verdict == "infeasible":
        return judge(problem, attempt, memory, remaining)
    solution = describe(problem, attempt, None) if attempt.verdict == "solved" else None
    if solution is None:
        return None
    judged = _bounded(problem, solution, attempt, memory)
    return judged if judged.status == "optimal" else None


def _attempt(statement: Statement, problem: Problem, solver: Solver, memory: Memory) -> Attempt:
    """One solver's answer; where costs decide what is feasible, from a point that knows them."""
    attempt = balanced_attempt(statement, problem, solver)
    if attempt.verdict != "infeasible" or problem.trading.is_free:
        return attempt
    start = _linear(problem, memory).feasible_point()
    return attempt if start is None else balanced_attempt(statement, problem, solver, start)


def judge(
    problem: Problem, attempt: Attempt, memory: Memory, remaining: Callable[[], float]
) -> Solution | NoSolution | None:
    """Verify what a solver said; None where it does not stand up."""
    match attempt.verdict:
        case "solved":
            return _verified(problem, attempt, memory)
        case "infeasible":
            return explain(problem, memory, remaining) or _costs_leave_no_room(problem)
        case "unbounded" if not all(term.measure.bounded_below for term in problem.objective.terms):
            sentence = unbounded_sentence(problem)
            return None if sentence is None else NoSolution("unbounded", sentence)
        case _:
            return None


def _verified(problem: Problem, attempt: Attempt, memory: Memory) -> Solution | None:
    solution = describe(problem, attempt, None)
    if solution is None:
        return None
    judged = _bounded(problem, solution, attempt, memory)
    if judged.status == "optimal":
        return judged
    finer = polished(problem, attempt)
    again = None if finer is None else describe(problem, finer, None)
    if finer is None or again is None:
        return judged
    better = _bounded(problem, again, finer, memory)
    return better if better.status == "optimal" else judged


def _bounded(problem: Problem, solution: Solution, attempt: Attempt, memory: Memory) -> Solution:
    gap = _gap_of_duals(problem, solution, attempt)
    if gap is None or gap > FINE:
        other = proven_gap(problem, solution.weights, attempt, memory)
        gap = min((one for one in (gap, other) if one is not None), default=None)
    return replace(solution, proven_gap=gap, status="optimal" if gap is not None and gap <= GAP else "feasible")


def _gap_of_duals(problem: Problem, solution: Solution, attempt: Attempt) -> float | None:
    """Relative distance to what the solver's own duals prove, as numpy adds them up; None where they prove nothing."""
    if attempt.bound is None or solution.objective_value is None:
        return None
    reached = problem.objective.sign * solution.objective_value
    reached += penalties(problem, outcome_of(problem, solution.weights))
    return relative_gap(problem, reached, attempt.bound)


def describe(problem: Problem, attempt: Attempt, gap: float | None) -> Solution | None:
    """Give an attempt as a solution, if numpy finds that it keeps every limit."""
    weights = attempt.weights if problem.strategy.shorting else np.maximum(attempt.weights, 0.0)
    outcome = outcome_of(problem, weights)
    residual = max_residual(problem, outcome)
    value = float(objective_value(problem, weights))
    if not (np.isfinite(value) and residual <= RESIDUAL):
        return None
    return Solution(
        status="feasible",
        weights=weights,
        cash=float(outcome.cash),
        objective_value=value,
        proven_gap=gap,
        binding=tuple(_binding(problem, weights, attempt)),
        solver=attempt.solver,
        verified=Verified(residual, value),
    )


def proven_gap(problem: Problem, weights: Vector, attempt: Attempt, memory: Memory) -> float | None:
    """Relative distance to a lower bound that another solver proves.

    The objective is convex, so it lies above its tangent at the answer; the least value of the
    tangent over all limits bounds the optimum from below.

    Source: Jaggi, Revisiting Frank-Wolfe, ICML 2013, section 2 (duality gap certificates).
    """
    bound = lower_bound(problem, weights, attempt, memory)
    if bound is None:
        return None
    value = problem.objective.sign * float(objective_value(problem, weights))
    reached = value + penalties(problem, outcome_of(problem, weights))
    return relative_gap(problem, reached, bound)


def lower_bound(problem: Problem, weights: Vector, attempt: Attempt, memory: Memory) -> float | None:
    """Least value of the objective's tangent at the weights (n,) over all limits, to be minimized; None if unknown."""
    touching = tangent(problem, weights, attempt.prices)
    least = _linear(problem, memory).least(touching.slope, weights)
    return None if least is None else touching.height - float(touching.slope @ weights) + least


def relative_gap(problem: Problem, reached: float, bound: float) -> float | None:
    """Distance of what is reached from a bound, both to be minimized; None where they contradict each other."""
    gap = (reached - bound) / gap_reference(problem, reached)
    return None if gap < -GAP else max(0.0, gap)


def _linear(problem: Problem, memory: Memory) -> LinearStatement:
    linear = memory.recall(("tangent", problem.structure), lambda: LinearStatement(problem))
    linear.decision.set(problem)
    return linear


def _costs_leave_no_room(problem: Problem) -> NoSolution | None:
    if problem.trading.is_free:
        return None
    return NoSolution("infeasible", "The limits leave no room for the cost of the trades that they ask for.")


def _binding(problem: Problem, weights: Vector, attempt: Attempt) -> Iterator[Binding]:
    """Rows whose prices are felt, in order, each with its price for the caller."""
    names, sign = named_rows(problem), problem.objective.sign
    sizes = [len(rows) for rows in names]
    scales = np.repeat([one.scale(problem) for one in problem.constraints], sizes)
    prices = attempt.duals[: len(scales)]
    felt = (np.abs(prices) * scales[: len(prices)] > BINDING * objective_size(problem)).nonzero()[0]
    starts = np.cumsum([0, *sizes])
    owners = np.searchsorted(starts, felt, side="right") - 1
    units: dict[int, float | None] = {}
    for owner, place, price in zip(
        owners.tolist(), (felt - starts[owners]).tolist(), prices[felt].tolist(), strict=True
    ):
        if owner not in units:
            constraint = problem.constraints[owner]
            units[owner] = None if constraint.is_integer(problem) else constraint.price_unit(problem, weights)
        unit = units[owner]
        if unit is not None:
            yield Binding(names[owner][place].label, price * (-sign * unit))
