"""Single changes of trades, one made after the other: what each that is left would be worth."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np

from assetmix.domain.arrays import Positions, Vector
from assetmix.domain.rows import column
from assetmix.optimization.lots.form import Form


class Trail(Protocol):
    """Where changes (k,) lead, by themselves, from where those that were made have led."""

    def merits(self) -> tuple[float, Vector]:
        """Merit now, and after each change (k,)."""

    def make(self, place: int) -> None:
        """Make one of the changes; what it would be worth again is not asked."""


Steps: TypeAlias = Callable[[Vector, Positions, Vector], tuple[float, Vector]]
"""Merit of trades (n,), and with single changes (k,) at positions (k,)."""


class Recomputed:
    """Every merit anew."""

    def __init__(self, steps: Steps, units: Vector, positions: Positions, changes: Vector) -> None:
        self._steps = steps
        self._units = units.copy()
        self._positions = positions
        self._changes = changes

    def merits(self) -> tuple[float, Vector]:
        """From the trades as they are now."""
        return self._steps(self._units, self._positions, self._changes)

    def make(self, place: int) -> None:
        """Change the trades."""
        self._units[self._positions[place]] += self._changes[place]


class Expanded:
    """Weights w that move by single a e on a quadratic form: |s F(w + a e) - g|^2 + s l'(w + a e), expanded around w.

    The factor s makes the sum of w + a e what is wanted.
    """

    def __init__(self, form: Form, weights: Vector, positions: Positions, moved: Vector, wanted: float) -> None:
        self._form = form
        self._positions = positions
        self._moved, self._least = moved, float(moved.min(initial=0.0))
        self._wanted = wanted
        images = form.rows @ weights
        self._curved = float(images @ images)
        self._slopes = 2.0 * (form.rows.T @ images)[positions]
        self._own = moved * form.norms[positions]
        self._straight, self._along = float(form.line @ weights), moved * form.line[positions]
        self._invested = float(weights.sum())

    def merits(self) -> tuple[float, Vector]:
        """The form where w is, and after each move."""
        invested = self._invested + self._moved
        scales = self._wanted / invested if self._invested + self._least > 0 else to_scale(self._wanted, invested)
        curved = self._curved + self._moved * (self._slopes + self._own)
        merits = scales * (scales * curved + (self._straight + self._along)) + self._form.constant
        scale = self._wanted / self._invested if self._invested > 0 else 1.0
        return scale * (scale * self._curved + self._straight) + self._form.constant, merits

    def make(self, place: int) -> None:
        """Move w; slopes change by one column of F'F."""
        rows, moved = self._form.rows, float(self._moved[place])
        self._curved += moved * float(self._slopes[place] + self._own[place])
        self._slopes += 2.0 * moved * (rows.T @ column(rows, int(self._positions[place])))[self._positions]
        self._straight += float(self._along[place])
        self._invested += moved


def to_scale(wanted: float, invested: Vector) -> Vector:
    """Factors of portfolios (...), of which so much is invested, that make it what is wanted."""
    if invested.min(initial=1.0) > 0:
        return np.asarray(wanted / invested)
    return np.where(invested > 0, wanted / np.where(invested > 0, invested, 1.0), 1.0)
