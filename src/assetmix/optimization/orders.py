"""Orders for the trades that were chosen, sells before buys, each with its cost and its reason."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from assetmix.domain.arrays import Positions, Vector
from assetmix.domain.order import Order, Skipped
from assetmix.optimization.drivers import drivers
from assetmix.optimization.limit import percent
from assetmix.optimization.lots.ledger import cash_after
from assetmix.optimization.problem import Problem
from assetmix.optimization.rounding import rounded_trades
from assetmix.optimization.solution import Solution
from assetmix.optimization.tolerances import DIGITS, HELD


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Orders, trades left out, and where the orders lead: units (n,) and money."""

    orders: tuple[Order, ...]
    skipped: tuple[Skipped, ...]
    quantities: Vector
    cash: float


def plan(problem: Problem, solution: Solution) -> Plan:
    """Turn the continuous optimum into orders in whole lots or steps with exact cash."""
    units = rounded_trades(problem, solution.weights, solution.cash)
    return plan_of(problem, units, solution.weights)


def plan_of(problem: Problem, units: Vector, target: Vector) -> Plan:
    """Write orders for trades (n,) of units; `target` (n,) weights say what was wanted."""
    return Plan(
        orders=tuple(sorted(_orders(problem, units), key=lambda order: (order.side == "buy", order.instrument))),
        skipped=tuple(_skipped(problem, units, target)),
        quantities=np.round(problem.quantities + units, DIGITS),
        cash=float(cash_after(problem, units)),
    )


def _orders(problem: Problem, units: Vector) -> Iterator[Order]:
    traded = units.nonzero()[0]
    after = (problem.quantities + units) * problem.prices / problem.value
    causes = drivers(problem, after, traded)
    costs = problem.order_costs(units * problem.prices)[traded].tolist()
    prices, changes = problem.prices[traded].tolist(), _changes(problem, after, traded)
    days = [0] * len(traded) if problem.priced_on is None else problem.priced_on[traded].tolist()
    for place, position in enumerate(traded.tolist()):
        yield Order(
            instrument=problem.universe.ids[position],
            side="buy" if units[position] > 0 else "sell",
            quantity=abs(float(units[position])),
            price=prices[place],
            cost=costs[place],
            reason=f"{changes[place]}; {causes[place]}",
            priced_on=dt.date.fromordinal(days[place]) if days[place] else None,
        )


def _changes(problem: Problem, after: Vector, traded: Positions) -> list[str]:
    """What each trade (k,) does to the weight of its instrument."""
    before, later = np.round(problem.current_weights[traded], 4).tolist(), np.round(after[traded], 4).tolist()
    closes = (after[traded] == 0).tolist()
    return [
        "the best portfolio does not hold it; the whole position is closed"
        if closed
        else f"brings its weight from {percent(start)} to {percent(end)}"
        for start, end, closed in zip(before, later, closes, strict=True)
    ]


def _skipped(problem: Problem, units: Vector, target: Vector) -> Iterator[Skipped]:
    amounts = np.abs(target - problem.current_weights) * problem.value
    for position in np.flatnonzero((units == 0) & (amounts > HELD * problem.value)):
        reason = _why_skipped(problem, int(position), float(amounts[position]), float(target[position]))
        yield Skipped(instrument=problem.universe.ids[position], reason=reason)


def _why_skipped(problem: Problem, position: int, amount: float, target: float) -> str:
    least, band = problem.trading.min_order_amount, problem.trading.size_band
    if band and amount <= band * abs(target) * problem.value:
        away = percent(round(amount / problem.value / abs(target), 4))
        return f"its size is {away} away from its target, inside the band of {percent(band)}"
    if amount < least:
        return f"an order of {amount:.2f} would be below the minimum order of {least:.2f}"
    step = float(problem.steps[position])
    price = float(problem.prices[position])
    return (
        f"the trade of {amount:.2f} is less than one step of {step:g} units at {price:.2f}, or cash does not allow it"
    )
