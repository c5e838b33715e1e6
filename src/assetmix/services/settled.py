"""What follows from a strategy alone: worked out once, as long as the strategy is in use."""

from dataclasses import dataclass
from typing import Any

from assetmix.codec.documents import STRATEGY, digest
from assetmix.errors import Fault
from assetmix.optimization.check import check_strategy
from assetmix.optimization.memory import Memory
from assetmix.optimization.strategy import Strategy

_SETTLED = Memory(256)
"""By identity: a stored strategy is read once too (`codec.documents.known_strategy`), and comparing takes as long as
working out. Each entry holds its strategy, so that no other can take its place in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """A strategy as a document, the name of that content, and what is wrong with it."""

    strategy: Strategy
    document: dict[str, Any]
    key: str
    faults: tuple[Fault, ...]


def settled(strategy: Strategy) -> Settled:
    """Give what follows from a strategy; the document is not to be changed."""
    found: Settled = _SETTLED.recall(id(strategy), lambda: _settle(strategy))
    return found


def _settle(strategy: Strategy) -> Settled:
    document = STRATEGY.write(strategy)
    return Settled(strategy, document, digest(document), tuple(check_strategy(strategy)))
