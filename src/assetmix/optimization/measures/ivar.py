"""Average shortfall of the portfolio below its running maximum, over windows of a horizon."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.decision import Decision
from assetmix.optimization.drawdown import path_returns, priced, require_horizon, state_windows, tangent_of
from assetmix.optimization.measure import CONVEX, Measure, Needs, Tangent, measure
from assetmix.optimization.paths import carried, compounded_mean_shortfall, drawdowns, mean_shortfall, rows_of, windows
from assetmix.optimization.problem import Problem


@measure("ivar")
@dataclass(frozen=True, slots=True, kw_only=True)
class InvestorValueAtRisk(Measure):
    """Average shortfall of the path below its running maximum: what an investor is short of, and for how long.

    Our own definition. Without `horizon` the path is the whole history, and the figure is the
    average drawdown. With a `horizon` of so many rows it is the mean over all runs of that many
    consecutive rows, each of them a path that starts anew at 0: the shortfall of somebody who
    invests on any day and stays for the horizon. A path that never falls has 0. Returns are summed
    up, rows in time order; the compounded figure is reported beside it.
    """

    roles = CONVEX
    bounded_below = True
    homogeneous = True
    needs = frozenset({Needs.SCENARIOS})
    kind: Literal["ivar"] = "ivar"
    horizon: int | None = None

    def faults(self) -> tuple[Fault, ...]:
        """Refuse a horizon below one row."""
        if self.horizon is None or self.horizon >= 1:
            return ()
        return (Fault("/horizon", "out-of-range", "horizon is a number of rows, at least 1, for example 252"),)

    def expression(self, problem: Problem, decision: Decision, unit: float) -> Expression:
        """State the mean drawdown over all rows of all windows."""
        falls = state_windows(problem, decision, unit, (self._rows(problem), self.key))
        return cp.sum(falls) / falls.size

    def value(self, problem: Problem, weights: Vector) -> Vector:
        """Compute the mean drawdown over all rows of all windows."""
        return mean_shortfall(path_returns(problem, weights), self._rows(problem))

    def companions(self, problem: Problem, weights: Vector) -> Mapping[str, float]:
        """Give the same figure of compounded paths, as a fraction of their peaks."""
        shortfall = compounded_mean_shortfall(path_returns(problem, weights), self._rows(problem))
        return {f"{self.key}_compounded": float(shortfall)}

    def tangent(self, problem: Problem, weights: Vector, prices: Vector | None) -> Tangent:
        """Losses from each peak to each trough; where a trough touches a peak, as the solver's duals say."""
        falls = drawdowns(windows(path_returns(problem, weights), self._rows(problem)))
        counts = [carried(falls, np.full(falls.shape, 1.0 / falls.size))]
        counts += [] if prices is None else priced(prices.reshape(falls.T.shape).T, _gauge)
        return tangent_of(problem, weights, [rows_of(one, len(problem.scenarios())) for one in counts])

    def _rows(self, problem: Problem) -> int:
        return require_horizon(problem, self.horizon)


def _gauge(shares: Vector) -> float:
    return float(shares.max() * shares.size)
