"""The efficient frontier of two measures: what the best of one costs in the other.

One measure is optimized alone at each of several levels of the other, from the level where the
first is best to the best level there is. One compiled problem serves every point.

Source: Markowitz, Portfolio Selection (1959), for mean and variance; any two convex measures here.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization.constraint import Constraint, Outcome
from assetmix.optimization.decision import Decision
from assetmix.optimization.limit import Limit, Row, number
from assetmix.optimization.measure import Measure, Role, Tangent
from assetmix.optimization.memory import Memory
from assetmix.optimization.methods import Remaining
from assetmix.optimization.problem import Problem
from assetmix.optimization.resolve import Question, resolve
from assetmix.optimization.size import plain_size
from assetmix.optimization.solution import ConflictingLimit, NoSolution, Relaxation, Solution
from assetmix.optimization.solve import solve
from assetmix.optimization.solvers import SolverUsed
from assetmix.optimization.strategy import Objective, Strategy, Term
from assetmix.optimization.tolerances import LEVEL

Progress = Callable[[float], None]
"""Told how much is done, 0 to 1."""

FEWEST_POINTS, MOST_POINTS = 2, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierSpec:
    """Which two measures, and at how many levels of `y`."""

    x: Measure
    y: Measure
    points: int = 20

    def applied(self, strategy: Strategy) -> Strategy:
        """The strategy with x as its objective and y at the end of its reports: what has to be checked."""
        return replace(strategy, objective=alone(self.x), report=(*strategy.report, self.y))

    def faults(self) -> tuple[Fault, ...]:
        """Refuse measures that cannot stand on their axis, and too few or too many points."""
        found = []
        if self.x.fraction() is not None or not self.x.roles & {Role.MINIMIZED, Role.MAXIMIZED}:
            found.append(Fault("/x", "not-convex", f"{self.x.kind} cannot be optimized along a frontier; swap x and y"))
        side = Role.BOUNDED_ABOVE if sense_of(self.y) == "minimize" else Role.BOUNDED_BELOW
        if self.y.fraction() is not None or side not in self.y.roles:
            found.append(Fault("/y", "not-convex", f"{self.y.kind} cannot be {side.value}; swap x and y"))
        if self.x == self.y:
            found.append(Fault("/y", "duplicate", "x and y are the same measure; take two"))
        if not FEWEST_POINTS <= self.points <= MOST_POINTS:
            detail = f"points lies between {FEWEST_POINTS} and {MOST_POINTS}"
            found.append(Fault("/points", "out-of-range", detail))
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One portfolio of the frontier."""

    x: float
    y: float
    weights: Mapping[str, float]
    status: Literal["optimal", "feasible"]
    proven_gap: float | None
    solver: SolverUsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a portfolio stands: both measures."""

    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """Points from the best x to the best y, and where the current portfolio stands.

    Where there are none, `sentence`, `conflict` and `joint` say why.
    """

    status: Literal["optimal", "feasible", "infeasible", "unbounded", "timed_out"]
    sentence: str
    current: Place
    points: tuple[Point, ...] = ()
    conflict: tuple[ConflictingLimit, ...] = ()
    joint: tuple[Relaxation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelBound(Constraint):
    """A measure is at least as good as a level; the level is a parameter of the compiled problem."""

    kind: Literal["frontier_level"] = "frontier_level"
    measure: Measure
    level: float

    @property
    def sign(self) -> float:
        """1 for an upper bound on what is minimized, -1 for a lower one on what is maximized."""
        return 1.0 if sense_of(self.measure) == "minimize" else -1.0

    def scale(self, problem: Problem) -> float:
        """Size of the measure at plain portfolios."""
        return plain_size(self.measure, problem)

    def rows(self, problem: Problem) -> tuple[Row, ...]:  # noqa: ARG002 - the same for every problem
        """One row."""
        words = "at most" if self.sign > 0 else "at least"
        return (Row(self.measure.key, f"{self.measure.key} is {words} {number(self.level)}"),)

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State the bound against a parameter."""
        unit = self.scale(problem)
        level = decision.parameter(lambda later: _level(later) / unit)
        yield Limit(self.sign * decision.state(self.measure, problem, unit), "<=", self.sign * level)

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """What the measure misses of the level."""
        missed = self.sign * (self.measure.value(problem, outcome.weights) - self.level)
        return np.maximum(missed, 0.0)[..., np.newaxis]

    def tangents(self, problem: Problem, weights: Vector) -> tuple[Tangent, ...]:
        """Tangent of a measure that is bounded above."""
        unit = self.scale(problem)
        touching = self.measure.tangent(problem, weights, None)
        return (Tangent(self.sign * touching.height / unit, self.sign * touching.slope / unit),)

    def ceiling(self, problem: Problem) -> float:
        """The level."""
        return self.sign * self.level / self.scale(problem)


def sense_of(measure: Measure) -> Literal["minimize", "maximize"]:
    """What one wants of a measure: less of what can be minimized only, more of everything else."""
    return "maximize" if Role.MAXIMIZED in measure.roles else "minimize"


def alone(measure: Measure) -> Objective:
    """The objective of one measure."""
    return Objective(sense=sense_of(measure), terms=(Term(measure=measure),))


def frontier(
    question: Question, spec: FrontierSpec, memory: Memory, remaining: Remaining, progress: Progress
) -> Frontier:
    """Trace the frontier.

    Raises
    ------
    InvalidRequest
        when the question is not well posed
    SolverFailed
        when a point cannot be solved
    """
    problem = resolve(replace(question, strategy=spec.applied(question.strategy)), memory)
    current = _place(problem, spec, problem.current_weights)
    ends = [_end(problem, one, memory, remaining) for one in (spec.x, spec.y)]
    for end in ends:
        if isinstance(end, NoSolution):
            return Frontier(
                status=end.status, sentence=end.sentence, current=current, conflict=end.conflict, joint=end.joint
            )
    best = [float(spec.y.value(problem, end.weights)) for end in ends if isinstance(end, Solution)]
    points: list[Point] = []
    for done, level in enumerate(_levels(best[0], best[1], spec.points)):
        found = solve(_at(problem, spec, level), memory, remaining)
        if isinstance(found, Solution):
            points.append(_point(problem, spec, found))
        elif found.status == "timed_out":
            break
        progress((done + 1) / spec.points)
    return _drawn(points, current, spec, out_of_time=remaining() <= 0)


def _end(problem: Problem, measure: Measure, memory: Memory, remaining: Remaining) -> Solution | NoSolution:
    strategy = replace(problem.strategy, objective=alone(measure))
    return solve(replace(problem, strategy=strategy, structure=f"{problem.structure}/{measure!r}"), memory, remaining)


def _levels(first: float, last: float, points: int) -> Vector:
    """Levels from one end to the other; the last a trifle short of the best, so that it can be reached."""
    trifle = LEVEL * max(abs(first), abs(last))
    return np.linspace(first, last - np.sign(last - first) * min(trifle, abs(last - first)), points)


def _at(problem: Problem, spec: FrontierSpec, level: float) -> Problem:
    bound = LevelBound(measure=spec.y, level=float(level))
    return replace(
        problem, constraints=(*problem.constraints, bound), structure=f"{problem.structure}/{spec.x!r}/{spec.y!r}"
    )


def _level(problem: Problem) -> float:
    return next(one.level for one in problem.constraints if isinstance(one, LevelBound))


def _place(problem: Problem, spec: FrontierSpec, weights: Vector) -> Place:
    return Place(x=float(spec.x.value(problem, weights)), y=float(spec.y.value(problem, weights)))


def _point(problem: Problem, spec: FrontierSpec, found: Solution) -> Point:
    place = _place(problem, spec, found.weights)
    return Point(
        x=place.x,
        y=place.y,
        weights=problem.universe.mapping(found.weights),
        status=found.status,
        proven_gap=found.proven_gap,
        solver=found.solver,
    )


def _drawn(points: list[Point], current: Place, spec: FrontierSpec, *, out_of_time: bool) -> Frontier:
    if not points or out_of_time:
        sentence = f"{len(points)} of {spec.points} points were found in the time allowed; allow more seconds."
        return Frontier(status="timed_out", sentence=sentence, current=current, points=tuple(points))
    sure = len(points) == spec.points and all(point.status == "optimal" for point in points)
    sentence = f"{len(points)} points lead from the best {spec.x.key} to the best {spec.y.key}."
    return Frontier(status="optimal" if sure else "feasible", sentence=sentence, current=current, points=tuple(points))
