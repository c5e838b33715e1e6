"""Every hard limit with a slack of its own: what it would take to keep them all.

Costs enter relaxed, and exact where binaries tell the side of each trade. With binaries, curved
limits become cuts: a linear program with binaries proposes, a convex one with those fixed answers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization import solvers
from assetmix.optimization.atoms import Expression, give
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.costs import impact_cuts
from assetmix.optimization.decision import Decision, Integers
from assetmix.optimization.limit import Limit
from assetmix.optimization.linearity import keep_linear
from assetmix.optimization.problem import Problem
from assetmix.optimization.programs.living import Living, run
from assetmix.optimization.programs.verdict import Verdict
from assetmix.optimization.tolerances import INFEASIBLE

ROUNDS = 100
"""Most rounds of cuts; curved limits are usually met after a handful."""

WIDE = 1e3
"""Slack of a row that is left out: far beyond any weight."""

SECONDS = 10.0
"""Longest search of one program with binaries; what is not settled then is not explained."""

GAP = 1e-4
"""Relative gap of programs with binaries: a tenth of the accuracy asked of a relaxation."""

FEW = 25
"""With more instruments than these, and binaries, long only is taken as given: to doubt it takes too long."""

MANY = 100
"""So many instruments are too many to find the side of each trade by a binary, for costs alone."""


@dataclass(frozen=True, slots=True)
class Part:
    """One limit: its words, its constraint, that one's number in the problem, its place there, the slack's unit."""

    label: str
    constraint: Constraint
    number: int
    place: int
    unit: float


@dataclass(frozen=True, slots=True, eq=False)
class Relaxed:
    """Least slacks (parts,), the weights (n,) where they suffice, and the price of each limit."""

    slacks: Vector
    weights: Vector
    prices: Vector


class Elastic:
    """The slacks' prices and widths are parameters of one compiled program.

    Without binaries and cuts the program is `alive`, and serves other accounts of the structure.
    """

    def __init__(self, problem: Problem, integers: Integers | None = None) -> None:
        self._problem = problem
        self.unsettled = False
        """Whether a mixed-integer program was ever cut short."""
        self._integers: Integers = _integers(problem) if integers is None else integers
        self._decision = Decision(
            _with_shorts(problem, self._integers), relaxed=True, unboxed=True, integers=self._integers
        )
        self.parts: list[Part] = []
        self._forms: list[Expression] = []
        self._curves: list[tuple[Constraint, Expression]] = []
        hard = [(number, one) for number, one in enumerate(problem.constraints) if one.penalty is None]
        self._slacks = [slack for number, one in hard for slack in self._state(number, one)]
        self._slack = cp.hstack(self._slacks)
        count = len(self.parts)
        self._price = cp.Parameter(count, nonneg=True, value=np.ones(count))
        self._width = cp.Parameter(count, nonneg=True, value=np.full(count, WIDE))
        self._cuts: list[Expression] = []
        self._program = self._stated()
        self.alive = Living(self._program) if self._is_steady else None
        whole = solvers.HIGHS.limited(SECONDS, GAP, root=False)
        self._order = (whole,) if self._integers == "free" else solvers.order(self._program)
        self._twin = Elastic(problem, "fixed") if self._curves else None

    @property
    def _is_steady(self) -> bool:
        return self._integers == "continuous" and self._decision.impact is None and not self._curves

    def begin(self, problem: Problem) -> None:
        """Take another account of the same structure."""
        self._problem = problem
        self.unsettled = False
        self._decision.set(problem)
        if self.alive is not None:
            self.alive.onward = False

    def is_feasible(self) -> bool:
        """Whether all limits can hold together."""
        count = len(self.parts)
        found = self.least(np.ones(count), np.full(count, WIDE))
        return found is not None and float(found.slacks.sum()) <= INFEASIBLE

    def least(self, price: Vector, width: Vector) -> Relaxed | None:
        """Slacks of the least priced total within the widths; None where none suffice."""
        give(self._price, price)
        give(self._width, width)
        best: Relaxed | None = None
        for _ in range(ROUNDS):
            found = self._solved()
            if found is None or self._twin is None:
                return best or found
            answer = self._twin.with_indicators(self._decision, price, width)
            self._cut(found.weights if answer is None else answer.weights, found.weights)
            if answer is not None and (best is None or answer.slacks @ price < best.slacks @ price):
                best = answer
            if best is not None and float(best.slacks @ price - found.slacks @ price) <= INFEASIBLE:
                return best
        return best

    def _solved(self) -> Relaxed | None:
        """Solve the program, again with further tangents where it understates what impact costs."""
        for _ in range(ROUNDS):
            if not self._has_answer():
                return None
            understated = impact_cuts(self._decision)
            if not understated:
                break
            self._cuts.extend(understated)
            self._program = self._stated()
        return self._found()

    def _has_answer(self) -> bool:
        """Ask one solver after the other; simplex knows whether there is none, an interior point may be asked again."""
        for solver in self._order:
            verdict = self._run(solver)
            self.unsettled |= verdict == "timed_out"
            if verdict == "solved" or (verdict == "infeasible" and solver.name == solvers.HIGHS.name):
                return verdict == "solved"
        return False

    def _run(self, solver: solvers.Solver) -> Verdict:
        if self.alive is None:
            return run(self._program, solver)
        verdict = self.alive.solve(solver)
        self.alive.onward = True  # one question after the other about the same account
        return verdict

    def _value(self, variable: Expression) -> Vector:
        value = variable.value if self.alive is None else self.alive.value(variable)
        return np.asarray(value, dtype=np.float64)

    def with_indicators(self, decision: Decision, price: Vector, width: Vector) -> Relaxed | None:
        """The same with the indicators that another decision has found."""
        self._decision.fix({name: np.asarray(one.value) for name, one in decision.indicators.items()})
        return self.least(price, width)

    def _found(self) -> Relaxed:
        slacks = np.array([float(self._value(slack)) for slack in self._slacks])
        return Relaxed(np.maximum(slacks, 0.0), self._value(self._decision.weights), self._prices())

    def _stated(self) -> Expression:
        rows = [*self._forms, *self._cuts, *self._decision.linking, self._slack <= self._width]
        return cp.Problem(cp.Minimize(self._price @ self._slack), rows)

    def _cut(self, *points: Vector) -> None:
        for weights in points:
            for constraint, slack in self._curves:
                self._cuts.extend(self._tangents(constraint, slack, weights))
        self._program = self._stated()

    def _tangents(self, constraint: Constraint, slack: Expression, weights: Vector) -> Iterator[Expression]:
        for touching in constraint.tangents(self._problem, weights):
            plane = touching.slope @ self._decision.weights + (touching.height - float(touching.slope @ weights))
            yield plane <= constraint.ceiling(self._problem) + slack

    def _prices(self) -> Vector:
        """Price of each limit; with binaries there are none, and any limit may matter."""
        if self._integers != "continuous":
            return np.ones(len(self.parts))
        duals = (form.dual_value if self.alive is None else self.alive.dual(form) for form in self._forms)
        return np.array([np.abs(one).sum() for one in duals])

    def _state(self, number: int, constraint: Constraint) -> Iterator[Expression]:
        rows = iter(constraint.rows(self._problem))
        scale = constraint.scale(self._problem)
        mark = len(self._decision.linking)
        for place, limit in enumerate(constraint.limits(self._problem, self._decision)):
            names = [row.label for row in islice(rows, _size(limit))]
            self.parts.append(Part(limit.label or names[0], constraint, number, place, scale))
            slack = cp.Variable(nonneg=True)
            if self._integers == "free" and not keep_linear(self._decision, mark, limit.left):
                self._curves.append((constraint, slack))
                self._forms.append(slack >= 0)
            else:
                difference = limit.left - limit.right
                self._forms.append((cp.abs(difference) if limit.sense == "==" else difference) <= slack)
            yield slack


def _integers(problem: Problem) -> Integers:
    """Binaries where limits need them, and where they make costs exact."""
    costs = not problem.trading.is_free and len(problem.universe) <= MANY
    return "free" if problem.is_integer or costs else "continuous"


def _with_shorts(problem: Problem, integers: Integers) -> Problem:
    """The same with indicators of short positions, so that long only is a limit like any other and may give way."""
    if integers == "continuous" or len(problem.universe) > FEW:
        return problem
    return replace(problem, strategy=replace(problem.strategy, shorting=True))


def _size(limit: Limit) -> int:
    return max(1, int(np.prod(np.shape(limit.left))))
