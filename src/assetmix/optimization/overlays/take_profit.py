"""Close what has risen enough; described, not live."""

from dataclasses import dataclass
from typing import Literal

from assetmix.optimization.overlay import Overlay, overlay


@overlay("take_profit")
@dataclass(frozen=True, slots=True, kw_only=True)
class TakeProfit(Overlay):
    """A position is closed when its price rises by a fraction above the one that it was bought at."""

    status = "alpha"
    bounds = (("fraction", 0.001, 100.0),)
    kind: Literal["take_profit"] = "take_profit"
    fraction: float = 0.2
