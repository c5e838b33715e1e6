"""Close what falls from its peak; described, not live."""

from dataclasses import dataclass
from typing import Literal

from assetmix.optimization.overlay import Overlay, overlay


@overlay("trailing_stop")
@dataclass(frozen=True, slots=True, kw_only=True)
class TrailingStop(Overlay):
    """A position is closed when its price falls by a fraction below the highest since it was bought."""

    status = "alpha"
    bounds = (("fraction", 0.001, 0.999),)
    kind: Literal["trailing_stop"] = "trailing_stop"
    fraction: float = 0.1
