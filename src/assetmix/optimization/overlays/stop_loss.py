"""Close what falls below its cost; described, not live."""

from dataclasses import dataclass
from typing import Literal

from assetmix.optimization.overlay import Overlay, overlay


@overlay("stop_loss")
@dataclass(frozen=True, slots=True, kw_only=True)
class StopLoss(Overlay):
    """A position is closed when its price falls by a fraction below the one that it was bought at."""

    status = "alpha"
    bounds = (("fraction", 0.001, 0.999),)
    kind: Literal["stop_loss"] = "stop_loss"
    fraction: float = 0.1
