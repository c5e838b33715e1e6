"""Rules with closed or iterative forms: computed, then checked against every constraint."""

from collections.abc import Callable, Iterator

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization.check import refuse
from assetmix.optimization.frame import InsideUniverse, LongOnly
from assetmix.optimization.limit import percent
from assetmix.optimization.memory import Memory
from assetmix.optimization.problem import Problem
from assetmix.optimization.rule import Rule
from assetmix.optimization.solution import NoSolution, Solution, Verified
from assetmix.optimization.solvers import SolverUsed
from assetmix.optimization.tolerances import BALANCE, RESIDUAL
from assetmix.optimization.verify import max_residual, outcome_of

ROUNDS = 60


def accepts(problem: Problem) -> bool:
    """Rules that compute their shares."""
    return isinstance(problem.objective, Rule) and not problem.objective.terms


def run(problem: Problem, memory: Memory, remaining: Callable[[], float]) -> Solution | NoSolution:  # noqa: ARG001 - no solver is kept
    """Compute the rule's weights; refuse constraints that they do not keep.

    Raises
    ------
    InvalidRequest
        when a constraint is not kept: a rule is never clipped
    """
    rule = problem.objective
    members = problem.allowed * problem.tradable
    tied = np.where(problem.tradable == 0, problem.current_weights, 0.0)
    shares = rule.shares(problem, members) if isinstance(rule, Rule) and members.any() else np.zeros_like(members)
    weights = _invested(problem, shares, tied)
    if weights.sum() < tied.sum() - RESIDUAL:
        return NoSolution("infeasible", _nothing_left(problem, float(tied.sum())))
    refuse(list(_broken(problem, weights)))
    outcome = outcome_of(problem, weights)
    return Solution(
        status="optimal",
        weights=weights,
        cash=float(outcome.cash),
        objective_value=None,
        proven_gap=0.0,
        binding=(),
        solver=SolverUsed("closed_form", np.__version__),
        verified=Verified(max_residual(problem, outcome), None),
    )


def _nothing_left(problem: Problem, tied: float) -> str:
    cash = percent(max(0.0, problem.cash_floor()))
    return f"Cash of at least {cash} and {percent(tied)} that cannot be traded leave nothing for the rule to invest."


def _invested(problem: Problem, shares: Vector, tied: Vector) -> Vector:
    """Invest what cash, costs and untradable positions leave; costs follow the weights."""
    cash = min(max(0.0, problem.cash_floor()), problem.cash_ceiling())
    free = 1.0 - cash - float(tied.sum())
    weights = np.asarray(shares * free + tied)
    for _ in range(ROUNDS):
        spent = float(problem.cost(weights))
        change = free - spent - float(weights.sum() - tied.sum())
        if abs(change) < BALANCE:
            break
        weights = np.asarray(weights + shares * change)
    return weights


def _broken(problem: Problem, weights: Vector) -> Iterator[Fault]:
    outcome = outcome_of(problem, weights)
    for place, one in enumerate(problem.constraints):
        if isinstance(one, LongOnly | InsideUniverse):
            continue
        worst = float(max(one.breach(problem, outcome), default=0.0)) / one.scale(problem)
        if worst > RESIDUAL:
            row = one.rows(problem)[int(np.argmax(one.breach(problem, outcome)))]
            declared = place < len(problem.strategy.constraints)
            pointer = f"/strategy/constraints/{place}" if declared else "/strategy/objective"
            detail = f"the rule does not keep “{row.label}”, and a rule is not clipped; use an objective instead"
            yield Fault(pointer, "unsupported-rule", detail)
