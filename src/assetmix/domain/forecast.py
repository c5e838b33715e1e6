"""Expected returns and where they came from."""

from dataclasses import dataclass

from assetmix.domain.arrays import Vector
from assetmix.domain.universe import Universe


@dataclass(frozen=True, eq=False)
class Forecast:
    """Expected simple returns per period of the m instruments of a universe, shape (m,)."""

    universe: Universe
    expected_returns: Vector
