"""So much of the portfolio as has the volatility that is wanted."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Matrix, Vector
from assetmix.optimization.overlay import WINDOW, Overlay, overlay

SESSIONS_PER_YEAR = 252


@overlay("volatility_target")
@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityTarget(Overlay):
    """The decided portfolio is held in part, so that its volatility a year is at most `target`; the rest is cash.

    Volatility is the standard deviation (divisor T - 1) of what the decided weights would have
    returned in each of the last `window` sessions, times the root of 252. Nothing is borrowed.

    Source: Moreira and Muir, Volatility-managed portfolios, Journal of Finance 72, 2017.
    """

    tables = frozenset({"close"})
    scales = True
    bounds = (("target", 0.001, 10.0), ("window", *WINDOW))
    kind: Literal["volatility_target"] = "volatility_target"
    target: float = 0.1
    window: int = 63

    def exposure(self, prices: Matrix, weights: Vector) -> float:
        """Target over volatility, at most 1."""
        held = np.flatnonzero(weights)
        known = prices[:, held][np.isfinite(prices[:, held]).all(axis=1)][-self.window - 1 :]
        if len(known) < 3 or not len(held):  # noqa: PLR2004 - two returns, the fewest that vary
            return 1.0
        volatility = float(np.std((known[1:] / known[:-1] - 1.0) @ weights[held], ddof=1)) * SESSIONS_PER_YEAR**0.5
        return min(1.0, self.target / volatility) if volatility > 0 else 1.0
