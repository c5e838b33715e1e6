"""Whether limits can hold together, by a mixed-integer linear program of its own for HiGHS in scipy.

Written from the fields that a caller declares, with none of the core's expressions: weights are
present ones + bought - sold = long - short, with a binary for each of the four.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from assetmix.optimization.constraint import Constraint
from assetmix.optimization.problem import Problem
from assetmix.optimization.resolve import Question
from tests.reference.loosening import NearLots, problem_of

LARGEST = 8.0
"""No weight and no trade of the cases is larger."""
SMALLEST = 1e-5
"""Smallest position that counts where holdings are asked for, as the core states it."""
PARTS = ("bought", "sold", "long", "short", "lots", "is_bought", "is_sold", "is_long", "is_short")
INF = np.inf


class NotLinearError(Exception):
    """A limit that no linear program can state."""


@dataclass
class Rows:
    """Rows lower <= A x <= upper over the parts of the variables, one block of n columns a part."""

    count: int
    stated: list[tuple[np.ndarray, float, float]] = field(default_factory=list)

    def add(self, parts: dict[str, np.ndarray], lower: float = -INF, upper: float = INF) -> None:
        """One row from coefficients (n,) of some parts."""
        row = np.zeros(len(PARTS) * self.count)
        for name, coefficients in parts.items():
            place = PARTS.index(name) * self.count
            row[place : place + self.count] = coefficients
        self.stated.append((row, lower, upper))


def is_feasible(question: Question) -> bool:
    """Whether some weights keep every limit of a question.

    Raises
    ------
    NotLinearError
        where a limit is curved
    """
    problem = problem_of(question)
    count = len(problem.universe)
    rows = Rows(count)
    _frame(problem, rows)
    for one in question.strategy.constraints:
        _state(problem, one, rows)
    matrix = np.array([row for row, _, _ in rows.stated])
    ends = np.array([(lower, upper) for _, lower, upper in rows.stated])
    largest = np.repeat([LARGEST] * 4 + [1e4] + [1.0] * 4, count)
    least = np.repeat([0.0] * 4 + [-1e4] + [0.0] * 4, count)
    found = milp(
        np.zeros(len(largest)),
        constraints=LinearConstraint(matrix, ends[:, 0], ends[:, 1]),
        integrality=np.repeat([0] * 4 + [1] * 5, count),
        bounds=Bounds(least, largest),
    )
    assert found.status in {0, 2}, found.message
    return found.status == 0


def weights_of(coefficients: np.ndarray) -> dict[str, np.ndarray]:
    """A linear function of the weights."""
    return {"long": coefficients, "short": -coefficients}


def _frame(problem: Problem, rows: Rows) -> None:
    one, current = np.eye(rows.count), problem.current_weights
    for i in range(rows.count):
        rows.add({**weights_of(one[i]), "bought": -one[i], "sold": one[i]}, current[i], current[i])
        for part, binary in zip(PARTS[:4], PARTS[5:], strict=True):
            rows.add({part: one[i], binary: -LARGEST * one[i]}, upper=0.0)
        rows.add({"is_bought": one[i], "is_sold": one[i]}, upper=1.0)
        rows.add({"is_long": one[i], "is_short": one[i]}, upper=1.0)
        _forbidden(problem, rows, i)
    least = problem.trading.min_order_amount / problem.value
    _gap(rows, np.ones(rows.count), (least, INF), ("bought", "sold"))
    if not any(each.kind in {"cash", "market_neutral"} for each in problem.strategy.constraints):
        _cash(problem, rows, 0.0, 0.0)


def _forbidden(problem: Problem, rows: Rows, i: int) -> None:
    """Shorts where shorting is off, trades of what cannot be traded, holdings outside the universe."""
    one = np.eye(rows.count)[i]
    if not problem.strategy.shorting:
        rows.add({"short": one}, upper=0.0)
    if not problem.instruments[i].tradable:
        rows.add({"bought": one, "sold": one}, upper=0.0)
    elif not problem.allowed[i]:
        rows.add(weights_of(one), 0.0, 0.0)


def _cash(problem: Problem, rows: Rows, lower: float, upper: float) -> None:
    """1 - weights - costs; fees are added to what is in proportion."""
    trading, ones = problem.trading, np.ones(rows.count)
    if trading.impact is not None or (trading.combine == "max" and trading.cost_amount and trading.cost_fraction):
        raise NotLinearError
    rate, fee = trading.cost_fraction * ones, problem.fee * ones
    spent = {"bought": rate, "sold": rate, "is_bought": fee, "is_sold": fee}
    rows.add({**weights_of(ones), **spent}, 1.0 - upper, 1.0 - lower)


def _gap(rows: Rows, inside: np.ndarray, ends: tuple[float, float], parts: tuple[str, str]) -> None:
    for i in np.flatnonzero(inside):
        one = np.eye(rows.count)[i]
        for part in parts:
            rows.add({part: one, f"is_{part}": -ends[0] * one}, lower=0.0)
            if np.isfinite(ends[1]):
                rows.add({part: one}, upper=ends[1])


def _state(problem: Problem, one: Constraint, rows: Rows) -> None:
    """The rows of one declared constraint."""
    STATED[one.kind](problem, one, rows)


def _ends(one: Constraint) -> tuple[float, float]:
    return (-INF if one.lower is None else one.lower, INF if one.upper is None else one.upper)


def _band(one: Constraint, value: float) -> tuple[float, float]:
    lows = [-INF, one.lower_fraction, None if one.lower_amount is None else one.lower_amount / value]
    highs = [INF, one.upper_fraction, None if one.upper_amount is None else one.upper_amount / value]
    return max(end for end in lows if end is not None), min(end for end in highs if end is not None)


def _each(problem: Problem, one: Constraint) -> Iterator[tuple[int, np.ndarray]]:
    for i in problem.members(one.scope):
        yield i, np.eye(len(problem.universe))[i]


def _weight_bounds(problem: Problem, one: Constraint, rows: Rows) -> None:
    for _, unit in _each(problem, one):
        rows.add(weights_of(unit), *_ends(one))


def _group_weight(problem: Problem, one: Constraint, rows: Rows) -> None:
    top = problem.membership(one.scope)
    if one.within is None:
        rows.add(weights_of(top), *_ends(one))
    else:
        _ratio(rows, top, problem.membership(one.within), _ends(one))


def _ratio(rows: Rows, top: np.ndarray, bottom: np.ndarray, ends: tuple[float, float]) -> None:
    if np.isfinite(ends[0]):
        rows.add(weights_of(top - ends[0] * bottom), lower=0.0)
    if np.isfinite(ends[1]):
        rows.add(weights_of(top - ends[1] * bottom), upper=0.0)


def _attribute_average(problem: Problem, one: Constraint, rows: Rows) -> None:
    top = problem.attribute(one.attribute)
    _ratio(rows, top, np.ones_like(top), _ends(one))


def _measure_limit(problem: Problem, one: Constraint, rows: Rows) -> None:
    kind = one.measure.kind
    if kind == "expected_return":
        rows.add(weights_of(problem.expected_returns()), *_ends(one))
    elif kind == "attribute_average":
        top = problem.attribute(one.measure.attribute)
        _ratio(rows, top, np.ones_like(top), _ends(one))
    elif kind == "group_weight" and one.measure.within is not None:
        measure = one.measure
        _ratio(rows, problem.membership(measure.scope), problem.membership(measure.within), _ends(one))
    else:
        raise NotLinearError


def _hold_exactly(problem: Problem, one: Constraint, rows: Rows) -> None:
    for i, key in enumerate(problem.universe.ids):
        weight = one.weights.get(key, 0.0)
        rows.add(weights_of(np.eye(rows.count)[i]), weight, weight)


def _leverage(problem: Problem, one: Constraint, rows: Rows) -> None:
    ones = np.ones(rows.count)
    if one.gross_upper is not None:
        rows.add({"long": ones, "short": ones}, upper=one.gross_upper)
    lower = -INF if one.net_lower is None else one.net_lower
    rows.add(weights_of(ones), lower, INF if one.net_upper is None else one.net_upper)


def _count(parts: tuple[str, str], sign: int) -> object:
    def state(problem: Problem, one: Constraint, rows: Rows) -> None:
        inside = np.zeros(rows.count)
        inside[problem.members(one.scope)] = 1.0
        counted = {f"is_{part}": inside for part in parts}
        if sign > 0:
            rows.add(counted, upper=one.count)
            return
        rows.add(counted, lower=one.count)
        _gap(rows, np.ones(rows.count), (SMALLEST, INF), parts)

    return state


def _banded(parts: tuple[str, str]) -> object:
    def state(problem: Problem, one: Constraint, rows: Rows) -> None:
        inside = np.zeros(rows.count)
        inside[problem.members(one.scope)] = 1.0
        lower, upper = _band(one, problem.value)
        _gap(rows, inside, (max(lower, 0.0), upper), parts)

    return state


def _trade(bought: float, sold: float) -> object:
    def state(problem: Problem, one: Constraint, rows: Rows) -> None:
        for _, unit in _each(problem, one):
            rows.add({"bought": bought * unit, "sold": sold * unit}, upper=0.0)

    return state


def _must_sell(problem: Problem, one: Constraint, rows: Rows) -> None:
    for _, unit in _each(problem, one):
        rows.add(weights_of(unit), 0.0, 0.0)


def _turnover(problem: Problem, one: Constraint, rows: Rows) -> None:
    ones = np.ones(rows.count)
    rows.add({"bought": ones, "sold": ones}, upper=one.upper)


def _participation(problem: Problem, one: Constraint, rows: Rows) -> None:
    money = problem.tables["volume"][-one.window :] * problem.tables["close"][-one.window :]
    for i, volume in enumerate(money.mean(axis=0)):
        unit = np.eye(rows.count)[i]
        rows.add({"bought": unit, "sold": unit}, upper=one.upper * volume / problem.value)


def _round_lots(problem: Problem, one: Constraint, rows: Rows) -> None:
    by = one.by if isinstance(one, NearLots) else 0.0
    for i, unit in _each(problem, one):
        lot = problem.instruments[i].step * problem.prices[i] / problem.value
        rows.add({"bought": unit, "sold": -unit, "lots": -lot * unit}, -by, by)


def _market_neutral(problem: Problem, one: Constraint, rows: Rows) -> None:
    rows.add(weights_of(np.ones(rows.count)), 0.0, 0.0)


def _curved(problem: Problem, one: Constraint, rows: Rows) -> None:
    raise NotLinearError


def _trade_bounds(problem: Problem, one: Constraint, rows: Rows) -> None:
    for _, unit in _each(problem, one):
        rows.add({"bought": unit, "sold": -unit}, *_ends(one))


STATED = {
    "weight_bounds": _weight_bounds,
    "group_weight": _group_weight,
    "group_value": lambda problem, one, rows: rows.add(
        weights_of(problem.value * problem.membership(one.scope)),
        -INF if one.lower_amount is None else one.lower_amount,
        INF if one.upper_amount is None else one.upper_amount,
    ),
    "group_trade": lambda problem, one, rows: rows.add(
        {"bought": problem.membership(one.scope), "sold": -problem.membership(one.scope)}, *_ends(one)
    ),
    "group_volatility": _curved,
    "trade_bounds": _trade_bounds,
    "group_difference": lambda problem, one, rows: rows.add(
        weights_of(problem.membership(one.scope) - problem.membership(one.minus)), *_ends(one)
    ),
    "attribute_average": _attribute_average,
    "measure_limit": _measure_limit,
    "cash": lambda problem, one, rows: _cash(problem, rows, *_band(one, problem.value)),
    "hold_exactly": _hold_exactly,
    "leverage": _leverage,
    "market_neutral": _market_neutral,
    "max_holdings": _count(("long", "short"), 1),
    "min_holdings": _count(("long", "short"), -1),
    "max_trades": _count(("bought", "sold"), 1),
    "must_sell": _must_sell,
    "no_buy": _trade(1.0, 0.0),
    "no_sell": _trade(0.0, 1.0),
    "no_trade": _trade(1.0, 1.0),
    "order_band": _banded(("bought", "sold")),
    "position_band": _banded(("long", "short")),
    "participation": _participation,
    "round_lots": _round_lots,
    "turnover": _turnover,
}
