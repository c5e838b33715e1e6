"""Why some limits cannot hold together, in sentences with numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from assetmix.domain.arrays import Vector
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.limit import number, percent
from assetmix.optimization.problem import Problem
from assetmix.optimization.solution import ConflictingLimit
from assetmix.optimization.verify import outcome_of

MANY = 3
"""So many limits of the same words are named as one."""
VERBS = (" is ", " are ", " has ")
OF = "weight of "


@dataclass(frozen=True, slots=True)
class Clashing:
    """One of the limits that clash, its constraint, and what the others leave of the balance in words."""

    limit: ConflictingLimit
    constraint: Constraint
    balance: str | None = None


def clash_sentence(clash: Sequence[Clashing]) -> str:
    """Say what the limits leave possible, and what is asked for."""
    hardest = next((one for one in clash if one.limit.relax_by is not None), None)
    last = next((one for one in clash if one.limit.relax_by is not None and one.balance), None)
    together = _listed([one.limit.limit for one in clash])
    if hardest is None:
        return f"These limits cannot hold together, whichever single one gives way: {together}."
    if last is not None and len(clash) > 1:
        others = _listed([one.limit.limit for one in clash if one is not last])
        return f"With {others}, {last.balance}, which misses “{last.limit.limit}” by {_missed(last)}."
    missed = f"“{hardest.limit.limit}” is missed by at least {_missed(hardest)}"
    if len(clash) == 1:
        return f"“{hardest.limit.limit}” cannot be kept by any portfolio: it is missed by at least {_missed(hardest)}."
    return f"These limits cannot hold together: {together}. Where the others are kept, {missed}."


def amount(constraint: Constraint, value: float) -> str:
    """Write a distance in the unit of a constraint: percent of value, or a plain number."""
    return number(value) if constraint.shown == "number" else percent(value)


def balance_words(problem: Problem, cash: Cash, weights: Vector) -> str:
    """Say what weights (n,) that come as near to a cash band as they can leave to invest, or need."""
    left = float(outcome_of(problem, weights).cash)
    if left - cash.upper(problem) <= cash.lower(problem) - left:
        costs = "" if problem.trading.is_free else ", costs included"
        return f"{percent(1.0 - left)} of the value is needed{costs}"
    if problem.trading.is_free:
        return f"at most {percent(1.0 - left)} of the value can be invested"
    return f"at least {percent(left)} of the value stays in cash"


def _missed(one: Clashing) -> str:
    return amount(one.constraint, one.limit.relax_by or 0.0)


def _listed(labels: list[str]) -> str:
    """Labels in a row, in quotes; many that differ only in what they speak of are drawn together."""
    subjects: dict[str, list[str]] = {}
    for label in labels:
        verb = next((verb for verb in VERBS if verb in label), None)
        subject, claim = label.split(verb, 1) if verb else (label, "")
        subjects.setdefault(f"{verb}{claim}" if verb else "", []).append(subject)
    parts = []
    for claim, names in subjects.items():
        if len(names) >= MANY and claim:
            parts.append(f"“{_drawn_together(names)}{claim}”")
        else:
            parts.extend(f"“{name}{claim}”" for name in names)
    return _and(parts)


def _drawn_together(names: list[str]) -> str:
    """`weight of each of banks, energy and health` for the weights of three groups."""
    if all(name.startswith(OF) for name in names):
        return f"{OF}each of {_and([name.removeprefix(OF) for name in names])}"
    return f"each of {_and(names)}"


def _and(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
