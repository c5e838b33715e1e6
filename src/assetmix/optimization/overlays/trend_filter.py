"""Only what stands above its moving average."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix
from assetmix.optimization.overlay import WINDOW, Overlay, overlay


@overlay("trend_filter")
@dataclass(frozen=True, slots=True, kw_only=True)
class TrendFilter(Overlay):
    """Only instruments whose last price is above the mean of their last `window` prices are held.

    One with fewer prices has no trend and is not held. Where nothing is left, everything is cash.

    Source: Faber, A quantitative approach to tactical asset allocation, Journal of Wealth
    Management 9, 2007 (ten months of monthly prices there; sessions here).
    """

    bounds = (("window", *WINDOW),)
    kind: Literal["trend_filter"] = "trend_filter"
    window: int = 200

    def allowed(self, prices: Matrix) -> NDArray[np.bool_]:
        """Last price above the mean."""
        return np.array([_is_above(column[np.isfinite(column)], self.window) for column in prices.T], dtype=bool)


def _is_above(known: Matrix, window: int) -> bool:
    return len(known) >= window and bool(known[-1] > known[-window:].mean())
