"""The walk through the sessions: decide, trade, hold; a generator, so that nothing has to be kept."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from assetmix.backtest.account import Account, Fees, paid_out, trade
from assetmix.backtest.adviser import Advice
from assetmix.backtest.market import Market
from assetmix.backtest.result import Rebalance, Status
from assetmix.backtest.schedule import Sessions, planned
from assetmix.backtest.spec import BacktestSpec
from assetmix.domain.arrays import Vector
from assetmix.optimization.strategy import Trading

Advise = Callable[[int, Account], Advice]
"""Decides at the close of a session what is to be held."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Everything that a walk goes by but the decisions: prices, rules, and ids (m,)."""

    market: Market
    spec: BacktestSpec
    trading: Trading
    ids: tuple[str, ...]

    @property
    def delay(self) -> int:
        """Sessions between a decision and its execution."""
        return 0 if self.spec.execution == "same_close" else 1


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where a walk stands: a session, the account at its close, and the session that was decided at last.

    `wanted` (m,) are the weights that were decided last; None as long as there are none.
    """

    place: int
    account: Account
    decided: int = -1
    wanted: Vector | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """A decision, the values (k,) of the sessions since the last one was executed, and where the walk then stands."""

    rebalance: Rebalance | None
    values: Vector
    standing: Standing


def walk(course: Course, advise: Advise, start: Standing) -> Iterator[Stretch]:
    """Go from where a walk stands to the last session; values are those after `start.place`.

    Decisions that could not be executed any more are not made.
    """
    standing, last = start, course.market.last
    places = planned(course.spec.schedule, course.market.days[course.market.first :]) + course.market.first
    while (decided := _next(course, standing, places)) is not None and decided <= last - course.delay:
        held, before = _held(course, standing, decided)
        stretch = _carried_out(course, replace(held, decided=decided), advise(decided, held.account))
        yield replace(stretch, values=np.concatenate([before, stretch.values]))
        standing = stretch.standing
    held, values = _held(course, standing, last)
    if len(values):
        yield Stretch(None, values, held)


def _next(course: Course, standing: Standing, places: Sessions) -> int | None:
    """The session to decide at next, None where there is none."""
    if course.spec.schedule.kind == "drift" and standing.decided >= 0:
        return _drifted(course, standing)
    place = int(np.searchsorted(places, standing.decided, side="right"))
    return int(places[place]) if place < len(places) else None


def _drifted(course: Course, standing: Standing) -> int | None:
    """The first session at whose close a weight is further than the band from what was decided."""
    market, band = course.market, course.spec.schedule.band or 0.0
    if standing.wanted is None:
        return standing.place + 1
    units, cash = standing.account.units, standing.account.cash
    later = slice(standing.place + 1, market.last + 1)
    worth = market.known[later] * units
    path = worth.sum(axis=1) + market.cash_path(cash, units, standing.place, market.last)
    far = (np.abs(worth / path[:, None] - standing.wanted) > band).any(axis=1)
    return standing.place + 1 + int(np.argmax(far)) if far.any() else None


def _held(course: Course, standing: Standing, place: int) -> tuple[Standing, Vector]:
    """Hold until the close of a session; the values of the sessions after the one where the walk stands."""
    market, account = course.market, standing.account
    if place <= standing.place:
        return standing, np.zeros(0)
    cash = market.cash_path(account.cash, account.units, standing.place, place)
    values = market.known[standing.place + 1 : place + 1] @ account.units + cash
    return replace(standing, place=place, account=Account(account.units, float(cash[-1]))), np.asarray(values)


def _carried_out(course: Course, standing: Standing, advice: Advice) -> Stretch:
    """Execute a decision; what is gone for good is paid out on the way."""
    market, decided = course.market, standing.decided
    executed = decided + course.delay
    held, values = _held(course, standing, executed)
    prices, age = market.known[executed], market.age[executed]
    account = paid_out(held.account, prices, age >= course.spec.delisted_after)
    if advice.target is None:
        return Stretch(_told(course, decided, None, "kept", advice.sentence), values, replace(held, account=account))
    fees = Fees(course.trading, advice.impact, course.spec.size_band)
    done = trade(account, advice.target, prices, (age == 0) & (prices > 0), fees)
    sizes = float(np.abs(done.trades).sum())
    rebalance = replace(
        _told(course, decided, executed, "traded" if sizes else "unchanged", ""),
        turnover=sizes,
        cost=done.cost,
        weights=_named(course.ids, done.account.weights(prices)),
        trades=_named(course.ids, done.account.units - account.units),
    )
    if course.delay:
        values = np.concatenate([values[:-1], [done.account.value(prices)]])
    return Stretch(rebalance, values, Standing(executed, done.account, decided, advice.target.weights))


def _told(course: Course, decided: int, executed: int | None, status: Status, sentence: str) -> Rebalance:
    days = course.market.days
    return Rebalance(
        decided=dt.date.fromordinal(int(days[decided])),
        executed=None if executed is None else dt.date.fromordinal(int(days[executed])),
        status=status,
        sentence=sentence,
    )


def _named(ids: tuple[str, ...], values: Vector) -> dict[str, float]:
    return {ids[i]: float(values[i]) for i in np.flatnonzero(values)}
