"""Exponential tilting of scenarios: the weights behind the entropic value at risk."""

import numpy as np

from assetmix.domain.arrays import Vector

STEPS = 100
"""Most steps of the search: halving the widest bracket of logarithms takes 60."""

SETTLED = 1e-13
"""Relative change of the tilt at which the search ends: rounding noise."""

STEEPEST = 100.0
"""Growth of the entropy in logarithms, 2 near no tilt, beyond which it is rounding noise over rounding noise."""

WIDEST = 50.0
"""Logarithm of the steepest tilt of losses of spread 1; differences in double precision ask for 37."""


def tilted_weights(losses: Vector, level: float, probabilities: Vector) -> Vector:
    """Weights, summing to 1, under which the mean loss is the entropic value at risk.

    They are p exp(loss / z), scaled, with the z at which their entropy relative to p is
    -log(1 - level); where even the worst loss alone is less surprising than that, they are its own.

    Parameters
    ----------
    losses : (..., T) losses, positive is bad
    level : confidence in [0, 1)
    probabilities : (T,)

    Returns
    -------
    (..., T)

    Source: Ahmadi-Javid, Entropic value-at-risk: a new coherent risk measure, Journal of
    Optimization Theory and Applications 155 (2012), theorem 3.3.
    """
    mass = np.broadcast_to(probabilities, losses.shape)
    surprise = -np.log1p(-level)
    if surprise == 0:
        return np.array(mass)
    possible = np.where(mass > 0, losses, -np.inf)
    below = np.minimum(losses - possible.max(axis=-1, keepdims=True), 0.0)
    spread = -below.min(axis=-1, keepdims=True)
    below = below / np.where(spread > 0, spread, 1.0)
    worst = mass * (below == 0)
    likely = worst.sum(axis=-1, keepdims=True)
    sure = surprise >= -np.log(likely)
    tilted = _tilt(below, mass, _search(below, mass, surprise))
    return np.asarray(np.where(sure, worst / likely, tilted))


def entropic_value(losses: Vector, level: float, probabilities: Vector) -> Vector:
    """Entropic value at risk, shape (...), of losses (..., T)."""
    return np.asarray(np.sum(tilted_weights(losses, level, probabilities) * losses, axis=-1))


def entropy_ball(prices: Vector, level: float, probabilities: Vector) -> Vector | None:
    """Bring dual prices (T,) of the scenarios to weights whose entropy is allowed; None where they say nothing.

    The mean loss under any q with sum 1 and entropy relative to p of at most -log(1 - level) is at
    most the entropic value at risk, so that a tangent built on them is a true lower bound. Weights
    with too much are mixed with p, which has none.
    """
    weights = np.where(probabilities > 0, np.maximum(prices, 0.0), 0.0)
    if not weights.sum() > 0:
        return None
    weights = weights / weights.sum()
    surprise = -float(np.log1p(-level))
    kept, mixed = 0.0, 1.0
    if _entropy(weights, probabilities) <= surprise:
        return np.asarray(weights)
    for _ in range(STEPS):
        share = (kept + mixed) / 2.0
        fits = _entropy(share * weights + (1.0 - share) * probabilities, probabilities) <= surprise
        kept, mixed = (share, mixed) if fits else (kept, share)
    return np.asarray(kept * weights + (1.0 - kept) * probabilities)


def _entropy(weights: Vector, probabilities: Vector) -> float:
    some = weights > 0
    return float(weights[some] @ np.log(weights[some] / probabilities[some]))


def _search(below: Vector, mass: Vector, surprise: float) -> Vector:
    """Logarithm of 1 / z (..., 1) by Newton on logarithms, halving a bracket where that does not converge."""
    mean = (mass * below).sum(axis=-1, keepdims=True)
    deviation = np.sqrt((mass * np.square(below - mean)).sum(axis=-1, keepdims=True))
    guess = np.log(np.sqrt(2.0 * surprise) / np.where(deviation > 0, deviation, 1.0))
    here = np.clip(guess, -WIDEST, WIDEST)
    low, high = np.full_like(here, -WIDEST), np.full_like(here, WIDEST)
    step = np.full_like(here, np.inf)
    for _ in range(STEPS):
        error, growth = _surprise(below, mass, here)
        error = np.log(np.maximum(error, np.finfo(float).tiny) / surprise)
        low, high = np.where(error < 0, here, low), np.where(error > 0, here, high)
        there = here - error / np.maximum(growth, np.finfo(float).eps)
        lost = (there < low) | (there > high) | (growth > STEEPEST) | (np.abs(there - here) > step / 2.0)
        there = np.where(lost, (low + high) / 2.0, there)
        step, here = np.abs(there - here), there
        if step.max() <= SETTLED * WIDEST:
            break
    return np.asarray(here)


def _surprise(below: Vector, mass: Vector, slope: Vector) -> tuple[Vector, Vector]:
    """Entropy of the tilted weights relative to p, and its growth in logarithms; both (..., 1)."""
    steepness = np.exp(slope)
    weights = _tilt(below, mass, slope)
    mean = (weights * below).sum(axis=-1, keepdims=True)
    variance = (weights * np.square(below - mean)).sum(axis=-1, keepdims=True)
    entropy = steepness * mean - _log_mean(mass, steepness * below)
    return entropy, np.square(steepness) * variance / np.maximum(entropy, np.finfo(float).tiny)


def _log_mean(mass: Vector, exponents: Vector) -> Vector:
    """Logarithm of the mean of exponentials of exponents of at most 0, exact near 0 and far below it."""
    mean = (mass * np.exp(exponents)).sum(axis=-1, keepdims=True)
    less = (mass * np.expm1(exponents)).sum(axis=-1, keepdims=True)
    return np.asarray(np.where(mean > 1 / 2, np.log1p(np.maximum(less, -1 / 2)), np.log(mean)))


def _tilt(below: Vector, mass: Vector, slope: Vector) -> Vector:
    weights = mass * np.exp(np.exp(slope) * below)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))
