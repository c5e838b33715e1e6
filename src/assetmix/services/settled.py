"""What follows from a strategy alone; of a stored one it is worked out once, as long as it is in use."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from assetmix.codec.documents import STRATEGY, digest
from assetmix.errors import Fault
from assetmix.optimization.check import check_strategy
from assetmix.optimization.memory import Memory
from assetmix.optimization.strategy import Strategy

_SETTLED = Memory(256)
"""By the names of the contents. Only of stored strategies: what a request brings with it is not kept."""


@dataclass(frozen=True, eq=False)
class Settled:
    """A strategy, and each of what follows from it when it is asked for."""

    strategy: Strategy

    @cached_property
    def document(self) -> dict[str, Any]:
        """The strategy as a document, which is not to be changed."""
        written: dict[str, Any] = STRATEGY.write(self.strategy)
        return written

    @cached_property
    def key(self) -> str:
        """Name of the document's content."""
        return digest(self.document)

    @cached_property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with it."""
        return tuple(check_strategy(self.strategy))


def settled(strategy: Strategy, stored: str | None) -> Settled:
    """Give what follows from a strategy; `stored` names the content that it was read from, if it is a stored one."""
    if stored is None:
        return Settled(strategy)
    found: Settled = _SETTLED.recall(stored, lambda: Settled(strategy))
    if found.strategy is not strategy:  # it was forgotten elsewhere, and read again
        found = Settled(strategy)
        _SETTLED.keep(stored, found)
    return found
