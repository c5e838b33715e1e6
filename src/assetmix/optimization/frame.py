"""Constraints that hold for every strategy unless it says otherwise."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Positions, Vector
from assetmix.optimization.constraint import Constraint, Outcome
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.decision import Decision
from assetmix.optimization.gaps import Gap, gap_limits
from assetmix.optimization.limit import Band, Limit, Row
from assetmix.optimization.planes import Planes, each
from assetmix.optimization.problem import Problem
from assetmix.optimization.strategy import Strategy, UniverseById


@dataclass(frozen=True, slots=True, kw_only=True)
class LongOnly(Constraint):
    """No short positions, unless the strategy says `"shorting": true`."""

    kind: Literal["long_only"] = "long_only"

    def rows(self, problem: Problem) -> tuple[Row, ...]:
        """One row an instrument."""
        claim = "is not negative (shorting is off)"
        return problem.once(
            ("rows", claim),
            lambda: tuple(Row(f"holdings.position.{key}", f"weight of {key} {claim}") for key in problem.universe.ids),
        )

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:  # noqa: ARG002 - all weights
        """State w >= 0."""
        yield Limit(-decision.weights, "<=", 0.0, "no short positions (shorting is off)")

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:  # noqa: ARG002 - all weights
        """Size of each short position."""
        return np.maximum(-outcome.weights, 0.0)

    def planes(self, problem: Problem) -> Planes:
        """Every weight."""
        count = len(problem.universe)
        return each(np.arange(count), count, Band(0.0, None))

    def box(self, problem: Problem) -> tuple[Vector | float, Vector | float]:  # noqa: ARG002 - all weights
        """Nothing below 0."""
        return 0.0, np.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class InsideUniverse(Constraint):
    """Tradable holdings outside the strategy's universe are sold, or not bought where they may be kept."""

    kind: Literal["inside_universe"] = "inside_universe"

    def rows(self, problem: Problem) -> tuple[Row, ...]:
        """One row an instrument outside."""
        ids, fate = problem.universe.ids, "not bought" if may_stay(problem) else "sold"
        return tuple(
            Row(f"holdings.position.{ids[i]}", f"{ids[i]} is outside the strategy's universe and is {fate}")
            for i in outside(problem)
        )

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State w = 0 outside, or z <= 0 where it may be kept."""
        members = outside(problem)
        if len(members) and may_stay(problem):
            label = "what is outside the strategy's universe is not bought"
            yield Limit(decision.trades[members], "<=", 0.0, label)
        elif len(members):
            yield Limit(decision.weights[members], "==", 0.0, "what is outside the strategy's universe is sold")

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Weight still held outside, or bought there."""
        members = outside(problem)
        weights = outcome.weights[..., members]
        if may_stay(problem):
            return np.maximum(weights - problem.current_weights[members], 0.0)
        return np.asarray(np.abs(weights))

    def box(self, problem: Problem) -> tuple[Vector | float, Vector | float]:
        """Nothing but 0 outside, or no more than what is held."""
        shut = np.zeros(len(problem.universe))
        shut[outside(problem)] = 1.0
        if may_stay(problem):
            return -np.inf, np.where(shut > 0, problem.current_weights, np.inf)
        return np.where(shut > 0, 0.0, -np.inf), np.where(shut > 0, 0.0, np.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTradable(Constraint):
    """What cannot be traded stays as it is."""

    kind: Literal["not_tradable"] = "not_tradable"

    def rows(self, problem: Problem) -> tuple[Row, ...]:
        """One row an instrument that cannot be traded."""
        ids = problem.universe.ids
        return tuple(
            Row(f"holdings.position.{ids[i]}", f"{ids[i]} cannot be traded and stays as it is")
            for i in untradable(problem)
        )

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State w = w0."""
        members = untradable(problem)
        if len(members):
            current = decision.parameter(lambda later: later.current_weights[untradable(later)])
            yield Limit(decision.weights[members], "==", current, "what cannot be traded stays as it is")

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """Size of trades in what cannot be traded."""
        members = untradable(problem)
        return np.asarray(np.abs(outcome.weights[..., members] - problem.current_weights[members]))

    def box(self, problem: Problem) -> tuple[Vector | float, Vector | float]:
        """Nothing but what is held now."""
        fixed = problem.tradable == 0
        current = problem.current_weights
        return np.where(fixed, current, -np.inf), np.where(fixed, current, np.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimumOrder(Constraint):
    """Orders below the minimum amount are not made: a trade is 0 or at least so much."""

    shown = "number"
    kind: Literal["minimum_order"] = "minimum_order"

    def is_integer(self, problem: Problem) -> bool:  # noqa: ARG002 - always
        """A trade is 0 or not."""
        return True

    def rows(self, problem: Problem) -> tuple[Row, ...]:
        """A row to buy and a row to sell for each instrument."""
        names = [(f"orders.{key}", f"an order of {key}") for key in problem.universe.ids]
        return _least_order(problem).rows(names, ("to buy", "to sell"), (self._amount(problem), ""))

    def limits(self, problem: Problem, decision: Decision) -> Iterator[Limit]:
        """State |z| >= least where an instrument is traded."""
        label = f"every order is 0 or at least {self._amount(problem)}"
        yield from gap_limits(decision, decision.orders, _least_order, (label, ""))

    def breach(self, problem: Problem, outcome: Outcome) -> Vector:
        """What each order lacks."""
        return _least_order(problem).breach(outcome.weights - problem.current_weights)

    def smallest(self, problem: Problem) -> tuple[Vector | float, Vector | float]:
        """The minimum order."""
        return _least_order(problem).lower or 0.0, 0.0

    def price_unit(self, problem: Problem, weights: Vector) -> float:  # noqa: ARG002 - rows are fractions of value
        """One unit of money is so much of value."""
        return 1.0 / problem.value

    @staticmethod
    def _amount(problem: Problem) -> str:
        return f"{problem.trading.min_order_amount:.2f}"


def _least_order(problem: Problem) -> Gap:
    return Gap(problem.trading.min_order_amount / problem.value, None)


FULLY_INVESTED = Cash(name="fully invested", lower_fraction=0.0, upper_fraction=0.0)
"""What holds where a strategy says nothing of cash; what whole lots leave over is not a breach."""


def frame(strategy: Strategy) -> tuple[Constraint, ...]:
    """Constraints that hold beside the declared ones."""
    long_only = () if strategy.shorting else (LongOnly(),)
    orders = (MinimumOrder(),) if strategy.trading.min_order_amount > 0 else ()
    return (*long_only, InsideUniverse(), NotTradable(), *orders, *_cash(strategy))


def _cash(strategy: Strategy) -> tuple[Constraint, ...]:
    """Cash is 0 unless a band is declared; a market neutral portfolio leaves it free."""
    declared = any(isinstance(one, Cash) or one.kind == "market_neutral" for one in strategy.constraints)
    return () if declared else (FULLY_INVESTED,)


def outside(problem: Problem) -> Positions:
    """Positions of instruments that may be traded but not held."""
    return np.flatnonzero((problem.allowed == 0) & (problem.tradable == 1))


def may_stay(problem: Problem) -> bool:
    """Whether what is held outside the strategy's universe may be kept."""
    universe = problem.strategy.universe
    return isinstance(universe, UniverseById) and universe.keep_held


def untradable(problem: Problem) -> Positions:
    """Positions of instruments that may not be traded."""
    return np.flatnonzero(problem.tradable == 0)
