"""Choices of what is held and traded: rounded from a relaxation, and exchanged one against another."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.constraint import Most
from assetmix.optimization.problem import Problem
from assetmix.optimization.statement import Attempt
from assetmix.optimization.tolerances import SNAP
from assetmix.optimization.verify import tangent

Indicators = Mapping[str, Vector]

SIDES = {"held": ("long", "short"), "traded": ("bought", "sold")}
NEAR = 6
"""So many instruments that are chosen, and so many that are not, are exchanged against each other."""


def rounded(problem: Problem, relaxed: Attempt, names: Iterable[str]) -> dict[str, Vector]:
    """Indicators of what a relaxation holds and trades, where it is at least half of the smallest size.

    Where so many are too many, those that the relaxation holds or trades for the largest part.
    """
    orders, positions = _smallest(problem)
    weights, known = relaxed.weights, settled(problem)
    trades = weights - problem.current_weights
    order, position = np.maximum(0.5 * orders, SNAP), np.maximum(0.5 * positions, SNAP)
    sides = {
        "long": weights > position,
        "short": -weights > position,
        "bought": trades > order,
        "sold": -trades > order,
        "lots": np.zeros_like(weights),
    }
    chosen = {name: np.clip(sides[name].astype(np.float64), *known.get(name, (0.0, 1.0))) for name in names}
    sizes = {"held": np.abs(weights), "traded": np.abs(trades)}
    for most in _counts(problem):
        _keep(chosen, most, _parts(relaxed.indicators, most, len(weights)) + SNAP * sizes[most.what])
    return chosen


def settled(problem: Problem) -> dict[str, tuple[Vector, Vector]]:
    """Least and most (n,) of the indicators of each side of positions and trades, as the box alone settles them.

    A side without room for the smallest position or trade is not taken; what lies outside the box is traded.
    """
    orders, positions = _smallest(problem)
    (lower, upper), current = problem.box, problem.current_weights
    room = {
        "long": (upper, positions, lower > SNAP),
        "short": (-lower, positions, upper < -SNAP),
        "bought": (upper - current, orders, current < lower - SNAP),
        "sold": (current - lower, orders, current > upper + SNAP),
    }
    is_able = {name: (most > 0) & (most >= least * (1.0 - SNAP)) for name, (most, least, _) in room.items()}
    return {
        name: ((room[name][2] & able).astype(np.float64), able.astype(np.float64)) for name, able in is_able.items()
    }


def _smallest(problem: Problem) -> tuple[Vector, Vector]:
    """Smallest orders and positions (n,) beside 0."""
    parts = [one.smallest(problem) for one in problem.constraints if one.penalty is None]
    shape = problem.current_weights.shape
    orders, positions = (np.max([np.broadcast_to(part[k], shape) for part in parts], axis=0) for k in (0, 1))
    return orders, positions


def exchanged(problem: Problem, best: Attempt) -> Iterator[dict[str, Vector]]:
    """Choices in which one instrument takes the place of another, the most promising first.

    What is let go has the smallest size; what comes in promises most by the objective's slope.
    """
    slope = tangent(problem, best.weights, best.prices).slope
    sizes = {"held": np.abs(best.weights), "traded": np.abs(best.weights - problem.current_weights)}
    for most in _counts(problem):
        names = [name for name in SIDES[most.what] if name in best.indicators]
        taken = np.round(_parts(best.indicators, most, len(slope)))[most.members]
        inside, outside = most.members[taken > 0], most.members[taken == 0]
        going = inside[np.argsort(sizes[most.what][inside], kind="stable")][:NEAR]
        promise = slope[outside] if most.what == "held" else -np.abs(slope[outside] - float(np.median(slope[inside])))
        coming = outside[np.argsort(promise, kind="stable")][:NEAR]
        for old, new in sorted(np.ndindex(len(going), len(coming)), key=sum):
            yield _exchange(best.indicators, names, int(going[old]), (int(coming[new]), float(slope[coming[new]])))


def _exchange(indicators: Indicators, names: list[str], old: int, new: tuple[int, float]) -> dict[str, Vector]:
    """The same choice with one instrument out and another one in, on the side that its slope asks for."""
    changed = {name: np.round(one).copy() for name, one in indicators.items()}
    for name in names:
        changed[name][old] = 0.0
    place, slope = new
    side = "sold" if "sold" in names and slope > 0 else names[0]
    changed[side][place] = 1.0
    return changed


def _counts(problem: Problem) -> list[Most]:
    found = (one.most(problem) for one in problem.constraints if one.penalty is None)
    return [one for one in found if one is not None]


def _keep(chosen: dict[str, Vector], most: Most, part: Vector) -> None:
    """Leave the members with the largest parts (n,)."""
    taken = most.members[_parts(chosen, most, len(part))[most.members] > 0]
    beyond = taken[np.argsort(-part[taken], kind="stable")][most.count :]
    for name in (name for name in SIDES[most.what] if name in chosen):
        chosen[name][beyond] = 0.0


def _parts(indicators: Indicators, most: Most, count: int) -> Vector:
    """To which part (n,) each instrument is held, or traded, on either side."""
    sides = (indicators[name] for name in SIDES[most.what] if name in indicators)
    return np.asarray(sum(sides, np.zeros(count)))
