"""The walk through the sessions: decide, trade, hold; a generator, so that nothing has to be kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from assetmix.backtest.account import Account, Fees, paid_out, trade
from assetmix.backtest.adviser import Advice
from assetmix.backtest.market import Market
from assetmix.backtest.result import Status
from assetmix.backtest.schedule import Sessions, planned
from assetmix.backtest.spec import BacktestSpec
from assetmix.domain.arrays import Vector
from assetmix.optimization.strategy import Trading

Advise = Callable[[int, Account], Advice]
"""Decides at the close of a session what is to be held."""


RUINED = Advice(None, "nothing is left to decide about")


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

    def planned(self) -> Sessions:
        """Places of the sessions that are decided at, as far as they are known beforehand."""
        first = self.market.first
        places = planned(self.spec.schedule, self.market.days[first:]) + first
        return places[places <= self.market.last - self.delay]


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
class Carried:
    """A decision that was carried out: places of its sessions, weights (m,) after it, and units (m,) bought."""

    decided: int
    executed: int
    status: Status
    sentence: str
    turnover: float
    cost: float
    weights: Vector
    bought: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """A decision, the values (k,) of the sessions since the last one was executed, and where the walk then stands."""

    carried: Carried | None
    values: Vector
    standing: Standing


def walk(course: Course, advise: Advise, start: Standing) -> Iterator[Stretch]:
    """Go from where a walk stands to the last session; values are those after `start.place`.

    Decisions that could not be executed any more are not made.
    """
    standing, last, places = start, course.market.last, course.planned()
    while (decided := _next(course, standing, places)) is not None and decided <= last - course.delay:
        account, values = _held(course, standing, decided)
        has_value = account.value(course.market.known[decided]) > 0
        advice = advise(decided, account) if has_value else RUINED
        stretch = _carried_out(course, Standing(decided, account, decided, standing.wanted), advice)
        both = np.concatenate([values, stretch.values]) if course.delay else values
        standing = stretch.standing
        if len(both):  # the first session is valued before it trades, every other one after
            both[-1] = standing.account.value(course.market.known[standing.place])
        yield Stretch(stretch.carried, both, standing)
    if standing.place < last:
        account, values = _held(course, standing, last)
        yield Stretch(None, values, Standing(last, account, standing.decided, standing.wanted))


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


def _held(course: Course, standing: Standing, place: int) -> tuple[Account, Vector]:
    """Hold until the close of a session; the values of the sessions after the one where the walk stands."""
    market, account = course.market, standing.account
    if place <= standing.place:
        return account, np.zeros(0)
    cash = market.cash_path(account.cash, account.units, standing.place, place)
    values = market.known[standing.place + 1 : place + 1] @ account.units + cash
    return Account(account.units, float(cash[-1])), values


def _carried_out(course: Course, standing: Standing, advice: Advice) -> Stretch:
    """Execute a decision; what is gone for good is paid out on the way."""
    market, decided, target = course.market, standing.decided, advice.target
    executed = decided + course.delay
    account, values = _held(course, standing, executed)
    prices, oldest = market.known[executed], market.oldest[executed]
    if oldest >= course.spec.delisted_after:
        account = paid_out(account, prices, market.age[executed] >= course.spec.delisted_after)
    if target is None or account.value(prices) <= 0:
        weights, none = account.weights(prices), np.zeros(len(prices))
        kept = Carried(decided, executed, "kept", advice.sentence or RUINED.sentence, 0.0, 0.0, weights, none)
        return Stretch(kept, values, Standing(executed, account, decided, standing.wanted))
    possible = market.age[executed] == 0 if oldest else None
    done = trade(account, target, prices, possible, Fees(course.trading, advice.impact))
    turnover = float(np.abs(done.trades).sum())
    after = done.account
    worth = after.units @ prices + after.cash
    carried = Carried(
        decided,
        executed,
        "traded" if turnover else "unchanged",
        "",
        turnover,
        done.cost,
        after.units * prices / worth,
        after.units - account.units,
    )
    return Stretch(carried, values, Standing(executed, after, decided, target.weights))
