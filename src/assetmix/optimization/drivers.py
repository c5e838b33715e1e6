"""Why each trade is made: the limit that it helps to keep, else the part of the objective that it serves."""

from collections.abc import Iterator

import numpy as np

from assetmix.domain.arrays import Positions, Vector
from assetmix.optimization.constraint import Outcome
from assetmix.optimization.limit import outside
from assetmix.optimization.planes import named_rows, stacked
from assetmix.optimization.problem import Problem
from assetmix.optimization.strategy import Term
from assetmix.optimization.tolerances import BINDING
from assetmix.optimization.verify import outcome_of

HALF = 0.5

AT_A_TIME = 250
"""Trades that are looked at together: each is a portfolio of its own."""


def drivers(problem: Problem, weights: Vector, positions: Positions) -> list[str]:
    """Say of each trade at the given positions (k,) what drives it, on the way to the weights (n,).

    A trade that by itself lessens the breach of a limit is driven by the limit whose breach it
    lessens most, in units of that limit. Otherwise it is driven by the term of the objective that
    improves most along it, by the slopes half way; one that improves none of them makes room for others.
    """
    if len(positions) == 0:
        return []
    blocks = (positions[start : start + AT_A_TIME] for start in range(0, len(positions), AT_A_TIME))
    by_limit = [label for block in blocks for label in _limits(problem, weights, block)]
    by_term = _terms(problem, weights, positions)
    return [limit or term for limit, term in zip(by_limit, by_term, strict=True)]


def _limits(problem: Problem, weights: Vector, positions: Positions) -> list[str | None]:
    trades = (weights - problem.current_weights)[positions]
    found = [*_of_planes(problem, positions, trades), *_of_others(problem, positions, trades)]
    if not found:
        return [None] * len(positions)
    relief = np.array([one for one, _ in found])
    helped = relief.argmax(axis=0).tolist()
    is_felt = (relief.max(axis=0) > BINDING).tolist()
    return [f"it helps to keep “{found[row][1]}”" if felt else None for row, felt in zip(helped, is_felt, strict=True)]


Relief = tuple[Vector, str]
"""By how much each trade (k,) lessens the breach of a row, in units of its limit, and the row's label."""


def _of_planes(problem: Problem, positions: Positions, trades: Vector) -> Iterator[Relief]:
    """A trade by itself moves a plane by its coefficient there."""
    stack, names = stacked(problem), named_rows(problem)
    now = stack.breached(problem.current_weights, BINDING)
    if not len(now.planes):
        return
    planes, values = stack.planes, stack.planes.values(problem.current_weights)
    rows = np.array([planes.row(place)[positions] for place in now.planes.tolist()])
    after = values[now.planes, None] + rows * trades
    relief = now.amounts[:, None] - outside(after, planes.lower[now.planes, None], planes.upper[now.planes, None])
    for one, owner, row in zip(relief, now.owners.tolist(), now.rows.tolist(), strict=True):
        yield one, names[owner][row].label


def _of_others(problem: Problem, positions: Positions, trades: Vector) -> Iterator[Relief]:
    """Reliefs of the rows that are no planes; what is kept cannot be relieved."""
    there: Outcome | None = None
    for place, before in problem.current_breaches.items():
        constraint, rows = problem.constraints[place], named_rows(problem)[place]
        scale = constraint.scale(problem)
        felt = (before > BINDING * scale).nonzero()[0]
        if len(felt):
            there = there or _alone(problem, positions, trades)
            relief = (before - constraint.breach(problem, there)) / scale
            yield from ((relief[:, row], rows[row].label) for row in felt)


def _alone(problem: Problem, positions: Positions, trades: Vector) -> Outcome:
    """Where each trade (k,) leads by itself."""
    alone = np.tile(problem.current_weights, (len(positions), 1))
    alone[np.arange(len(positions)), positions] += trades
    return Outcome(alone, problem.current_cash - trades)


def _terms(problem: Problem, weights: Vector, positions: Positions) -> list[str]:
    terms = problem.objective.terms
    if not terms:
        return ["the rule asks for it"] * len(positions)
    current = problem.current_weights
    trades = (weights - current)[positions]
    gains = np.array([_gain(problem, term, weights)[positions] * trades for term in terms])
    names = [term.measure.key for term in terms]
    better = ["lowers" if problem.objective.sign * term.weight > 0 else "raises" for term in terms]
    chosen = np.argmax(gains, axis=0)
    room = _room(problem, weights)
    return [f"it {better[k]} {names[k]}" if gains[k, i] > 0 else room for i, k in enumerate(int(one) for one in chosen)]


def _gain(problem: Problem, term: Term, weights: Vector) -> Vector:
    """Improvement of the objective by a term per unit of each trade (n,), by slopes half way."""
    half = problem.current_weights + HALF * (weights - problem.current_weights)
    sign = -problem.objective.sign * term.weight
    fraction = term.measure.fraction()
    if fraction is None:
        return sign * term.measure.tangent(problem, half, None).slope
    bottom = float(fraction.bottom.value(problem, half)) or 1.0
    ratio = float(term.measure.value(problem, half))
    top, below = (part.tangent(problem, half, None).slope for part in (fraction.top, fraction.bottom))
    return np.asarray(sign * (top - ratio * below) / bottom)


def _room(problem: Problem, weights: Vector) -> str:
    """A trade that improves nothing itself: sells pay for buys, buys take in what sells leave."""
    cash = float(outcome_of(problem, weights).cash)
    return (
        "it makes room for the other trades" if cash <= problem.current_cash else "it raises the cash that is asked for"
    )
