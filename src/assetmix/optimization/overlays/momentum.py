"""Only what has risen most."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix
from assetmix.errors import Fault
from assetmix.optimization.overlay import WINDOW, Overlay, overlay


@overlay("momentum")
@dataclass(frozen=True, slots=True, kw_only=True)
class Momentum(Overlay):
    """Only the `count` instruments that have risen most over `window` sessions, but for the last `skip`, are held.

    One with fewer prices has no rank and is not held; of equal ones the first counts.

    Source: Jegadeesh and Titman, Returns to buying winners and selling losers, Journal of Finance
    48, 1993.
    """

    bounds = (("count", 1.0, 5000.0), ("window", *WINDOW), ("skip", 0.0, WINDOW[1]))
    kind: Literal["momentum"] = "momentum"
    count: int = 10
    window: int = 252
    skip: int = 21

    def faults(self) -> Iterator[Fault]:
        """Refuse to skip the whole window too."""
        yield from super(Momentum, self).faults()
        if self.skip >= self.window:
            detail = f"{self.skip} sessions to skip leave nothing of a window of {self.window}; skip fewer"
            yield Fault("", "out-of-range", detail)

    def allowed(self, prices: Matrix) -> NDArray[np.bool_]:
        """The first by rank."""
        rises = np.array([self._rise(column[np.isfinite(column)]) for column in prices.T])
        ranked = np.argsort(-rises, kind="stable")[: self.count]
        chosen = np.zeros(len(rises), dtype=bool)
        chosen[ranked] = True
        return np.asarray(chosen & np.isfinite(rises))

    def _rise(self, known: Matrix) -> float:
        """Growth over the window, without the sessions that are skipped; minus infinity where it is not known."""
        if len(known) <= self.window:
            return -np.inf
        return float(known[len(known) - 1 - self.skip] / known[len(known) - 1 - self.window])
