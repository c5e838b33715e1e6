"""Branch and bound over relaxations by perspectives: each node a cone program with some indicators given.

The relaxation of a node bounds all that lies below it; its own duals prove that, whatever the solver
says. The node with the least bound is divided by the indicator that is least decided. Perspectives
leave so little open that a few dozen nodes settle twenty of a hundred names.

Sources: Land and Doig, An automatic method of solving discrete programming problems, Econometrica 28
(1960); Frangioni and Gentile, Perspective cuts for a class of convex 0-1 mixed integer programs,
Mathematical Programming 106 (2006).
"""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.methods.choices import settled
from assetmix.optimization.problem import Problem
from assetmix.optimization.statement import Attempt, Statement

DECIDED = 1e-6
"""An indicator so near to 0 or 1 is decided."""

Ends = Mapping[str, tuple[Vector, Vector]]
"""Lower and upper bounds (n,) of each indicator."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """What a relaxation between some bounds of the indicators proves of all choices between them.

    `divides` is the indicator that is least decided, None where all are decided or given.
    """

    bound: float
    ends: Ends
    divides: tuple[str, int] | None

    def halves(self, name: str, place: int) -> Iterator[Ends]:
        """The bounds with one indicator at 0, and at 1."""
        for value in (0.0, 1.0):
            lower, upper = (end.copy() for end in self.ends[name])
            lower[place] = upper[place] = value
            yield {**self.ends, name: (lower, upper)}


def least_decided(attempt: Attempt, ends: Ends) -> tuple[str, int] | None:
    """The indicator nearest to 1/2 of those that are open; None where none is."""
    found: tuple[float, tuple[str, int] | None] = (DECIDED, None)
    for name, (lower, upper) in ends.items():
        value = np.clip(attempt.indicators[name], 0.0, 1.0)
        open_ended = np.where(upper > lower, np.minimum(value, 1.0 - value), 0.0)
        place = int(np.argmax(open_ended))
        if open_ended[place] > found[0]:
            found = (float(open_ended[place]), (name, place))
    return found[1]


def undivided(statement: Statement, problem: Problem) -> Ends:
    """Bounds that leave every choice that the box leaves."""
    known = settled(problem)
    return {name: known[name] for name in statement.decision.ends}


class Tree:
    """The nodes that may still hold the best choice."""

    def __init__(self, statement: Statement, problem: Problem, root: Attempt) -> None:
        self._statement = statement
        self._numbers = count()
        self._open: list[tuple[float, int, Node]] = []
        self._newest: list[tuple[float, int, Node]] = []
        self._left = np.inf
        ends = undivided(statement, problem)
        self._add([Node(-np.inf if root.bound is None else root.bound, ends, least_decided(root, ends))])

    @property
    def is_open(self) -> bool:
        """Whether a node is left to be divided."""
        return bool(self._open)

    @property
    def bound(self) -> float:
        """What every choice that is not ruled out is at least worth, to be minimized; infinity where none is left."""
        return min(self._left, self._open[0][0] if self._open else np.inf)

    def grow(self, most: float) -> list[Attempt]:
        """Divide the node with the least bound; the answers of its parts that may be better than `most`.

        As long as nothing is known to be possible at all, the newest node is divided: that soon leads
        to what is. A node that is decided is kept as what bounds it.
        """
        node = self._newest_one() if np.isinf(most) and self._newest else heapq.heappop(self._open)[2]
        self._newest = []
        if node.bound >= most:
            return []
        if node.divides is None:
            self._left = min(self._left, node.bound)
            return []
        found = [one for ends in node.halves(*node.divides) if (one := self._solved(node, ends)) is not None]
        kept = [(part, attempt) for part, attempt in found if part.bound < most]
        self._add([part for part, _ in kept])
        return [attempt for _, attempt in kept]

    def _newest_one(self) -> Node:
        """The better of the newest nodes."""
        chosen = min(self._newest)
        self._open.remove(chosen)
        heapq.heapify(self._open)
        return chosen[2]

    def _solved(self, parent: Node, ends: Ends) -> tuple[Node, Attempt] | None:
        """A part of a node; None where it holds no choice, or nothing is said of it but what is said of the node."""
        self._statement.decision.bound(ends)
        for solver in self._statement.order:
            attempt = self._statement.attempt(solver)
            if attempt.verdict == "infeasible":
                return None
            if attempt.verdict == "solved" and attempt.bound is not None:
                return Node(max(attempt.bound, parent.bound), ends, least_decided(attempt, ends)), attempt
        self._left = min(self._left, parent.bound)
        return None

    def _add(self, nodes: list[Node]) -> None:
        self._newest = [(node.bound, next(self._numbers), node) for node in nodes]
        for one in self._newest:
            heapq.heappush(self._open, one)
