"""One sentence that says why some limits cannot hold together, with the numbers in it."""

from collections.abc import Sequence

from assetmix.optimization.constraint import Constraint
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.limit import number, percent
from assetmix.optimization.solution import ConflictingLimit

MANY = 3
"""So many limits of the same words are named as one."""
VERBS = (" is ", " are ", " has ")


def clash_sentence(conflict: Sequence[ConflictingLimit], constraints: Sequence[Constraint]) -> str:
    """Say what the limits leave possible, and what is asked for.

    Parameters
    ----------
    conflict : limits that cannot hold together
    constraints : the constraint of each
    """
    if len(conflict) == 1:
        return f"“{conflict[0].limit}” cannot be kept by any portfolio."
    for one, constraint in zip(conflict, constraints, strict=True):
        if isinstance(constraint, Cash) and one.relax_by is not None:
            return _about_cash(one, [other.limit for other in conflict if other is not one])
    hardest = next((one for one in conflict if one.relax_by is not None), None)
    together = _listed([one.limit for one in conflict])
    if hardest is None:
        return f"These limits cannot hold together, whichever single one gives way: {together}."
    missed = f"At best “{hardest.limit}” is missed by {number(hardest.relax_by or 0.0)}."
    return f"These limits cannot hold together: {together}. {missed}"


def _about_cash(one: ConflictingLimit, others: list[str]) -> str:
    """The balance as the last straw: what can be invested at best against what must be."""
    reached = one.sentence.split(" invested", 1)[0].rsplit("leave ", 1)[-1]
    relax_by = percent(one.relax_by or 0.0)
    given = _listed(others)
    return (
        f"{given[:1].upper()}{given[1:]} leaves {reached} invested at best, which misses “{one.limit}” by {relax_by}."
    )


def _listed(labels: list[str]) -> str:
    """Labels in a row; many that differ only in what they speak of are drawn together."""
    subjects: dict[str, list[str]] = {}
    for label in labels:
        verb = next((verb for verb in VERBS if verb in label), None)
        subject, claim = label.split(verb, 1) if verb else (label, "")
        subjects.setdefault(f"{verb}{claim}" if verb else "", []).append(subject)
    parts = []
    for claim, names in subjects.items():
        if len(names) >= MANY and claim:
            parts.append(f"each of {len(names)} limits ({', '.join(names)}){claim}")
        else:
            parts.extend(f"{name}{claim}" for name in names)
    return "; ".join(parts)
