"""Prices as a backtest meets them: session by session, with what is known so far."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assetmix.backtest.schedule import Sessions
from assetmix.backtest.spec import BacktestSpec
from assetmix.domain.arrays import Matrix, Vector
from assetmix.domain.snapshot import Snapshot

DAYS_PER_YEAR = 365.0


@dataclass(frozen=True, eq=False)
class Market:
    """Prices of m instruments over T sessions, those before the backtest included.

    Parameters
    ----------
    days : (T,) ordinals of the sessions
    quoted : (T, m) prices that positions are valued at; nan where a session has none
    first : place of the backtest's first session
    dividends : (T, m) money a unit that falls due at each session
    cash_rate : interest a year
    """

    days: Sessions
    quoted: Matrix
    first: int
    dividends: Matrix | None
    cash_rate: float

    @property
    def last(self) -> int:
        """Place of the last session."""
        return len(self.days) - 1

    @cached_property
    def is_quoted(self) -> NDArray[np.bool_]:
        """Whether an instrument has a price at a session (T, m)."""
        return np.isfinite(self.quoted)

    @cached_property
    def age(self) -> NDArray[np.int64]:
        """Sessions (T, m) since the last price; as many as there are and one where there never was one."""
        places = np.arange(len(self.days))[:, None]
        latest = np.maximum.accumulate(np.where(self.is_quoted, places, -1), axis=0)
        return np.where(latest < 0, len(self.days) + 1, places - latest)

    @cached_property
    def oldest(self) -> list[int]:
        """Age of the oldest price at each session (T,)."""
        ages: list[int] = self.age.max(axis=1, initial=0).tolist()
        return ages

    @cached_property
    def known(self) -> Matrix:
        """Last price (T, m) known at each session; 0 where there never was one."""
        places = np.arange(len(self.days))[:, None] - self.age
        filled = np.take_along_axis(self.quoted, np.maximum(places, 0), axis=0)
        return np.where(places >= 0, filled, 0.0)

    @cached_property
    def growth(self) -> Vector:
        """(T,) what a unit of cash becomes from the session before to each session."""
        between = np.diff(self.days, prepend=self.days[0])
        return np.asarray(1.0 + self.cash_rate * between / DAYS_PER_YEAR)

    def cash_path(self, cash: float, units: Vector, start: int, end: int) -> Vector:
        """Cash (end - start,) at the sessions after `start` up to `end`, with interest and dividends of units (m,)."""
        growth = np.cumprod(self.growth[start + 1 : end + 1])
        if self.dividends is None:
            return np.asarray(growth * cash)
        paid = self.dividends[start + 1 : end + 1] @ units
        return np.asarray(growth * (cash + np.cumsum(paid / growth)))


def market_of(snapshot: Snapshot, given: Snapshot, spec: BacktestSpec) -> Market:
    """Lay the prices of a snapshot, all in one currency, out for a backtest; later prices are left out.

    A session is a day on which anything has a price. `given` is the snapshot in the currencies of
    its instruments, in which dividends are paid.
    """
    last = int(np.searchsorted(snapshot.dates, spec.end.toordinal(), side="right"))
    table = snapshot.history if spec.prices == "adjusted" else snapshot.extras["close"]
    days = snapshot.dates[:last]
    return Market(
        days=days,
        quoted=np.asarray(table[:last]),
        first=int(np.searchsorted(days, spec.start.toordinal())),
        dividends=_dividends(snapshot, given, spec, days),
        cash_rate=spec.cash_rate,
    )


def _dividends(snapshot: Snapshot, given: Snapshot, spec: BacktestSpec, days: Sessions) -> Matrix | None:
    """Money a unit (T, m) at the first session on or after each ex-date."""
    if not spec.dividends:
        return None
    table = np.zeros((len(days), len(snapshot.instruments)))
    for one in spec.dividends:
        place = int(np.searchsorted(days, one.ex_date.toordinal()))
        column = snapshot.universe.positions.get(one.instrument)
        if place < len(days) and column is not None:
            table[place, column] += one.amount * _rate(snapshot.history[: place + 1, column], given, one.instrument)
    return table


def _rate(converted: Vector, given: Snapshot, instrument: str) -> float:
    """Worth of the instrument's currency at its last price so far, given its prices (t,) in the base currency."""
    quoted = given.history[: len(converted), given.universe.positions[instrument]]
    ratios = (converted / quoted)[np.isfinite(converted) & np.isfinite(quoted)]
    return float(ratios[-1]) if len(ratios) else 1.0
