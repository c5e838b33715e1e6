"""Paths of cumulated returns and how far they fall below their running maximum.

A path starts at 0 (compounded: at 1); the start counts as a peak and is not a row of its own.
"""

import numpy as np

from assetmix.domain.arrays import Matrix, Vector


def drawdowns(returns: Vector) -> Vector:
    """Fall (..., T) of the sum of returns (..., T), rows in time order, below its running maximum."""
    path = np.cumsum(returns, axis=-1)
    return np.maximum(np.maximum.accumulate(path, axis=-1), 0.0) - path


def compounded_drawdowns(returns: Vector) -> Vector:
    """Fall (..., T) of the compounded value below its running maximum, as a fraction of that maximum."""
    path = np.cumprod(1.0 + returns, axis=-1)
    return np.asarray(1.0 - path / np.maximum(np.maximum.accumulate(path, axis=-1), 1.0))


def windows(returns: Vector, horizon: int) -> Matrix:
    """All runs of `horizon` consecutive rows, a view (..., T - horizon + 1, horizon) of returns (..., T)."""
    return np.lib.stride_tricks.sliding_window_view(returns, horizon, axis=-1)


def mean_shortfall(returns: Vector, horizon: int) -> Vector:
    """Mean drawdown (...) over all rows of all windows of returns (..., T), each path starting anew.

    Goes through the windows side by side, one row at a time, so that memory does not grow with the horizon.
    """
    steps = np.moveaxis(windows(returns, horizon), -1, 0)
    fall = np.zeros(steps.shape[1:])
    total = np.zeros(steps.shape[1:])
    for step in steps:
        fall = np.maximum(fall - step, 0.0)
        total += fall
    return np.asarray(total.mean(axis=-1) / horizon)


def compounded_mean_shortfall(returns: Vector, horizon: int) -> Vector:
    """Mean compounded drawdown (...) over all rows of all windows of returns (..., T)."""
    steps = np.moveaxis(windows(returns, horizon), -1, 0)
    share_of_peak = np.ones(steps.shape[1:])
    total = np.zeros(steps.shape[1:])
    for step in steps:
        share_of_peak = np.minimum(share_of_peak * (1.0 + step), 1.0)
        total += 1.0 - share_of_peak
    return np.asarray(total.mean(axis=-1) / horizon)


def carried(falls: Vector, shares: Vector) -> Vector:
    """How much the loss of each row counts when the drawdown of each row counts `shares`.

    A row counts for itself and for all later rows until the path is back at its maximum, so that
    the sum of carried x loss is the sum of shares x drawdown.

    Parameters
    ----------
    falls : (..., T) drawdowns
    shares : (..., T) at least 0
    """
    counted = np.where(falls > 0, shares, 0.0)
    ahead = np.flip(np.cumsum(np.flip(counted, axis=-1), axis=-1), axis=-1)
    behind = np.where(falls > 0, 0.0, ahead)
    recovered = np.flip(np.maximum.accumulate(np.flip(behind, axis=-1), axis=-1), axis=-1)
    return np.asarray(np.where(falls > 0, ahead - recovered, 0.0))


def released(weights: Vector) -> Vector:
    """Least shares (..., T) of the drawdowns that let the losses of the rows count `weights` (..., T).

    For any weights y >= 0 and shares x >= 0 with y_t <= y_(t+1) + x_t the sum of y x loss is at
    most the sum of x x drawdown, whatever the path: y is what dual prices of the recursion
    drawdown_t >= drawdown_(t-1) + loss_t are made of.
    """
    following = np.concatenate([weights[..., 1:], np.zeros_like(weights[..., :1])], axis=-1)
    return np.asarray(np.maximum(weights - following, 0.0))


def rows_of(weights: Matrix, count: int) -> Vector:
    """Add up the weights (W, horizon) of the rows of windows to weights (T,) of the rows themselves."""
    total = np.zeros(count)
    for offset, column in enumerate(weights.T):
        total[offset : offset + len(column)] += column
    return total
