"""Sample covariances of a window that moves: what comes in is added, what falls out is taken away."""

import numpy as np
from numpy.typing import NDArray

from assetmix.backtest.schedule import Sessions
from assetmix.domain.arrays import Matrix

Stack = NDArray[np.float64]
Mask = NDArray[np.bool_]

FRESH = 64
"""Moves after which the sums are taken anew, so that rounding does not add up."""


class RollingCovariance:
    """Covariances, divisor T - 1, of the last `window` simple returns at each session.

    Sessions that are not complete are dropped, as everywhere.

    Parameters
    ----------
    history : (T, n) prices; nan where a session has none
    complete : (T,) whether everything that the estimate needs has a price
    reach : sessions that the window may span at most
    """

    def __init__(self, history: Matrix, complete: Mask, window: int, reach: int) -> None:
        self._complete: NDArray[np.int64] = np.flatnonzero(complete)
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

    def many(self, places: Sessions) -> tuple[Stack, Mask]:
        """Covariances (d, n, n) at several sessions, and which of them (d,) are known.

        Sums between the edges of all windows are taken once and added up.
        """
        ends = np.searchsorted(self._complete, places, side="right") - 1
        starts = ends - self._window
        known = (starts >= 0) & (places + 1 - self._complete[np.maximum(starts, 0)] <= self._reach)
        edges = np.unique(np.concatenate([starts[known], ends[known]]))
        count = self._returns.shape[1]
        sums, squares = np.zeros((max(1, len(edges)), count)), np.zeros((max(1, len(edges)), count, count))
        for i in range(1, len(edges)):
            rows = self._returns[edges[i - 1] : edges[i]]
            np.add(sums[i - 1], rows.sum(axis=0), out=sums[i])
            np.add(squares[i - 1], rows.T @ rows, out=squares[i])
        first, last = np.searchsorted(edges, starts[known]), np.searchsorted(edges, ends[known])
        mean = (sums[last] - sums[first]) / self._window
        found = np.zeros((len(places), count, count))
        spread = squares[last] - squares[first] - self._window * mean[:, :, None] * mean[:, None, :]
        found[known] = spread / (self._window - 1)
        return found, known

    def _move(self, start: int, end: int) -> None:
        came, went = self._returns[self._end : end], self._returns[self._end - self._window : start]
        self._sum = self._sum + came.sum(axis=0) - went.sum(axis=0)
        self._squares = self._squares + came.T @ came - went.T @ went
        self._moves += 1
