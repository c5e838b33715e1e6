"""Drawdowns stated for the solver, and tangents of the measures that are made of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault, InvalidRequest
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.measure import Tangent
from assetmix.optimization.paths import carried, drawdowns, released
from assetmix.optimization.problem import Problem
from assetmix.optimization.tolerances import KINK, TINY

MOST_ROWS = 50_000
"""Rows of all windows together that are stated: some seconds for an interior-point solver."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A convex, positively homogeneous figure of drawdowns (T,), as the maximum of shares'd over some shares.

    Parameters
    ----------
    shares : from drawdowns (T,) to the shares (T,) at which that maximum is reached, none negative
    gauge : from any shares (T,), none negative, to the least number that divides them into allowed ones
    """

    shares: Callable[[Vector], Vector]
    gauge: Callable[[Vector], float]


def path_returns(problem: Problem, weights: Vector) -> Vector:
    """Returns (..., T) of portfolios with weights (..., n), in time order."""
    return np.asarray(weights @ problem.scenarios().T)


def state_drawdowns(problem: Problem, decision: Decision, unit: float, key: str) -> Expression:
    """Variables (T,) at least as large as the drawdowns in a unit, by drawdown_t >= drawdown_(t-1) - return_t.

    The recursion has the returns once and one row a period; where larger drawdowns are worse it is exact.
    """
    scenarios = problem.scenarios() / unit
    falls = cp.Variable(len(scenarios) + 1, nonneg=True, name="drawdowns")
    decision.link(falls[0] == 0)
    decision.link(falls[:-1] - scenarios @ decision.weights <= falls[1:], key=key)
    return falls[1:]


def state_windows(problem: Problem, decision: Decision, unit: float, window: tuple[int, str]) -> Expression:
    """Variables (horizon, W) at least as large as the drawdowns of all W windows, each starting anew at 0.

    Parameters
    ----------
    window : the horizon, and the key under which the duals are kept

    Raises
    ------
    InvalidRequest
        when the windows have more rows together than a solver can do in time
    """
    horizon, key = window
    scenarios = problem.scenarios() / unit
    count = len(scenarios) - horizon + 1
    if count == 1:
        return state_drawdowns(problem, decision, unit, key)
    if count * horizon > MOST_ROWS:
        cure = (
            f"windows of {horizon} rows are {count * horizon} rows together, at most {MOST_ROWS}; shorten the horizon"
        )
        raise InvalidRequest(cure, [Fault("/horizon", "limit-exceeded", cure)])
    returns = cp.Variable(len(scenarios), name="returns")
    decision.link(returns == scenarios @ decision.weights)
    falls = cp.Variable((horizon + 1, count), nonneg=True, name="drawdowns")
    rows = np.add.outer(np.arange(horizon), np.arange(count)).ravel()
    decision.link(falls[0, :] == 0)
    decision.link(falls[:-1, :] - cp.reshape(returns[rows], (horizon, count), order="C") <= falls[1:, :], key=key)
    return falls[1:, :]


def require_horizon(problem: Problem, horizon: int | None) -> int:
    """Rows of a window: the horizon, or the whole history where there is none.

    Raises
    ------
    InvalidRequest
        when the history is shorter than the horizon
    """
    count = len(problem.scenarios())
    if horizon is not None and horizon > count:
        cure = f"a horizon of {horizon} rows needs as many scenarios, and there are {count}; shorten it"
        raise InvalidRequest(cure, [Fault("/horizon", "out-of-range", cure)])
    return horizon or count


def drawdown_tangent(problem: Problem, weights: Vector, prices: Vector | None, summary: Summary) -> Tangent:
    """Affine lower bound of a summary of drawdowns, touching at the weights.

    Dual prices of the recursion, divided by their gauge, are allowed whatever the solver left
    undone; without them the shares at the weights are carried from each trough to its peak.
    """
    falls = drawdowns(path_returns(problem, weights))
    counts = carried(falls, summary.shares(falls))
    return tangent_of(problem, weights, [counts] if prices is None else [counts, *priced(prices, summary.gauge)])


def priced(prices: Vector, gauge: Callable[[Vector], float]) -> list[Vector]:
    """Dual prices of the recursion as allowed weights of the losses; none where they say nothing."""
    positive = np.maximum(prices, 0.0)
    size = gauge(released(positive))
    return [positive / size] if size > 0 else []


def tangent_of(problem: Problem, weights: Vector, candidates: list[Vector]) -> Tangent:
    """Tangent of the last of some weights (T,) of the losses; flatter where there is all but no drawdown.

    The first candidate gives the figure itself: a path that falls by solver's noise has no direction.
    """
    scenarios = problem.scenarios()
    height = -float(candidates[0] @ scenarios @ weights)
    noise = max(KINK * float(np.abs(scenarios).mean()), TINY)
    slope = -min(1.0, max(height, 0.0) / noise) * (candidates[-1] @ scenarios)
    return Tangent(float(slope @ weights), slope)
