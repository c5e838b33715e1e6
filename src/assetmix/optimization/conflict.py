"""Which limits fight, and by how much each would have to give.

Every limit gets a slack, shared by its rows. The least total slack is the joint relaxation; the
limits that carry a price in it are an infeasible set, and leaving out one after the other what is
not needed makes it irreducible.

Source: Chinneck, Feasibility and Infeasibility in Optimization (2008), ch. 6 (elastic and
deletion filters).
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from assetmix.domain.arrays import Positions
from assetmix.optimization.clash import clash_sentence
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.elastic import WIDE, Elastic, Part, Relaxed
from assetmix.optimization.limit import number, percent
from assetmix.optimization.problem import Problem
from assetmix.optimization.solution import ConflictingLimit, NoSolution, Relaxation
from assetmix.optimization.tolerances import INFEASIBLE, RELAXATION


def explain(problem: Problem) -> NoSolution | None:
    """Name an irreducible set of limits that cannot hold together; None if they can."""
    if all(one.penalty is not None for one in problem.constraints):
        return None
    elastic = Elastic(problem)
    count = len(elastic.parts)
    found = elastic.least(np.ones(count), np.full(count, WIDE))
    if found is None or found.slacks.sum() <= INFEASIBLE:
        return None
    joint = tuple(_joint(problem, elastic, found))
    members = _irreducible(elastic, np.flatnonzero(found.prices > INFEASIBLE))
    conflict = tuple(_member(problem, elastic, row) for row in members)
    sentence = clash_sentence(conflict, [elastic.parts[row].constraint for row in members])
    return NoSolution("infeasible", sentence, conflict, joint)


def _joint(problem: Problem, elastic: Elastic, found: Relaxed) -> Iterator[Relaxation]:
    for part, slack in zip(elastic.parts, found.slacks, strict=True):
        if slack > INFEASIBLE:
            unit = part.constraint.price_unit(problem, found.weights)
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
    found = elastic.least(price, np.full(len(price), WIDE))
    return found is not None and float(found.slacks @ price) > INFEASIBLE


def _member(problem: Problem, elastic: Elastic, row: int) -> ConflictingLimit:
    part = elastic.parts[row]
    price = np.zeros(len(elastic.parts))
    width = np.zeros(len(elastic.parts))
    price[row], width[row] = 1.0, WIDE
    found = elastic.least(price, width)
    if found is None:
        return ConflictingLimit(part.label, None, f"No change of “{part.label}” alone would be enough.")
    is_ratio = part.constraint.loosened(part.place, 0.0) is not None
    relax_by = _search(problem, part) if is_ratio else float(found.slacks[row]) * part.unit
    sentence = f"Relaxing “{part.label}” by {number(relax_by)} lets every other limit be kept."
    if isinstance(part.constraint, Cash):
        sentence = f"The other limits leave {percent(float(found.weights.sum()))} invested at best. {sentence}"
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
