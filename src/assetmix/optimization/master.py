"""The mixed-integer relaxation of a problem: linear rows, binaries, and cuts in place of curves.

Every convex function lies above its tangents. So the objective's curved terms become an epigraph
variable above tangents, curved limits become tangents kept below their bounds, and HiGHS solves
what is left; its proven bound is a lower bound of the true optimum. Costs stand between their
envelopes, exact where the binaries tell the side of each trade.

Source: Duran and Grossmann, An outer-approximation algorithm for a class of mixed-integer
nonlinear programs, Mathematical Programming 36 (1986).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Limit
from assetmix.optimization.linearity import keep_linear
from assetmix.optimization.measure import Measure, Squares
from assetmix.optimization.problem import Problem
from assetmix.optimization.programs.living import run
from assetmix.optimization.programs.verdict import Verdict
from assetmix.optimization.size import objective_size, plain_size
from assetmix.optimization.solvers import HIGHS
from assetmix.optimization.squares import SquaresEpigraph
from assetmix.optimization.statement import state_limit

SMALLEST_SECONDS = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Guess:
    """What the relaxation says: a proven bound of the objective, and where it is reached.

    `bound` is minus infinity where nothing is proven; `weights` are None where none were found.
    """

    verdict: Verdict
    bound: float
    weights: Vector | None
    indicators: Mapping[str, Vector]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A limit that is not piecewise linear: its constraint, and the slack that softens it."""

    constraint: Constraint
    right: Expression


class Master:
    """Limits and objective of a problem in linear rows and binaries; tightened by cuts."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self.decision = Decision(problem, relaxed=True, integers="free")
        self._scale = 1.0 / objective_size(problem)
        self._curves: list[Curve] = []
        penalty, self._rows = self._limits()
        self._terms = [(factor, one) for factor, one in _scaled_terms(problem) if factor]
        self._squares: list[SquaresEpigraph] = []
        exact, self._curved = self._split()
        self._heights = cp.Variable(max(1, len(self._curved)), name="heights")
        self._cuts: list[Expression] = []
        heights = cp.sum(self._heights[: len(self._curved)]) if self._curved else 0.0
        self._goal = exact + heights + self._scale * penalty
        self._plain = cp.Problem(cp.Minimize(self._goal), [*self._rows, *self.decision.linking])

    def begin(self, problem: Problem) -> None:
        """Take another account of the same structure, without any cuts."""
        self._problem = problem
        self.decision.set(problem)
        self._cuts.clear()

    @property
    def is_curved(self) -> bool:
        """Whether anything is stated by cuts: else the first relaxation is exact already."""
        return bool(self._curved or self._squares or self._curves)

    def cut(self, weights: Vector, indicators: Mapping[str, Vector] | None = None) -> None:
        """Add the tangents of everything curved at some weights (n,), held to the parts that indicators say."""
        parts = None if indicators is None else self._parts(indicators)
        for place, (factor, one) in enumerate(self._curved):
            touching = one.tangent(self._problem, weights, None)
            unit = plain_size(one, self._problem)
            plane = self._plane(touching.height / unit, touching.slope / unit, weights)
            self._cuts.append(self._heights[place] >= factor * plane)
        for squares in self._squares:
            self._cuts.extend(squares.cuts(weights, parts))
        for curve in self._curves:
            for touching in curve.constraint.tangents(self._problem, weights):
                self._cuts.append(self._plane(touching.height, touching.slope, weights) <= curve.right)

    def exclude(self, indicators: Mapping[str, Vector]) -> None:
        """Forbid one choice of the indicators, whose best weights are known; numbers of lots have no choices."""
        if "lots" in indicators:
            return
        parts = [
            cp.sum(cp.multiply(1.0 - 2.0 * np.round(values), self.decision.indicators[name]))
            + float(np.round(values).sum())
            for name, values in indicators.items()
        ]
        if parts:
            self._cuts.append(cp.sum(cp.hstack(parts)) >= 1.0)

    def solve(self, seconds: float, gap: float, *, root: bool = False) -> Guess:
        """Solve to a relative gap or until the time is over; the `root` alone without its integers."""
        rows = [*self._rows, *self._cuts, *self.decision.linking]
        program = cp.Problem(cp.Minimize(self._goal), rows) if self._cuts else self._plain
        verdict = run(program, HIGHS.limited(max(seconds, SMALLEST_SECONDS), gap, root=root))
        info = program.solver_stats.extra_stats if program.solver_stats is not None else None
        if verdict not in {"solved", "inaccurate", "timed_out"} or self.decision.weights.value is None:
            return Guess(verdict, -np.inf, None, {})
        bound = (float(program.value) if root else _proven(program, info)) / self._scale
        sides = {name: np.asarray(one.value) for name, one in self.decision.indicators.items()}
        return Guess(verdict, bound, np.asarray(self.decision.weights.value, dtype=np.float64), sides)

    def _parts(self, indicators: Mapping[str, Vector]) -> Vector | None:
        """To which part (n,) each position is held, or each trade is made."""
        names = [name for name in ("long", "short") if name in indicators]
        names = names or [name for name in ("bought", "sold") if name in indicators]
        return np.sum([np.clip(indicators[name], 0.0, 1.0) for name in names], axis=0) if names else None

    def _plane(self, height: float, slope: Vector, weights: Vector) -> Expression:
        return slope @ self.decision.weights + (height - float(slope @ weights))

    def _limits(self) -> tuple[Expression, list[Expression]]:
        penalty: Expression = 0.0
        rows = []
        for constraint in self._problem.constraints:
            mark = len(self.decision.linking)
            for limit in constraint.limits(self._problem, self.decision):
                if keep_linear(self.decision, mark, limit.left):
                    form, cost = state_limit(limit, constraint.penalty, constraint.scale(self._problem))
                    rows.append(form)
                else:
                    cost = self._soften(constraint, limit)
                penalty = penalty + cost
        return penalty, rows

    def _square(self, squares: Squares, factor: float) -> Expression:
        root = np.sqrt(factor)
        epigraph = SquaresEpigraph(Squares(root * squares.rows, root * squares.offset), self.decision)
        self._squares.append(epigraph)
        return epigraph.bound

    def _soften(self, constraint: Constraint, limit: Limit) -> Expression:
        if constraint.penalty is None:
            self._curves.append(Curve(constraint, limit.right))
            return 0.0
        slack = cp.Variable(nonneg=True)
        self._curves.append(Curve(constraint, limit.right + slack))
        return constraint.penalty * constraint.scale(self._problem) * slack

    def _split(self) -> tuple[Expression, list[tuple[float, Measure]]]:
        """Sum of the terms that are piecewise linear, and those that are curved."""
        exact: Expression = 0.0
        curved = []
        for factor, one in self._terms:
            squares = one.squares(self._problem)
            if squares is not None and factor > 0:
                exact = exact + self._square(squares, factor / plain_size(one, self._problem))
                continue
            mark = len(self.decision.linking)
            part = one.expression(self._problem, self.decision, plain_size(one, self._problem))
            if keep_linear(self.decision, mark, part):
                exact = exact + factor * part
            else:
                curved.append((factor, one))
        return exact, curved


def _scaled_terms(problem: Problem) -> list[tuple[float, Measure]]:
    """Terms to be minimized, with their factors in units of the objective's size."""
    size = objective_size(problem)
    sign = problem.objective.sign
    return [
        (sign * term.weight * plain_size(term.measure, problem) / size, term.measure)
        for term in problem.objective.terms
    ]


def _proven(program: Expression, info: Expression) -> float:
    """HiGHS's dual bound in the program's own offset; the value of a program without integers."""
    value = float(program.value)
    if not program.is_mixed_integer():
        return value
    bound = float(info.mip_dual_bound)
    return bound + value - float(info.objective_function_value)
