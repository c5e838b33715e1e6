"""A Decision holds the variables of one compiled problem and the parameters that feed it.

Numbers that differ between accounts (holdings, amounts of money) are parameters read from a
Problem, so that one compiled structure serves every account.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from assetmix.domain.arrays import Positions, Vector
from assetmix.optimization import atoms as cp
from assetmix.optimization.atoms import Expression, give
from assetmix.optimization.costs import relaxed_costs
from assetmix.optimization.problem import Problem

if TYPE_CHECKING:
    from assetmix.optimization.measure import Measure

Reader = Callable[[Problem], float | Vector]
Integers = Literal["continuous", "bounded", "fixed", "free"]
"""Indicators as variables between 0 and 1, or between given bounds, as given numbers, or as binary variables."""

PRESUMED = 10.0
"""Largest weight that an indicator reaches where no limit bounds the weights: ten times the value."""


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """A decision's numbers (n,), and indicators of those that may lie above and below 0."""

    values: Expression
    above: Expression
    below: Expression

    def some(self, members: Positions) -> "Sides":
        """Those of some instruments."""
        return Sides(self.values[members], self.above[members], self.below[members])


class Decision:
    """Weights after trading, and what follows from them.

    Variables that only some problems need (trades, indicators) are born on first use together
    with the linking rows that define them; linking rows are never relaxed. In a `relaxed`
    decision the cost of a trade is a variable between its convex and its concave envelope, so
    that its optimum bounds the true one. The envelopes, and the reach of indicators, are those
    of the box that hard limits leave single weights, unless the decision is `unboxed` because
    those limits themselves are in question. In an `overpaying` decision the balance may pay more
    for the trades than they cost: a convex relaxation, whose answer is one of the problem itself
    where nothing is gained by it.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        relaxed: bool = False,
        unboxed: bool = False,
        overpaying: bool = False,
        integers: Integers = "continuous",
    ) -> None:
        self.problem = problem
        self.relaxed = relaxed
        self.unboxed = unboxed
        self.overpaying = overpaying
        self.integers = integers
        self.heights: list[tuple[Measure, float, Expression]] = []
        """Measures that are stated by heights, each with its unit and its variable."""
        self._parameters: list[tuple[Expression, Reader]] = []
        self.linking: list[Expression] = []
        self.impact: tuple[Expression, Expression] | None = None
        """Sizes of the trades and what their impact costs, where a relaxed decision states both."""
        self.keyed: dict[str, Expression] = {}
        self.indicators: dict[str, Expression] = {}
        self.fixed: dict[str, Expression] = {}
        """What indicators are equal to, where they are fixed."""
        self.ends: dict[str, tuple[Expression, Expression]] = {}
        """Between what indicators lie, where they are bounded."""
        self.weights: Expression = cp.Variable(len(problem.universe), name="weights")

    def differs(self, problem: Problem) -> bool:
        """Whether any row stated so far is another one for another problem of the structure."""
        return any(not np.array_equal(one.value, np.asarray(read(problem))) for one, read in self._parameters)

    def parameter(self, read: Reader, *, nonnegative: bool = False) -> Expression:
        """Make a parameter whose value is read from each problem that is solved."""
        value = np.asarray(read(self.problem), dtype=np.float64)
        one = cp.Parameter(value.shape, nonneg=nonnegative, value=value)
        self._parameters.append((one, read))
        return one

    def link(self, row: Expression, key: str | None = None) -> None:
        """Add a linking row; its duals are kept for the first measure of the given key, the objective's."""
        self.linking.append(row)
        if key is not None:
            self.keyed.setdefault(key, row)

    def state(self, measure: "Measure", problem: Problem, unit: float) -> Expression:
        """State a measure of the weights in a unit."""
        return measure.expression(problem, self, unit)

    def set(self, problem: Problem) -> None:
        """Take every parameter's value from another problem of the same structure."""
        self.problem = problem
        for one, read in self._parameters:
            give(one, np.asarray(read(problem), dtype=np.float64))

    def fix(self, values: Mapping[str, Vector]) -> None:
        """Give the indicators their numbers, where these are fixed."""
        for name, one in self.fixed.items():
            give(one, np.round(values[name]))

    def bound(self, ends: Mapping[str, tuple[Vector, Vector]]) -> None:
        """Give the indicators the bounds between which they lie, where these are asked for."""
        for name, (lower, upper) in self.ends.items():
            give(lower, ends[name][0])
            give(upper, ends[name][1])

    def reach(self, bound: Vector) -> Vector:
        """A bound of the box as a number: what is presumed where there is none."""
        return np.where(np.isfinite(bound), np.maximum(bound, 0.0), PRESUMED)

    def box(self, problem: Problem) -> tuple[Vector, Vector]:
        """Lowest and highest weights (n,) that the decision presumes; may be infinite."""
        if not self.unboxed:
            return problem.box
        count = len(problem.universe)
        return np.full(count, -np.inf if problem.strategy.shorting else 0.0), np.full(count, np.inf)

    def room(self, problem: Problem) -> tuple[Vector, Vector]:
        """Most (n,) that can be bought and sold of each instrument inside the box; may be infinite."""
        lower, upper = self.box(problem)
        rooms = (upper - problem.current_weights, problem.current_weights - lower)
        return np.maximum(rooms[0], 0.0), np.maximum(rooms[1], 0.0)

    @cached_property
    def trades(self) -> Expression:
        """Change of weights; a variable with its linking row where a program's linear rows are kept short."""
        if not self._splits:
            return self._moved
        return self.weights - self._current

    @cached_property
    def sizes(self) -> Expression:
        """Absolute trades (n,), or more: buys and sells added up, which is never of use.

        Buys are what trades and sells add up to, and have no variables of their own.
        """
        if not self._splits:
            return cp.abs(self.trades)
        sells = cp.Variable(len(self.problem.universe), nonneg=True, name="sells")
        self.link(self._current - self.weights <= sells)
        return self.trades + 2.0 * sells

    @property
    def _splits(self) -> bool:
        return not self.relaxed and self.integers != "free"

    @cached_property
    def _current(self) -> Expression:
        return self.parameter(lambda problem: problem.current_weights)

    @cached_property
    def _moved(self) -> Expression:
        moved = cp.Variable(len(self.problem.universe), name="trades")
        self.link(self.weights == self._current + moved)
        return moved

    @cached_property
    def positions(self) -> Sides:
        """Weights with indicators of long and short positions; no indicator, no position."""
        long = self._indicator("long")
        short = self._indicator("short") if self.problem.strategy.shorting else np.zeros(len(self.problem.universe))
        self.link(self.weights <= cp.multiply(self.parameter(lambda one: self.reach(self.box(one)[1])), long))
        self.link(-self.weights <= cp.multiply(self.parameter(lambda one: self.reach(-self.box(one)[0])), short))
        self._link_sides(long, short)
        return Sides(self.weights, long, short)

    @property
    def held(self) -> Expression:
        """1 where an instrument is held at all; otherwise its weight is 0."""
        return self.positions.above + self.positions.below

    @cached_property
    def orders(self) -> Sides:
        """Trades with indicators of buys and sells; no indicator, no trade."""
        bought, sold = self._indicator("bought"), self._indicator("sold")
        buys = self.parameter(lambda one: self.reach(self.room(one)[0]))
        sells = self.parameter(lambda one: self.reach(self.room(one)[1]))
        self.link(self.trades <= cp.multiply(buys, bought))
        self.link(-self.trades <= cp.multiply(sells, sold))
        self._link_sides(bought, sold)
        return Sides(self.trades, bought, sold)

    @property
    def traded(self) -> Expression:
        """1 where an instrument is traded at all; otherwise its weight stays."""
        return self.orders.above + self.orders.below

    @cached_property
    def lots(self) -> Expression:
        """Lots (n,) of each instrument that are traded."""
        count = len(self.problem.universe)
        lots = cp.Variable(count, integer=self.integers == "free", name="lots")
        self.indicators["lots"] = lots
        if self.integers == "fixed":
            self._fix("lots", cp.Parameter(count, value=np.zeros(count)))
        return lots

    @cached_property
    def cost(self) -> Expression:
        """Cost of the trades, convex, and no more than an envelope of it where the decision is relaxed."""
        trading = self.problem.trading
        if trading.is_free:
            return cp.Constant(0.0)
        if self.relaxed:
            return cp.sum(relaxed_costs(self))
        fees = 0.0
        if trading.cost_amount > 0:
            fees = cp.multiply(self.parameter(lambda one: one.fee), self.traded)
        proportional = trading.cost_fraction * self.sizes
        both = cp.maximum(proportional, fees) if trading.combine == "max" else proportional + fees
        if trading.impact is None:
            return cp.sum(both)
        rates = self.parameter(lambda one: one.impact_rates, nonnegative=True)
        return cp.sum(both) + cp.sum(cp.multiply(rates, cp.power(self.sizes, 1.5)))

    @cached_property
    def slopes(self) -> Expression:
        """Slope (n,) of each trade's cost in the balance; see `assetmix.optimization.balance`."""
        return cp.Parameter(len(self.problem.universe), value=np.zeros(len(self.problem.universe)))

    @cached_property
    def provision(self) -> Expression:
        """Cost in the balance beyond the sloped part."""
        return cp.Parameter(value=0.0)

    @cached_property
    def impact_slopes(self) -> Expression:
        """Slopes (n,) of tangents of the impact at chosen trades; see `assetmix.optimization.costs`."""
        return cp.Parameter(len(self.problem.universe), nonneg=True, value=np.zeros(len(self.problem.universe)))

    @cached_property
    def impact_heights(self) -> Expression:
        """What those tangents lie below the origin (n,)."""
        return cp.Parameter(len(self.problem.universe), nonneg=True, value=np.zeros(len(self.problem.universe)))

    @cached_property
    def cash(self) -> Expression:
        """Cash after trading and costs; affine."""
        uninvested = 1.0 - cp.sum(self.weights)
        if self.problem.trading.is_free:
            return uninvested
        if self.relaxed:
            return uninvested - self.cost
        if self.overpaying:
            return uninvested - self._paid
        trades = self.orders.values if self._pays_fees else self._moved  # no indicator, no trade, no fee
        return uninvested - self.slopes @ trades - self.provision

    @cached_property
    def _paid(self) -> Expression:
        paid = cp.Variable(nonneg=True, name="paid")
        self.link(self.cost <= paid)
        return paid

    @property
    def _pays_fees(self) -> bool:
        return self.integers == "fixed" and self.problem.trading.cost_amount > 0

    def _indicator(self, name: str) -> Expression:
        count = len(self.problem.universe)
        is_free = self.integers == "free"
        one = cp.Variable(count, boolean=True, name=name) if is_free else cp.Variable(count, nonneg=True, name=name)
        self.indicators[name] = one
        if self.integers == "fixed":
            self._fix(name, cp.Parameter(count, nonneg=True, value=np.ones(count)))
        elif self.integers == "bounded":
            lower, upper = (
                cp.Parameter(count, nonneg=True, value=value) for value in (np.zeros(count), np.ones(count))
            )
            self.ends[name] = (lower, upper)
            self.linking.extend([one >= lower, one <= upper])
        elif not is_free:
            self.link(one <= 1.0)
        return one

    def _fix(self, name: str, given: Expression) -> None:
        """Variables all the same: numbers of accounts are parameters, and the product of two would not compile once."""
        self.fixed[name] = given
        self.link(self.indicators[name] == given)

    def _link_sides(self, one: Expression, other: Expression) -> None:
        if self.integers != "fixed":
            self.link(one + other <= 1.0)
