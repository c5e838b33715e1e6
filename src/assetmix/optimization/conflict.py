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

from assetmix.domain.arrays import Vector
from assetmix.optimization.clash import Clashing, amount, balance_words, clash_sentence
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.decision import Integers
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
    candidates = _candidates(problem, memory, elastic, found, remaining)
    # with binaries to ask what is enough alone costs as much as to leave out: only members are asked, and last
    alone = {} if elastic.alive is None else {row: _alone(elastic, row) for row in candidates}
    certain = frozenset(row for row in alone if alone[row] is not None)
    members = _irreducible(elastic, candidates, certain, remaining)
    minimal = remaining() > 0 and not elastic.unsettled
    alone |= {row: _alone(elastic, row) for row in members if row not in alone}
    clash = [_member(problem, elastic.parts[row], _change(problem, elastic, row, alone[row])) for row in members]
    conflict = tuple(one.limit for one in clash)
    return NoSolution("infeasible", clash_sentence(clash), conflict, joint, conflict_is_minimal=minimal)


def _candidates(
    problem: Problem, memory: Memory, elastic: Elastic, found: Relaxed, remaining: Callable[[], float]
) -> list[int]:
    """Limits among which a conflict is looked for: those that carry a price.

    With binaries none does, and each question takes long; so the program without them is asked first. What cannot
    hold together there cannot with them.
    """
    rows: list[int] = np.flatnonzero(found.prices > INFEASIBLE).tolist()
    if elastic.alive is not None:
        return rows
    loose = _elastic(problem, memory, "continuous")
    if [one.label for one in loose.parts] != [one.label for one in elastic.parts]:
        return rows
    priced = _clash(loose, rows)
    among = _irreducible(loose, priced, frozenset(), remaining) if priced else []
    return among if among and _clash(elastic, among) else rows


def _elastic(problem: Problem, memory: Memory, integers: Integers | None = None) -> Elastic:
    """The problem's limits with slacks, from the memory where they are alive there."""
    key = ("elastic", integers, problem.structure)
    elastic: Elastic = memory.recall(key, lambda: Elastic(problem, integers))
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


def _irreducible(
    elastic: Elastic, candidates: list[int], certain: frozenset[int], remaining: Callable[[], float]
) -> list[int]:
    """Leave out what is not needed, one limit after the other; what carries no price then is not needed either.

    A limit whose change alone is enough is `certain`: it is in every infeasible set, and need not be tried.
    """
    needed = candidates
    if 0 < len(certain) < len(needed) and remaining() > 0:
        needed = _clash(elastic, [row for row in needed if row in certain]) or needed
    for row in [row for row in needed if row not in certain]:
        if remaining() <= 0:
            break
        rest = [other for other in needed if other != row]
        if row in needed and rest:
            needed = _clash(elastic, rest) or needed
    return needed


def _clash(elastic: Elastic, rows: list[int]) -> list[int]:
    """Those of some limits that carry a price where they cannot hold together; none where they can."""
    price = np.zeros(len(elastic.parts))
    price[rows] = 1.0
    found = elastic.least(price, np.full(len(price), WIDE))
    if found is None or float(found.slacks @ price) <= INFEASIBLE:
        return []
    return [row for row in rows if found.prices[row] > INFEASIBLE]


def _alone(elastic: Elastic, row: int) -> Relaxed | None:
    """The smallest slack of one limit with which the rest can be kept; None if none is enough."""
    price, width = np.zeros(len(elastic.parts)), np.zeros(len(elastic.parts))
    price[row], width[row] = 1.0, WIDE
    return elastic.least(price, width)


def _change(problem: Problem, elastic: Elastic, row: int, found: Relaxed | None) -> tuple[float | None, Vector]:
    """Smallest change of a limit, in its own unit, with which the rest can be kept, and the weights (n,) then."""
    part = elastic.parts[row]
    if found is None:
        return None, np.zeros(0)
    if part.constraint.loosened(part.place, 0.0) is not None:
        return _search(problem, part), found.weights
    unit = part.constraint.price_unit(problem, found.weights) or 1.0
    return float(found.slacks[row]) * part.unit / unit, found.weights


def _member(problem: Problem, part: Part, change: tuple[float | None, Vector]) -> Clashing:
    relax_by, weights = change
    if relax_by is None:
        sentence = f"No change of “{part.label}” alone would be enough."
        return Clashing(ConflictingLimit(part.label, None, sentence), part.constraint)
    moved = amount(part.constraint, relax_by)
    sentence = f"Relaxing “{part.label}” by {moved} lets every other limit be kept."
    if not isinstance(part.constraint, Cash):
        return Clashing(ConflictingLimit(part.label, relax_by, sentence), part.constraint)
    balance = balance_words(problem, part.constraint, weights)
    sentence = f"With the other limits, {balance}. {sentence}"
    return Clashing(ConflictingLimit(part.label, relax_by, sentence), part.constraint, balance)


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
