"""A Decision holds the variables of one compiled problem and the parameters that feed it.

Numbers that differ between accounts (holdings, amounts of money) are parameters read from a
Problem, so that one compiled structure serves every account.
"""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression
from assetmix.optimization.problem import Problem

Reader = Callable[[Problem], float | Vector]


class Decision:
    """Weights after trading, and what follows from them.

    Variables that only some problems need (trades) are born on first use together with the
    linking rows that define them; linking rows are never relaxed. A `relaxed` decision allows
    money to be burned in trading to and fro: its optimum bounds the true one.
    """

    def __init__(self, problem: Problem, *, relaxed: bool = False) -> None:
        self._problem = problem
        self._relaxed = relaxed
        self._parameters: list[tuple[Expression, Reader]] = []
        self.linking: list[Expression] = []
        self.keyed: dict[str, Expression] = {}
        self.weights: Expression = cp.Variable(len(problem.universe), name="weights")

    def parameter(self, read: Reader, *, nonnegative: bool = False) -> Expression:
        """Make a parameter whose value is read from each problem that is solved."""
        value = np.asarray(read(self._problem), dtype=np.float64)
        one = cp.Parameter(value.shape, nonneg=nonnegative, value=value)
        self._parameters.append((one, read))
        return one

    def link(self, row: Expression, key: str | None = None) -> None:
        """Add a linking row; its duals are kept for the first measure of the given key, the objective's."""
        self.linking.append(row)
        if key is not None:
            self.keyed.setdefault(key, row)

    def set(self, problem: Problem) -> None:
        """Take every parameter's value from another problem of the same structure."""
        for one, read in self._parameters:
            one.value = np.asarray(read(problem), dtype=np.float64)

    @cached_property
    def trades(self) -> Expression:
        """Change of weights, with its linking row."""
        trades = cp.Variable(len(self._problem.universe), name="trades")
        current = self.parameter(lambda problem: problem.current_weights)
        self.link(self.weights == current + trades)
        return trades

    @cached_property
    def cost(self) -> Expression:
        """Proportional cost of the trades, convex; for use in objective and bounds."""
        rate = self._problem.trading.cost_fraction
        return 0.0 if rate == 0 else rate * cp.norm1(self.trades)

    @cached_property
    def slopes(self) -> Expression:
        """Slope (n,) of each trade's cost in the balance; see `assetmix.optimization.balance`."""
        return cp.Parameter(len(self._problem.universe), value=np.zeros(len(self._problem.universe)))

    @cached_property
    def provision(self) -> Expression:
        """Cost in the balance beyond the sloped part."""
        return cp.Parameter(value=0.0)

    @property
    def balances_exactly(self) -> bool:
        """Whether floor and ceiling of the cash are one affine expression."""
        return not self._relaxed or self._problem.trading.cost_fraction == 0

    @cached_property
    def cash_floor(self) -> Expression:
        """Cash after trading and costs, for lower bounds; concave."""
        uninvested = 1.0 - cp.sum(self.weights)
        if self._problem.trading.cost_fraction == 0:
            return uninvested
        if self._relaxed:
            return uninvested - self.cost
        return uninvested - self.slopes @ self.trades - self.provision

    @cached_property
    def cash_ceiling(self) -> Expression:
        """Cash after trading and costs, for upper bounds; affine.

        Relaxed, it allows for the largest cost there can be: all that is held sold, and the whole
        value bought, borrowed money included. None where short sales or debts are without limit.
        """
        if self.balances_exactly:
            return self.cash_floor
        if self._problem.strategy.shorting or not np.isfinite(self._problem.cash_floor()):
            return None
        rate = self._problem.trading.cost_fraction
        largest = self.parameter(lambda problem: rate * largest_turnover(problem))
        return 1.0 - cp.sum(self.weights) - largest


def largest_turnover(problem: Problem) -> float:
    """Most that can be traded without short sales: everything sold, everything bought."""
    bought = 1.0 + max(0.0, -problem.cash_floor())
    return bought + float(np.abs(problem.current_weights).sum())
