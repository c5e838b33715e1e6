"""Strategies under their overlays: what these leave to hold, and how much of what was decided is held."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix, Vector
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.limit import percent
from assetmix.optimization.overlay import Effect, Overlay
from assetmix.optimization.problem import Problem
from assetmix.optimization.solution import Solution, Verified
from assetmix.optimization.tolerances import RESIDUAL
from assetmix.optimization.verify import max_residual, objective_value, outcome_of


def left_over(overlays: Sequence[Overlay], prices: Matrix) -> NDArray[np.bool_]:
    """Which instruments (n,) all overlays leave, given prices (T, n); each sees what the ones before have left."""
    left = np.ones(prices.shape[1], dtype=bool)
    for one in overlays:
        places = np.flatnonzero(left)
        left[places] = one.allowed(prices[:, places])
    return left


def exclusions(overlays: Sequence[Overlay], prices: Matrix, ids: Sequence[str]) -> tuple[Effect, ...]:
    """Say which instruments (n ids) each overlay takes out."""
    effects, left = [], np.ones(len(ids), dtype=bool)
    for place, one in enumerate(overlays):
        after = left_over(overlays[: place + 1], prices)
        gone = tuple(ids[int(i)] for i in np.flatnonzero(left & ~after))
        if gone:
            rest = "nothing is left and everything is cash" if not after.any() else f"{int(after.sum())} are left"
            effects.append(Effect(kind=one.kind, sentence=f"{one.kind} takes out {len(gone)}; {rest}", excluded=gone))
        left = after
    return tuple(effects)


def exposure(overlays: Sequence[Overlay], prices: Matrix, weights: Vector) -> float:
    """Part of the decided weights (n,) that all overlays leave held, given prices (T, n)."""
    part = 1.0
    for one in overlays:
        part *= one.exposure(prices, part * weights)
    return part


def overlaid(problem: Problem, solution: Solution) -> tuple[Problem, Solution]:
    """Hold so much of a solution as the overlays leave; the problem then asks for that much cash.

    Limits that less than the whole cannot keep, such as a least weight, give way to the overlay.
    """
    overlays = problem.strategy.overlays
    scaling = [one for one in overlays if one.scales]
    part = exposure(scaling, problem.tables["adjusted"], solution.weights) if scaling else 1.0
    if part >= 1.0:
        return problem, solution
    weights = np.where(problem.tradable > 0, part * solution.weights, solution.weights)
    outcome = outcome_of(problem, weights)
    cash = Cash(name="held by an overlay", lower_fraction=float(outcome.cash), upper_fraction=float(outcome.cash))
    kept = [one for one in problem.constraints if not isinstance(one, Cash) and _keeps(problem, weights, one)]
    sentence = f"{percent(part)} of what was decided is held, the rest is cash"
    effect = Effect(kind=scaling[-1].kind, sentence=sentence, exposure=part)
    scaled = replace(
        problem,
        constraints=(*kept, cash),
        structure=f"{problem.structure}/overlaid",
        effects=(*problem.effects, effect),
    )
    value = float(objective_value(scaled, weights)) if scaled.objective.terms else None
    return scaled, replace(
        solution,
        weights=weights,
        cash=float(outcome.cash),
        objective_value=value,
        binding=(),
        verified=Verified(max_residual(scaled, outcome), value),
    )


def _keeps(problem: Problem, weights: Vector, constraint: Constraint) -> bool:
    return max_residual(replace(problem, constraints=(constraint,)), outcome_of(problem, weights)) <= RESIDUAL
