"""Which limits fight, and by how much each would have to give.

Every limit gets a slack, shared by its rows. The least total slack is the joint relaxation; the
limits that carry a price in it are an infeasible set, and leaving out one after the other what is
not needed makes it irreducible.

Source: Chinneck, Feasibility and Infeasibility in Optimization (2008), ch. 6 (elastic and
deletion filters).

Costs enter relaxed: what cannot hold together then cannot hold together at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from assetmix.domain.arrays import Positions, Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization import solvers
from assetmix.optimization.atoms import Expression
from assetmix.optimization.clash import clash_sentence
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.decision import Decision, Integers
from assetmix.optimization.limit import Limit, number, percent
from assetmix.optimization.problem import Problem
from assetmix.optimization.solution import ConflictingLimit, NoSolution, Relaxation
from assetmix.optimization.statement import run
from assetmix.optimization.tolerances import INFEASIBLE, RELAXATION

WIDE = 1e3
"""Slack of a row that is left out: far beyond any weight."""


@dataclass(frozen=True, slots=True)
class Part:
    """One limit: its words, the constraint it belongs to and its place there, and the unit of its slack."""

    label: str
    constraint: Constraint
    place: int
    unit: float


class Elastic:
    """Every hard limit with a slack of its own; the slack's price and width are parameters."""

    def __init__(self, problem: Problem) -> None:
        self._is_integer = problem.is_integer
        integers: Integers = "free" if self._is_integer else "continuous"
        self._decision = Decision(problem, relaxed=True, unboxed=True, integers=integers)
        self.parts: list[Part] = []
        self._forms: list[Expression] = []
        slacks = [slack for one in problem.constraints if one.penalty is None for slack in self._state(problem, one)]
        self._slack = cp.hstack(slacks)
        count = len(self.parts)
        self._price = cp.Parameter(count, nonneg=True, value=np.ones(count))
        self._width = cp.Parameter(count, nonneg=True, value=np.full(count, WIDE))
        goal = cp.Minimize(self._price @ self._slack)
        self._problem = cp.Problem(goal, [*self._forms, *self._decision.linking, self._slack <= self._width])
        self._order = (solvers.HIGHS,) if self._is_integer else solvers.order(self._problem)

    @property
    def weights(self) -> Vector:
        """Weights of the last solve."""
        return np.asarray(self._decision.weights.value)

    def is_feasible(self) -> bool:
        """Whether all limits can hold together."""
        count = len(self.parts)
        slacks, _ = self.least(np.ones(count), np.full(count, WIDE))
        return slacks is not None and float(slacks.sum()) <= INFEASIBLE

    def least(self, price: Vector, width: Vector) -> tuple[Vector | None, Vector]:
        """Slacks of the least priced total within the widths, or None, and the rows' prices."""
        self._price.value, self._width.value = price, width
        for solver in self._order:
            if run(self._problem, solver) == "solved":
                return np.maximum(np.asarray(self._slack.value), 0.0), self._prices()
        return None, np.zeros(len(self.parts))

    def _prices(self) -> Vector:
        """Price of each limit; with binaries there are none, and any limit may matter."""
        if self._is_integer:
            return np.ones(len(self.parts))
        return np.array([np.abs(form.dual_value).sum() for form in self._forms])

    def _state(self, problem: Problem, constraint: Constraint) -> Iterator[Expression]:
        rows = iter(constraint.rows(problem))
        scale = constraint.scale(problem)
        for place, limit in enumerate(constraint.limits(problem, self._decision)):
            names = [row.label for row in islice(rows, _size(limit))]
            self.parts.append(Part(limit.label or names[0], constraint, place, scale))
            slack = cp.Variable(nonneg=True)
            difference = limit.left - limit.right
            self._forms.append((cp.abs(difference) if limit.sense == "==" else difference) <= slack)
            yield slack


def explain(problem: Problem) -> NoSolution | None:
    """Name an irreducible set of limits that cannot hold together; None if they can."""
    if all(one.penalty is not None for one in problem.constraints):
        return None
    elastic = Elastic(problem)
    count = len(elastic.parts)
    slacks, prices = elastic.least(np.ones(count), np.full(count, WIDE))
    if slacks is None or slacks.sum() <= INFEASIBLE:
        return None
    joint = tuple(_joint(problem, elastic, slacks))
    members = _irreducible(elastic, np.flatnonzero(prices > INFEASIBLE))
    conflict = tuple(_member(problem, elastic, row) for row in members)
    return NoSolution(
        "infeasible", clash_sentence(conflict, [elastic.parts[row].constraint for row in members]), conflict, joint
    )


def _joint(problem: Problem, elastic: Elastic, slacks: Vector) -> Iterator[Relaxation]:
    weights = elastic.weights
    for part, slack in zip(elastic.parts, slacks, strict=True):
        if slack > INFEASIBLE:
            unit = part.constraint.price_unit(problem, weights)
            yield Relaxation(part.label, float(slack) * part.unit / (unit or 1.0))


def _irreducible(elastic: Elastic, candidates: Positions) -> list[int]:
    needed = [int(row) for row in candidates]
    for row in list(needed):
        rest = [other for other in needed if other != row]
        if rest and _clash(elastic, rest):
            needed = rest
    return needed


def _clash(elastic: Elastic, rows: list[int]) -> bool:
    price = np.zeros(len(elastic.parts))
    price[rows] = 1.0
    slacks, _ = elastic.least(price, np.full(len(price), WIDE))
    return slacks is not None and float(slacks @ price) > INFEASIBLE


def _member(problem: Problem, elastic: Elastic, row: int) -> ConflictingLimit:
    part = elastic.parts[row]
    price = np.zeros(len(elastic.parts))
    width = np.zeros(len(elastic.parts))
    price[row], width[row] = 1.0, WIDE
    slacks, _ = elastic.least(price, width)
    if slacks is None:
        return ConflictingLimit(part.label, None, f"No change of “{part.label}” alone would be enough.")
    is_ratio = part.constraint.loosened(part.place, 0.0) is not None
    invested = float(elastic.weights.sum())
    relax_by = _search(problem, part) if is_ratio else float(slacks[row]) * part.unit
    sentence = f"Relaxing “{part.label}” by {number(relax_by)} lets every other limit be kept."
    if isinstance(part.constraint, Cash):
        sentence = f"The other limits leave {percent(invested)} invested at best. {sentence}"
    return ConflictingLimit(part.label, relax_by, sentence)


def _search(problem: Problem, part: Part) -> float:
    """Smallest change of a ratio's bound that makes the rest feasible, by bisection."""
    low, high = 0.0, 1.0
    while not _feasible_with(problem, part, high):
        low, high = high, 2.0 * high
    while high - low > RELAXATION * high:
        middle = (low + high) / 2.0
        low, high = (low, middle) if _feasible_with(problem, part, middle) else (middle, high)
    return high


def _feasible_with(problem: Problem, part: Part, by: float) -> bool:
    loose = part.constraint.loosened(part.place, by) or part.constraint
    changed = tuple(loose if one is part.constraint else one for one in problem.constraints)
    return Elastic(replace(problem, constraints=changed)).is_feasible()


def _size(limit: Limit) -> int:
    return max(1, int(np.prod(np.shape(limit.left))))
