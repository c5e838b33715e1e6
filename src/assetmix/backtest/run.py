"""A whole backtest: prepared, walked, summed up."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from assetmix.backtest.account import Account
from assetmix.backtest.adviser import Adviser, Tools
from assetmix.backtest.calendars import sessions_of
from assetmix.backtest.market import market_of
from assetmix.backtest.result import Backtest, Path, Rebalance
from assetmix.backtest.schedule import Sessions
from assetmix.backtest.sight import Sight
from assetmix.backtest.spec import BacktestSpec
from assetmix.backtest.statistics import drawdowns, statistics, years
from assetmix.backtest.walk import Advise, Carried, Course, Standing
from assetmix.domain.arrays import Vector
from assetmix.domain.snapshot import Snapshot
from assetmix.errors import Fault, InvalidRequest
from assetmix.optimization.application import strange_scopes
from assetmix.optimization.check import refuse
from assetmix.optimization.memory import Memory
from assetmix.optimization.resolve import Question, in_base_currency
from assetmix.optimization.scope import Scope

FEWEST_SESSIONS = 2

Progress = Callable[[float], None]
"""Told how much is done, 0 to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A backtest that can be walked: the question in one currency, the course, where it begins, and who decides."""

    question: Question
    course: Course
    begin: Standing
    sight: Sight
    adviser: Adviser
    advise: Advise

    @property
    def first_value(self) -> Vector:
        """(1,) worth before any trade."""
        market = self.course.market
        return np.array([self.begin.account.value(market.known[market.first])])

    @property
    def days(self) -> Sessions:
        """(T,) ordinals of the backtest's sessions."""
        return self.course.market.days[self.course.market.first :]


def faults_of(question: Question, spec: BacktestSpec, elsewhere: frozenset[Scope]) -> list[Fault]:
    """Find what keeps a backtest from beginning, without estimating anything.

    `elsewhere` are scopes that have members among the caller's instruments, if not in the snapshot.
    """
    try:
        ready = plan(question, spec, Tools(lambda: 0.0, Memory(1)))
    except InvalidRequest as error:
        return list(error.faults)
    return ready.sight.faults(ready.begin.place, ready.begin.account, elsewhere)


def checked_plan(question: Question, spec: BacktestSpec, tools: Tools) -> Plan:
    """Make ready what a walk needs, and refuse what its first decision would be refused for.

    Raises
    ------
    InvalidRequest
        when the backtest cannot begin
    """
    ready = plan(question, spec, tools)
    known = strange_scopes(question.strategy, question.snapshot)
    refuse(ready.sight.faults(ready.begin.place, ready.begin.account, known))
    return ready


def plan(question: Question, spec: BacktestSpec, tools: Tools) -> Plan:
    """Make ready what a walk needs.

    Raises
    ------
    InvalidRequest
        when there are no prices to walk through
    """
    given = _on_sessions(question, spec)
    asked = in_base_currency(given)
    market = market_of(asked.snapshot, given.snapshot, spec)
    refuse([*_faults(asked.snapshot, spec, len(market.days) - market.first), *_strange_dividends(given.snapshot, spec)])
    course = Course(market, spec, spec.trading(asked.strategy.trading), asked.snapshot.universe.ids)
    units = asked.snapshot.universe.vector(asked.portfolio.positions)
    begin = Standing(market.first, Account(units, asked.portfolio.cash))
    sight = Sight(asked, market, spec.delisted_after)
    adviser = Adviser(sight, spec, tools, course.planned())
    return Plan(asked, course, begin, sight, adviser, adviser.advise)


def told(course: Course, carried: Carried, *, whole: bool = False) -> Rebalance:
    """Describe a decision with dates; `whole` with the weights after it and the trades, by id."""
    days = course.market.days
    return Rebalance(
        decided=dt.date.fromordinal(int(days[carried.decided])),
        executed=dt.date.fromordinal(int(days[carried.executed])),
        status=carried.status,
        sentence=carried.sentence,
        turnover=carried.turnover,
        cost=carried.cost,
        weights=_named(course.ids, carried.weights) if whole else {},
        trades=_named(course.ids, carried.bought) if whole else {},
    )


def _named(ids: tuple[str, ...], values: Vector) -> dict[str, float]:
    return {ids[i]: float(values[i]) for i in np.flatnonzero(values)}


def summed_up(ready: Plan, values: Vector, rebalances: Sequence[Rebalance]) -> Backtest:
    """Describe a walk by its values (T,) and its decisions."""
    ruined = np.flatnonzero(values <= 0)
    end = int(ruined[0]) + 1 if len(ruined) else len(values)  # what comes after has no returns
    other = _benchmark(ready, float(values[0]))
    path = Path(ready.days[:end], values[:end], None if other is None else other[:end], ready.course.spec.cash_rate)
    falls = drawdowns(path)
    return Backtest(
        sentence=_sentence(path, rebalances),
        statistics=statistics(path, rebalances, next(iter(falls), None)),
        path=path,
        drawdowns=falls,
        years=years(path),
        rebalances=tuple(rebalances),
    )


def _on_sessions(question: Question, spec: BacktestSpec) -> Question:
    """Leave out days that are no sessions of the calendar."""
    snapshot = question.snapshot
    if spec.calendar is None or not len(snapshot.dates):
        return question
    first = dt.date.fromordinal(int(snapshot.dates[0]))
    kept = np.isin(snapshot.dates, sessions_of(spec.calendar, first, max(first, spec.end)))
    cut = replace(
        snapshot,
        dates=snapshot.dates[kept],
        history=snapshot.history[kept],
        extras={name: table[kept] for name, table in snapshot.extras.items()},
    )
    return replace(question, snapshot=cut, snapshot_key=f"{question.snapshot_key}/{spec.calendar}")


def _faults(snapshot: Snapshot, spec: BacktestSpec, sessions: int) -> list[Fault]:
    if sessions >= FEWEST_SESSIONS:
        return []
    known = "there are no prices at all"
    if len(snapshot.dates):
        first, last = (snapshot.as_of.fromordinal(int(snapshot.dates[place])) for place in (0, -1))
        known = f"prices go from {first} to {last}"
    detail = f"there are no two sessions with prices from {spec.start} to {spec.end}; {known}"
    return [Fault("/from", "missing-price", detail)]


def _strange_dividends(snapshot: Snapshot, spec: BacktestSpec) -> list[Fault]:
    detail = "the backtest concerns no such instrument; check its spelling, or leave the dividend out"
    return [
        Fault(f"/dividends/{i}/instrument", "unknown-asset", detail)
        for i, one in enumerate(spec.dividends)
        if one.instrument not in snapshot.by_id
    ]


def _benchmark(ready: Plan, start: float) -> Vector | None:
    """Worth (T,) of the benchmark, its weights restored at every session; None where there is none."""
    weights = ready.question.strategy.benchmark or ready.question.portfolio.benchmark
    if not weights:
        return None
    market, universe = ready.course.market, ready.question.snapshot.universe
    columns = [universe.positions[key] for key in weights]
    prices = market.known[market.first :][:, columns]
    if not (prices[0] > 0).all():
        return None
    shares = np.array([weights[key] for key in weights])
    cash = (1.0 - shares.sum()) * (market.growth[market.first + 1 :] - 1.0)
    paid = 0.0 if market.dividends is None else market.dividends[market.first + 1 :][:, columns]
    growth = 1.0 + ((prices[1:] + paid) / prices[:-1] - 1.0) @ shares + cash
    return np.asarray(start * np.concatenate([[1.0], np.cumprod(growth)]))


def _sentence(path: Path, rebalances: Sequence[Rebalance]) -> str:
    kept = sum(one.status == "kept" for one in rebalances)
    traded = sum(one.status == "traded" for one in rebalances)
    total = float(path.values[-1] / path.values[0] - 1.0)
    if total <= -1.0:
        return f"On {path.date(len(path.values) - 1)} nothing was left; the backtest ends there."
    told = f"{len(path.values)} sessions, {len(rebalances)} decisions, {traded} of them traded: {total:+.2%} in all."
    return f"{told} At {kept} the strategy had no answer and the old weights stayed." if kept else told
