"""The ordered ids that every array of a problem is aligned to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from assetmix.domain.arrays import Vector


@dataclass(frozen=True)
class Universe:
    """Ordered instrument ids; position i of every vector belongs to `ids[i]`."""

    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Position of each id."""
        return {instrument: position for position, instrument in enumerate(self.ids)}

    def vector(self, values: Mapping[str, float], default: float = 0.0) -> Vector:
        """Lay a mapping by id out in the universe's order; absent ids get `default`."""
        return np.array([values.get(instrument, default) for instrument in self.ids], dtype=np.float64)

    def mask(self, ids: Iterable[str]) -> Vector:
        """Return 1.0 for each position whose id is named, else 0.0."""
        named = frozenset(ids)
        return np.array([float(instrument in named) for instrument in self.ids])

    def mapping(self, values: Vector) -> dict[str, float]:
        """Give a vector back as a mapping by id."""
        return dict(zip(self.ids, np.asarray(values, dtype=np.float64).tolist(), strict=True))
