"""Which limits fight, and by how much each would have to give.

Every limit gets a slack, shared by its rows. The least total slack is the joint relaxation; the
limits that carry a price in it are an infeasible set, and leaving out one after the other what is
not needed makes it irreducible.

Source: Chinneck, Feasibility and Infeasibility in Optimization (2008), ch. 6 (elastic and
deletion filters).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from assetmix.domain.arrays import Positions, Vector
from assetmix.optimization.clash import Clashing, amount, balance_words, clash_sentence
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.elastic import WIDE, Elastic, Part, Relaxed
from assetmix.optimization.memory import Memory
from assetmix.optimization.problem import Problem
from assetmix.optimization.solution import ConflictingLimit, NoSolution, Relaxation
from assetmix.optimization.tolerances import INFEASIBLE, RELAXATION


def explain(problem: Problem, memory: Memory, remaining: Callable[[], float]) -> NoSolution | None:
    """Name an irreducible set of limits that cannot hold together; None if they can.

    When the time is over, or a mixed-integer program is not settled, the set is what is left by
    then, and is marked as perhaps not minimal.
    """
    if all(one.penalty is not None for one in problem.constraints):
        return None
    elastic = _elastic(problem, memory)
    count = len(elastic.parts)
    found = elastic.least(np.ones(count), np.full(count, WIDE))
    if found is None or found.slacks.sum() <= INFEASIBLE:
        return None
    joint = _joint(problem, elastic, found)
    members = _irreducible(elastic, np.flatnonzero(found.prices > INFEASIBLE), remaining)
    minimal = remaining() > 0 and not elastic.unsettled
    clash = [_member(problem, elastic, row) for row in members]
    conflict = tuple(one.limit for one in clash)
    return NoSolution("infeasible", clash_sentence(clash), conflict, joint, conflict_is_minimal=minimal)


def _elastic(problem: Problem, memory: Memory) -> Elastic:
    """The problem's limits with slacks, from the memory where they are alive there."""
    key = ("elastic", problem.structure)
    elastic: Elastic = memory.recall(key, lambda: Elastic(problem))
    if elastic.alive is None:
        memory.forget(key)
    else:
        elastic.begin(problem)
    return elastic


def _joint(problem: Problem, elastic: Elastic, found: Relaxed | None) -> tuple[Relaxation, ...]:
    """The least total relaxation; a ratio to nothing is left as it is, for no bound of it would do."""
    width = np.full(len(elastic.parts), WIDE)
    while found is not None:
        units = np.array([part.constraint.price_unit(problem, found.weights) for part in elastic.parts])
        moved = found.slacks > INFEASIBLE
        vain = moved & (np.abs(units) * WIDE < 1.0)
        if not vain.any():
            return tuple(
                Relaxation(part.label, float(slack) * part.unit / unit)
                for part, slack, unit in zip(elastic.parts, found.slacks, units, strict=True)
                if slack > INFEASIBLE
            )
        width[vain] = 0.0
        found = elastic.least(np.ones(len(width)), width)
    return ()


def _irreducible(elastic: Elastic, candidates: Positions, remaining: Callable[[], float]) -> list[int]:
    needed = [int(row) for row in candidates]
    for row in list(needed):
        if remaining() <= 0:
            break
        rest = [other for other in needed if other != row]
        if rest and _clash(elastic, rest):
            needed = rest
    return needed


def _clash(elastic: Elastic, rows: list[int]) -> bool:
    price = np.zeros(len(elastic.parts))
    price[rows] = 1.0
    found = elastic.least(price, np.full(len(price), WIDE))
    return found is not None and float(found.slacks @ price) > INFEASIBLE


def _member(problem: Problem, elastic: Elastic, row: int) -> Clashing:
    part = elastic.parts[row]
    relax_by, weights = _alone(problem, elastic, row)
    if relax_by is None:
        sentence = f"No change of “{part.label}” alone would be enough."
        return Clashing(ConflictingLimit(part.label, None, sentence), part.constraint)
    change = amount(part.constraint, relax_by)
    sentence = f"Relaxing “{part.label}” by {change} lets every other limit be kept."
    if not isinstance(part.constraint, Cash):
        return Clashing(ConflictingLimit(part.label, relax_by, sentence), part.constraint)
    balance = balance_words(problem, part.constraint, weights)
    sentence = f"With the other limits, {balance}. {sentence}"
    return Clashing(ConflictingLimit(part.label, relax_by, sentence), part.constraint, balance)


def _alone(problem: Problem, elastic: Elastic, row: int) -> tuple[float | None, Vector]:
    """Smallest change of one limit that makes the rest feasible, None if none does, and the weights (n,) then."""
    part = elastic.parts[row]
    price = np.zeros(len(elastic.parts))
    width = np.zeros(len(elastic.parts))
    price[row], width[row] = 1.0, WIDE
    found = elastic.least(price, width)
    if found is None:
        return None, np.zeros(0)
    is_ratio = part.constraint.loosened(part.place, 0.0) is not None
    if is_ratio:
        return _search(problem, part), found.weights
    unit = part.constraint.price_unit(problem, found.weights) or 1.0
    return float(found.slacks[row]) * part.unit / unit, found.weights


def _search(problem: Problem, part: Part) -> float | None:
    """Smallest change of a ratio's bound that makes the rest feasible, by bisection; None if none does."""
    low, high = 0.0, part.unit
    while not _feasible_with(problem, part, high):
        low, high = high, 2.0 * high
        if high > WIDE * part.unit:
            return None
    while high - low > RELAXATION * high:
        middle = (low + high) / 2.0
        low, high = (low, middle) if _feasible_with(problem, part, middle) else (middle, high)
    return high


def _feasible_with(problem: Problem, part: Part, by: float) -> bool:
    loose = part.constraint.loosened(part.place, by) or part.constraint
    changed = tuple(loose if number == part.number else one for number, one in enumerate(problem.constraints))
    return Elastic(replace(problem, constraints=changed)).is_feasible()
