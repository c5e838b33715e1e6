"""What every living solver object offers, and what it says."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.programs.pattern import Numbers, Pattern
from assetmix.optimization.programs.verdict import Verdict
from assetmix.optimization.solvers import Solver


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """Variables x (n,), duals y (m,) with Px + q + R'y = 0 at the optimum, and the value reached.

    The duals are at least 0 on inequalities. Without an answer all of them are empty.
    """

    verdict: Verdict
    x: Vector = field(default_factory=lambda: np.zeros(0))
    y: Vector = field(default_factory=lambda: np.zeros(0))
    value: float = float("nan")


class Engine(Protocol):
    """One solver's object for one pattern, alive from solve to solve.

    `onward`: whether the next solve may start where the last one ended, where a solver gains by it.
    """

    onward: bool

    def __init__(self, pattern: Pattern, solver: Solver) -> None:
        """Prepare what does not depend on the numbers."""

    def solve(self, numbers: Numbers, seconds: float) -> Said:
        """Solve with these numbers, from the same start every time; `seconds` bound solvers that can be bound."""
