"""Sample covariances of a window that moves: what comes in is added, what falls out is taken away."""

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix

FRESH = 64
"""Moves after which the sums are taken anew, so that rounding does not add up."""


class RollingCovariance:
    """Covariances, divisor T - 1, of the last `window` simple returns at each session.

    Sessions at which any price is missing are dropped, as everywhere.

    Parameters
    ----------
    history : (T, n) prices; nan where a session has none
    reach : sessions that the window may span at most
    """

    def __init__(self, history: Matrix, window: int, reach: int) -> None:
        self._complete: NDArray[np.int64] = np.flatnonzero(np.isfinite(history).all(axis=1))
        prices = history[self._complete]
        self._returns = prices[1:] / prices[:-1] - 1.0
        self._window, self._reach = window, reach
        self._end, self._moves = -1, FRESH

    def at(self, place: int) -> Matrix | None:
        """The covariance (n, n) at the close of a session; None where there are too few returns."""
        end = int(np.searchsorted(self._complete, place, side="right")) - 1
        start = end - self._window
        if start < 0 or place + 1 - int(self._complete[start]) > self._reach:
            return None
        if self._moves >= FRESH or not 0 <= end - self._end < self._window // 2:
            rows = self._returns[start:end]
            self._sum, self._squares, self._moves = rows.sum(axis=0), rows.T @ rows, 0
        elif end > self._end:
            self._move(start, end)
        self._end = end
        mean = self._sum / self._window
        return np.asarray((self._squares - self._window * np.outer(mean, mean)) / (self._window - 1))

    def _move(self, start: int, end: int) -> None:
        came, went = self._returns[self._end : end], self._returns[self._end - self._window : start]
        self._sum = self._sum + came.sum(axis=0) - went.sum(axis=0)
        self._squares = self._squares + came.T @ came - went.T @ went
        self._moves += 1
