"""A band for the ratio of two linear figures, kept linear: top - bound x bottom."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.atoms import Expression
from assetmix.optimization.limit import Band, Limit
from assetmix.optimization.tolerances import HELD


@dataclass(frozen=True, slots=True, eq=False)
class RatioBand:
    """Lower and upper bound of top'w / bottom'w; a ratio 0/0 keeps every bound.

    Parameters
    ----------
    top, bottom : (n,)
    """

    top: Vector
    bottom: Vector
    band: Band

    @property
    def rows(self) -> tuple[Vector, ...]:
        """Rows (n,) whose products with weights are above 0 where a bound is broken, if the bottom is not negative."""
        lower, upper = self.band.lower, self.band.upper
        below = () if lower is None else (lower * self.bottom - self.top,)
        return below + (() if upper is None else (self.top - upper * self.bottom,))

    def limits(self, weights: Expression, scale: float = 1.0) -> Iterator[Limit]:
        """State the bounds in rows of unit `scale`."""
        top, bottom, band = self.top / scale, self.bottom / scale, self.band
        if band.is_fixed and band.lower is not None:
            yield Limit((top - band.lower * bottom) @ weights, "==", 0.0)
            return
        if band.lower is not None:
            yield Limit((band.lower * bottom - top) @ weights, "<=", 0.0)
        if band.upper is not None:
            yield Limit((top - band.upper * bottom) @ weights, "<=", 0.0)

    def breach(self, weights: Vector) -> Vector:
        """Distance of the ratio outside each bound, (..., rows): the linear form's, over the bottom's size."""
        return self.breach_of(weights @ self.top, weights @ self.bottom)

    def breach_of(self, inner: Vector, outer: Vector) -> Vector:
        """The same of a top (...) and a bottom (...)."""
        return per_unit(self._excess_of(inner, outer), outer)

    def excess(self, weights: Vector) -> Vector:
        """Breach of the linear form, (..., rows)."""
        return self._excess_of(weights @ self.top, weights @ self.bottom)

    def _excess_of(self, inner: Vector, outer: Vector) -> Vector:
        inner, band = np.asarray(inner), self.band
        if band.is_fixed and band.lower is not None:
            return np.abs(inner - band.lower * outer)[..., np.newaxis]
        lower = [] if band.lower is None else [np.maximum(band.lower * outer - inner, 0.0)]
        upper = [] if band.upper is None else [np.maximum(inner - band.upper * outer, 0.0)]
        return np.stack([*lower, *upper], axis=-1) if lower or upper else np.zeros((*np.shape(inner), 0))


def per_unit(excess: Vector, bottom: Vector) -> Vector:
    """Breaches (..., rows) of a linear form over the size of the bottom (...), where there is any."""
    outer = np.abs(np.asarray(bottom))[..., np.newaxis]
    return np.asarray(excess / np.where(outer > HELD, outer, 1.0))


def loosened_ends(band: Band, place: int, by: float) -> tuple[float | None, float | None]:
    """Bounds with the one at `place` moved outwards; both of a fixed one."""
    lower = band.lower is not None and (place == 0 or band.is_fixed)
    upper = band.upper is not None and (band.is_fixed or not lower)
    return (
        band.lower - by if lower and band.lower is not None else band.lower,
        band.upper + by if upper and band.upper is not None else band.upper,
    )
