"""Changes of trades in whole lots: each of one instrument, or of one for another."""

from dataclasses import dataclass

import numpy as np

from assetmix.domain.arrays import Matrix, Positions, Vector


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """Units (d, k) that trades at one place or two (d, k) change by; a second of 0 units is none."""

    places: Positions
    units: Vector

    @classmethod
    def single(cls, positions: Positions, units: Vector) -> "Changes":
        """Changes (k,) of one instrument each."""
        return cls(positions[np.newaxis], units[np.newaxis])

    def __len__(self) -> int:
        return int(self.places.shape[1])

    def some(self, chosen: Positions) -> "Changes":
        """Those at some places."""
        return Changes(self.places[:, chosen], self.units[:, chosen])

    def made(self, units: Vector, number: int) -> Vector:
        """Trades (n,) with one of the changes."""
        after = units.copy()
        for places, changed in zip(self.places, self.units, strict=True):
            after[places[number]] += changed[number]
        return after

    def applied(self, units: Vector) -> Matrix:
        """Trades (k, n): trades (n,) with each of the changes."""
        tried = np.tile(units, (len(self), 1))
        rows = np.arange(len(self))
        for places, changed in zip(self.places, self.units, strict=True):
            tried[rows, places] += changed
        return tried
