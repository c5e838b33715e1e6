"""No short positions, whatever the strategy allows."""

from dataclasses import dataclass, replace
from typing import Literal

from assetmix.optimization.overlay import Overlay, overlay
from assetmix.optimization.strategy import Strategy


@overlay("no_short")
@dataclass(frozen=True, slots=True, kw_only=True)
class NoShort(Overlay):
    """No position is short, whatever the strategy allows."""

    kind: Literal["no_short"] = "no_short"

    def in_force(self, strategy: Strategy) -> Strategy:
        """The strategy without shorting."""
        return replace(strategy, shorting=False)
