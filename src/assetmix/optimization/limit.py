"""The only shape a constraint is stated in: `left <= right` or `left == right`, row by row."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from assetmix.domain.arrays import Vector
from assetmix.optimization.atoms import Expression


@dataclass(frozen=True, slots=True)
class Row:
    """Name of one row: `id` dotted for programs, `label` in words with its number."""

    id: str
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """Rows `left <= right` (left convex) or `left == right` (left affine), elementwise.

    `label` names them all together where they are more than one.
    """

    left: Expression
    sense: Literal["<=", "=="]
    right: Expression
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """A lower and an upper bound, each absent or a number; equal ones make one equality."""

    lower: float | None
    upper: float | None

    @property
    def is_fixed(self) -> bool:
        """Whether both bounds are the same number."""
        return self.lower is not None and self.lower == self.upper

    def rows(self, name: str, label: str, unit: Literal["percent", "number"] = "percent") -> tuple[Row, ...]:
        """Names of the rows that `limits` states."""
        show = percent if unit == "percent" else number
        if self.is_fixed and self.lower is not None:
            return (Row(name, f"{label} is exactly {show(self.lower)}"),)
        lower = () if self.lower is None else (Row(name, f"{label} is at least {show(self.lower)}"),)
        upper = () if self.upper is None else (Row(name, f"{label} is at most {show(self.upper)}"),)
        return lower + upper

    def limits(self, left: Expression, label: str | None = None) -> Iterator[Limit]:
        """State the band on an affine expression; `label` names its rows together."""
        titles = iter(row.label for row in self.rows("", label or ""))
        if self.is_fixed:
            yield Limit(left, "==", self.lower, label and next(titles))
            return
        if self.lower is not None:
            yield Limit(-left, "<=", -self.lower, label and next(titles))
        if self.upper is not None:
            yield Limit(left, "<=", self.upper, label and next(titles))

    def breach(self, value: ArrayLike) -> Vector:
        """Distance outside each bound that `limits` states, 0 inside.

        Parameters
        ----------
        value : (...) one number an outcome

        Returns
        -------
        (..., rows)
        """
        return self.breach_each(np.asarray(value, dtype=np.float64)[..., np.newaxis])

    def breach_each(self, values: Vector) -> Vector:
        """Distance of many numbers outside each bound: (..., k) gives all lower rows, then all upper ones."""
        if self.is_fixed and self.lower is not None:
            return np.abs(values - self.lower)
        lower = [] if self.lower is None else [np.maximum(self.lower - values, 0.0)]
        upper = [] if self.upper is None else [np.maximum(values - self.upper, 0.0)]
        return np.concatenate([*lower, *upper, np.zeros((*values.shape[:-1], 0))], axis=-1)


def outside(values: Vector, lower: Vector, upper: Vector) -> Vector:
    """Distance of numbers from their bounds, which may be infinite; 0 inside."""
    return np.maximum(np.maximum(lower - values, values - upper), 0.0)


def percent(fraction: float) -> str:
    """Write a fraction for people, at most four digits behind the point."""
    return f"{100 * fraction:.4f}".rstrip("0").rstrip(".") + " %"


def number(value: float) -> str:
    """Write a number for people, six significant digits."""
    return f"{value:.6g}"
