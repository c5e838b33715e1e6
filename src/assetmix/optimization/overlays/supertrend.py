"""Hold what stands above a band of its ranges; described, not live."""

from dataclasses import dataclass
from typing import Literal

from assetmix.optimization.overlay import WINDOW, Overlay, overlay


@overlay("supertrend")
@dataclass(frozen=True, slots=True, kw_only=True)
class Supertrend(Overlay):
    """Only instruments above a band of average true ranges around their middle price are held."""

    status = "alpha"
    bounds = (("window", *WINDOW), ("multiple", 0.1, 100.0))
    kind: Literal["supertrend"] = "supertrend"
    window: int = 10
    multiple: float = 3.0
