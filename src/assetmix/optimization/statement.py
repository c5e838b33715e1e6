"""A Problem stated in cvxpy once, to be solved again and again with other numbers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization import solvers
from assetmix.optimization.atoms import Expression, give
from assetmix.optimization.costs import touch_impact
from assetmix.optimization.cut_decision import CutDecision
from assetmix.optimization.decision import Decision, Integers
from assetmix.optimization.limit import Limit
from assetmix.optimization.perspective import perspective
from assetmix.optimization.problem import Problem
from assetmix.optimization.programs.living import Living
from assetmix.optimization.programs.verdict import Verdict
from assetmix.optimization.size import objective_size, plain_size
from assetmix.optimization.solvers import SolverUsed
from assetmix.optimization.strategy import Term

Goal = Callable[[Problem, Decision], tuple[Expression, float]]
"""States what to minimize, multiplied by a scale that makes it of order one; gives both."""

Costs = Literal["exact", "overpaying", "relaxed"]
"""Costs in the balance as they are, or more than they are, or between their envelopes; see `Decision`."""

REACH = 100.0
"""Largest weight among the portfolios that a bound speaks of where nothing else bounds them."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one solver said; nobody believes it before it is verified.

    `bound` is what its duals prove of the objective, to be minimized; None where they prove nothing.
    """

    verdict: Verdict
    solver: SolverUsed
    weights: Vector
    duals: Vector = field(default_factory=lambda: np.zeros(0))
    prices: Mapping[str, Vector] = field(default_factory=dict)
    indicators: Mapping[str, Vector] = field(default_factory=dict)
    bound: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Stated:
    """The cvxpy form of one limit, and the unit of its rows."""

    form: Expression
    scale: float


def declared(problem: Problem, decision: Decision) -> tuple[Expression, float]:
    """State the problem's own objective."""
    return state_terms(problem, decision, problem.objective.terms), 1.0 / objective_size(problem)


BOUNDING: tuple[Goal, ...] = (declared, perspective)
"""Goals whose least value is nowhere above the problem's own."""


class Statement:
    """Variables, limits and objective of one structure.

    The objective is multiplied by `scale`, so that its value is of order one whatever the unit
    of the measures: solvers' tolerances are absolute. What is solved allows every portfolio that
    the problem allows, and so bounds it, where trades are free or the balance may be overpaid.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        goal: Goal = declared,
        integers: Integers = "continuous",
        costs: Costs = "exact",
        by_cuts: bool = False,
    ) -> None:
        decided = CutDecision if by_cuts else Decision
        relaxed, overpaying = costs == "relaxed", costs == "overpaying"
        self.decision = decided(problem, integers=integers, relaxed=relaxed, overpaying=overpaying)
        is_whole = goal in BOUNDING and integers in {"continuous", "bounded"} and not by_cuts
        self._bounds = is_whole and (overpaying or problem.trading.is_free)
        self.stated, penalty = state_limits(problem, self.decision)
        objective, self.scale = goal(problem, self.decision)
        hard = [one.form for one in self.stated]
        self._forms = tuple(hard)
        self._units = np.repeat([self.scale * one.scale for one in self.stated], [one.form.size for one in self.stated])
        rows = hard + self.decision.linking
        self.living = Living(cp.Problem(cp.Minimize(objective + self.scale * penalty), rows))
        self.remaining: Callable[[], float] = lambda: float("inf")
        """Seconds that a solve may take."""

    @property
    def order(self) -> tuple[solvers.Solver, ...]:
        """Solvers to try, best first."""
        return self.living.order

    def begin(self, problem: Problem, remaining: Callable[[], float]) -> None:
        """Take another account of the same structure, and the seconds that are left for it."""
        self.decision.set(problem)
        self.remaining = remaining

    def attempt(self, solver: solvers.Solver) -> Attempt:
        """Run one solver and give what it said, with duals per unit of the unscaled objective."""
        return self.read(solver, self.living.solve(solver, self.remaining()))

    def read(self, solver: solvers.Solver, verdict: Verdict) -> Attempt:
        """Give what a solver has said last."""
        used = SolverUsed(solver.name.lower(), solver.version, None if self.living.went_directly else "cvxpy")
        if verdict not in {"solved", "inaccurate"}:
            return Attempt(verdict, used, np.zeros(0))
        weights = self.living.value(self.decision.weights)
        if weights is None or weights.shape != self.decision.weights.shape or not np.isfinite(weights).all():
            return Attempt("failed", used, np.zeros(0))
        duals = self.living.duals(self._forms) / self._units
        prices = {key: self._dual(row) / self.scale for key, row in self.decision.keyed.items()}
        sides = {name: self._side(name, one) for name, one in self.decision.indicators.items()}
        return Attempt(verdict, used, weights, duals, prices, sides, self._bound())

    def _bound(self) -> float | None:
        least = self.living.bound(REACH) if self._bounds else None
        return None if least is None or not np.isfinite(least) else least / self.scale

    def _side(self, name: str, indicator: Expression) -> Vector:
        if name in self.decision.fixed:
            return np.asarray(self.decision.fixed[name].value, dtype=np.float64)
        value = self.living.value(indicator)
        return np.zeros(indicator.shape) if value is None else value

    def _dual(self, row: Expression) -> Vector:
        """Duals of a row; a program with binaries has none."""
        return self.living.dual(row)


class LinearStatement:
    """The same limits under a linear objective, relaxed: its optimum bounds the true one."""

    def __init__(self, problem: Problem) -> None:
        self.decision = Decision(problem, relaxed=True)
        self.gradient = cp.Parameter(len(problem.universe), value=np.zeros(len(problem.universe)))
        stated, penalty = state_limits(problem, self.decision)
        self.scale = 1.0 / objective_size(problem)
        exact = state_terms(
            problem, self.decision, [one for one in problem.objective.terms if not one.measure.linearized]
        )
        self._goal = cp.Minimize(self.gradient @ self.decision.weights + exact + self.scale * penalty)
        self._rows = [one.form for one in stated] + self.decision.linking
        self._living = Living(cp.Problem(self._goal, self._rows))
        self._reach = cp.Parameter(nonneg=True, value=REACH)

    def feasible_point(self) -> Vector | None:
        """Some weights (n,) that keep the relaxed limits; None if there are none, or unknown."""
        if self.least(np.zeros(self.gradient.size)) is None:
            return None
        return self._living.value(self.decision.weights)

    def least(self, gradient: Vector, weights: Vector | None = None) -> float | None:
        """Least value of gradient'w + exact terms + penalties within the limits; None if unknown.

        Where nothing bounds the weights it is the least among portfolios with no weight beyond a
        hundred times the value, or ten times the largest of some `weights` (n,) at hand. A convex
        objective that is not better anywhere there is not better beyond.
        """
        give(self.gradient, gradient * self.scale)
        if weights is not None:
            touch_impact(self.decision, weights)
        verdicts = set()
        for solver in self._living.order:
            verdicts.add(self._living.solve(solver))
            if "solved" in verdicts:
                return self._living.reached / self.scale
        if weights is None or "infeasible" in verdicts:
            return None
        give(self._reach, np.asarray(max(REACH, 10.0 * float(np.abs(weights).max(initial=0.0)))))
        solved = any(self._fenced.solve(solver) == "solved" for solver in self._living.order)
        return self._fenced.reached / self.scale if solved else None

    @cached_property
    def _fenced(self) -> Living:
        fence = cp.abs(self.decision.weights) <= self._reach
        return Living(cp.Problem(self._goal, [*self._rows, fence]))


def state_terms(problem: Problem, decision: Decision, terms: Iterable[Term]) -> Expression:
    """Sum of some terms of the objective, to be minimized, in units of the objective's size."""
    parts = []
    for term in terms:
        unit = plain_size(term.measure, problem)
        factor = problem.objective.sign * term.weight * unit / objective_size(problem)
        parts.append(factor * decision.state(term.measure, problem, unit))
    return sum(parts)


def state_limits(problem: Problem, decision: Decision) -> tuple[tuple[Stated, ...], Expression]:
    """State every constraint: hard ones as they are, soft ones with a slack that costs."""
    stated: list[Stated] = []
    penalty: Expression = 0.0
    for constraint in problem.constraints:
        for limit in constraint.limits(problem, decision):
            scale = constraint.scale(problem)
            form, cost = state_limit(limit, constraint.penalty, scale)
            stated.append(Stated(form, scale))
            penalty = penalty + cost
    return tuple(stated), penalty


def state_limit(limit: Limit, penalty: float | None, scale: float) -> tuple[Expression, Expression]:
    """State one limit and what its slack costs; only a soft one has any."""
    if penalty is None:
        return (limit.left == limit.right if limit.sense == "==" else limit.left <= limit.right), 0.0
    slack = cp.Variable(np.shape(limit.left), nonneg=True)
    excess = cp.abs(limit.left - limit.right) if limit.sense == "==" else limit.left - limit.right
    return excess <= slack, penalty * scale * cp.sum(slack)
