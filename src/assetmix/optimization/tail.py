"""Tail losses of scenarios: Rockafellar-Uryasev with a fractional tail."""

import numpy as np

from assetmix.domain.arrays import Matrix, Vector
from assetmix.errors import Fault

ROUNDING = 1e-12
"""Part of the probability that adding up probabilities may be off; levels are never given so finely."""


def level_faults(level: float, pointer: str = "/level") -> tuple[Fault, ...]:
    """Refuse a level outside [0, 1)."""
    if 0 <= level < 1:
        return ()
    detail = "level is a confidence of at least 0 and below 1, for example 0.95 for the worst 5 %"
    return (Fault(pointer, "out-of-range", detail),)


def tail_weights(losses: Vector, level: float, probabilities: Vector | None) -> Vector:
    """Weights, summing to 1, under which the mean loss is the CVaR.

    Parameters
    ----------
    losses : (..., T) losses, positive is bad
    level : confidence in [0, 1), 0.95 for the worst 5 %
    probabilities : (T,) or None for equal ones

    Returns
    -------
    (..., T)

    Source: Rockafellar and Uryasev, Conditional value-at-risk for general loss distributions,
    Journal of Banking and Finance 26 (2002), proposition 8.
    """
    count = losses.shape[-1]
    mass = np.full(count, 1.0 / count) if probabilities is None else probabilities
    worst_first = np.argsort(-losses, axis=-1, kind="stable")
    sorted_mass = mass[worst_first]
    before = np.cumsum(sorted_mass, axis=-1) - sorted_mass
    taken = np.clip((1.0 - level) - before, 0.0, sorted_mass) / (1.0 - level)
    weights = np.zeros_like(losses)
    np.put_along_axis(weights, worst_first, taken, axis=-1)
    return weights


def cvar(losses: Vector, level: float, probabilities: Vector | None) -> Vector:
    """Mean loss in the worst 1 - level of the scenarios, shape (...), from losses (..., T)."""
    return np.asarray(np.sum(tail_weights(losses, level, probabilities) * losses, axis=-1))


def value_at_risk(losses: Vector, level: float, probabilities: Vector) -> Vector:
    """Smallest loss t with P(loss <= t) >= level, shape (...), from losses (..., T)."""
    best_first = np.argsort(losses, axis=-1, kind="stable")
    reached = np.cumsum(probabilities[best_first], axis=-1) >= level - ROUNDING
    position = np.argmax(reached, axis=-1)[..., np.newaxis]
    return np.asarray(np.take_along_axis(np.sort(losses, axis=-1), position, axis=-1)[..., 0])


def envelope(prices: Vector, level: float, probabilities: Vector) -> Vector | None:
    """Bring dual prices of the scenarios into the risk envelope; None where they say nothing.

    The envelope is all q with sum 1 and 0 <= q <= p / (1 - level); the mean loss under any of
    them is at most the CVaR, so that a tangent built on them is a true lower bound.
    """
    tail = np.maximum(prices, 0.0)
    if not tail.sum() > 0:
        return None
    cap = probabilities / (1.0 - level)
    tail = np.minimum(tail / tail.sum(), cap)
    room = cap - tail
    missing = 1.0 - tail.sum()
    return np.asarray(tail + room * (missing / room.sum())) if missing > 0 else tail


def mixture_weights(losses: Vector, prices: Matrix | None, levels: Vector, probabilities: Vector) -> Matrix:
    """Tail weights (L, T) of each level: from dual prices (L, T) where they say something, else of losses (T,)."""
    worst = [tail_weights(losses, level, probabilities) for level in levels]
    if prices is None:
        return np.array(worst)
    priced = [envelope(row, level, probabilities) for row, level in zip(prices, levels, strict=True)]
    return np.array([plain if better is None else better for plain, better in zip(worst, priced, strict=True)])
