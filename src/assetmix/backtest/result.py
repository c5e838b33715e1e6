"""What a backtest gives back."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Vector

Status = Literal["traded", "unchanged", "kept"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebalance:
    """A decision, and what became of it.

    `traded` where orders were executed, `unchanged` where there was nothing to trade, `kept` where
    the strategy had no answer and the old weights stay, for the reason in `sentence`. `turnover`
    is bought and sold, fraction of value; `cost` is money.
    """

    decided: dt.date
    executed: dt.date | None
    status: Status
    sentence: str = ""
    turnover: float = 0.0
    cost: float = 0.0
    weights: Mapping[str, float] = field(default_factory=dict)
    """After the execution, fractions of value; cash is the rest."""
    trades: Mapping[str, float] = field(default_factory=dict)
    """Units bought, negative for sold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """A fall from a peak to a trough (a positive fraction), and when the peak was reached again, if it was."""

    depth: float
    peak: dt.date
    trough: dt.date
    recovered: dt.date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """Returns of the months of a calendar year, None outside the backtest, and of the year as far as it was seen."""

    year: int
    months: tuple[float | None, ...]
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The figures of a tear sheet.

    Returns are simple and of a session; a year has 252 sessions where a figure is annualized,
    but `annual_return` is compounded over calendar years of 365.25 days. Ratios are of returns
    above the interest on cash. `cvar` is the mean loss of the worst 5 % of sessions. Figures that
    do not exist (a ratio of no risk, anything relative without a benchmark) are null.
    """

    initial_value: float
    final_value: float
    total_return: float
    annual_return: float | None
    volatility: float | None
    volatility_per_year: float | None
    sharpe_ratio: float | None
    sortino_ratio: float | None
    calmar_ratio: float | None
    max_drawdown: float
    max_drawdown_peak: dt.date | None
    max_drawdown_trough: dt.date | None
    max_drawdown_recovered: dt.date | None
    cvar: float | None
    hit_rate: float | None
    best_session: float | None
    worst_session: float | None
    tracking_error: float | None
    information_ratio: float | None
    beta: float | None
    benchmark_total_return: float | None
    turnover: float
    turnover_per_year: float | None
    cost: float
    rebalances: int
    kept: int


@dataclass(frozen=True, eq=False)
class Path:
    """Worth at the close of each session.

    Parameters
    ----------
    days : (T,) ordinals
    values : (T,) money, the first before any trade
    benchmark : (T,) that of the benchmark from the same beginning; None without one
    cash_rate : interest on cash a year, which ratios are above
    """

    days: NDArray[np.int64]
    values: Vector
    benchmark: Vector | None
    cash_rate: float

    @cached_property
    def returns(self) -> Vector:
        """Simple returns (T - 1,)."""
        return returns_of(self.values)

    @cached_property
    def fallen(self) -> Vector:
        """Distance (T,) from the highest value so far, positive fractions of it."""
        return np.asarray(1.0 - self.values / np.maximum.accumulate(self.values))

    @cached_property
    def dates(self) -> tuple[dt.date, ...]:
        """The sessions as dates."""
        return tuple(dt.date.fromordinal(day) for day in self.days.tolist())

    def date(self, place: int) -> dt.date:
        """One session as a date."""
        return dt.date.fromordinal(int(self.days[place]))


def returns_of(values: Vector) -> Vector:
    """Simple returns (T - 1,) of values (T,)."""
    return np.asarray(values[1:] / values[:-1] - 1.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backtest:
    """The whole of a backtest but the weights and trades of its decisions, which are read page by page."""

    sentence: str
    statistics: Statistics
    path: Path
    drawdowns: tuple[Drawdown, ...]
    years: tuple[Year, ...]
    rebalances: tuple[Rebalance, ...]
