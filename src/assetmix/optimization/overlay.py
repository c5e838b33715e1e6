"""An Overlay is a signal that restricts what a strategy may hold, or scales what it holds."""

from abc import ABC
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix, Vector
from assetmix.errors import Fault
from assetmix.optimization.register import Register

if TYPE_CHECKING:
    from assetmix.optimization.strategy import Strategy

WINDOW = (2.0, 10_000.0)
"""Sessions that a signal may look back."""

Bound: TypeAlias = tuple[str, float, float]
"""A parameter with its least and largest value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay(ABC):
    """What a signal says, from prices alone.

    Overlays act in the order in which a strategy names them: each restricts what the ones before
    have left, then each scales what the strategy has decided. One that is `alpha` is described
    but refused: it is not decided yet how it acts between two decisions.
    """

    status: ClassVar[Literal["live", "alpha"]] = "live"
    tables: ClassVar[frozenset[str]] = frozenset()
    bounds: ClassVar[tuple[Bound, ...]] = ()
    """Those of all parameters that are figures."""

    scales: ClassVar[bool] = False
    """Whether it acts on what was decided, not on what may be."""

    kind: str

    def faults(self) -> Iterator[Fault]:
        """What is wrong with the overlay whatever it is applied to; pointers relative to it."""
        if self.status == "alpha":
            live = ", ".join(kind for kind, cls in overlay.kinds.items() if cls.status == "live")
            yield Fault("/kind", "not-live", f"{self.kind} is not live yet; live are {live}")
        for name, low, high in self.bounds:
            if not low <= getattr(self, name) <= high:
                yield Fault(f"/{name}", "out-of-range", f"{name} lies between {low:g} and {high:g}")

    def in_force(self, strategy: "Strategy") -> "Strategy":
        """The strategy that holds under the overlay."""
        return strategy

    def allowed(self, prices: Matrix) -> NDArray[np.bool_]:
        """Which instruments may be held (n,), given their prices (T, n) up to now; nan where there is none."""
        return np.ones(prices.shape[1], dtype=bool)

    def exposure(self, prices: Matrix, weights: Vector) -> float:  # noqa: ARG002 - most do not scale
        """Part of the decided weights (n,) that is held, 0 to 1, given prices (T, n) up to now."""
        return 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an overlay has done: instruments it took out, or the part of the decided weights that is held."""

    kind: str
    sentence: str
    excluded: tuple[str, ...] = ()
    exposure: float | None = None


overlay: Register[Overlay] = Register("overlay")
