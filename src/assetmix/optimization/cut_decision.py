"""A decision in which measures of tails are left to cuts."""

from typing import TYPE_CHECKING

from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.problem import Problem

if TYPE_CHECKING:
    from assetmix.optimization.measure import Measure


class CutDecision(Decision):
    """A decision in which each measure of a tail is a height, which whoever solves it keeps above by adding rows."""

    def state(self, measure: "Measure", problem: Problem, unit: float) -> Expression:
        """A variable in place of a measure of a tail; any other measure as it is."""
        if measure.tail(problem) is None:
            return super().state(measure, problem, unit)
        height = cp.Variable(name="height")
        self.heights.append((measure, unit, height))
        return height
