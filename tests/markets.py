"""Prices and questions that tests of backtests share."""

import csv
import datetime as dt
import gzip
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assetmix.backtest.adviser import Tools
from assetmix.backtest.result import Backtest, Rebalance
from assetmix.backtest.run import plan, told
from assetmix.backtest.spec import BacktestSpec, Schedule
from assetmix.backtest.walk import walk
from assetmix.backtest.whole import backtest
from assetmix.domain.instrument import Instrument
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.optimization.memory import Memory
from assetmix.optimization.resolve import Question
from assetmix.optimization.strategy import Strategy

MONEY = 1_000_000.0


def real_prices(years: int) -> pd.DataFrame:
    """Closes of the twenty stocks that the skfolio wheel carries, for the first years of them."""
    spec = importlib.util.find_spec("skfolio")
    folder = Path((spec.submodule_search_locations or [""])[0] if spec else "")
    with gzip.open(folder / "datasets" / "data" / "sp500_dataset.csv.gz", "rt", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    days = pd.DatetimeIndex([row[0] for row in rows])
    table = pd.DataFrame([[float(cell) for cell in row[1:]] for row in rows], index=days, columns=header[1:])
    return table[table.index < days[0] + pd.DateOffset(years=years)]


def made_prices(count: int = 4, sessions: int = 500, seed: int = 0, start: str = "2020-01-01") -> pd.DataFrame:
    """Random walks of prices on the days of a business calendar."""
    random = np.random.default_rng(seed)
    returns = 4e-4 + random.normal(0.0, 0.008, (sessions, 1)) + random.normal(0.0, 0.01, (sessions, count))
    days = pd.bdate_range(start, periods=sessions)
    return pd.DataFrame(100.0 * np.cumprod(1.0 + returns, axis=0), index=days, columns=[f"S{i}" for i in range(count)])


def snapshot_of(prices: pd.DataFrame) -> Snapshot:
    """A snapshot of US stocks with these closes; nan where there is none."""
    table = prices.to_numpy()
    dates = np.array([day.date().toordinal() for day in prices.index], dtype=np.int64)
    stocks = tuple(Instrument(id=key, currency="USD", fractional_step=1e-6) for key in prices.columns)
    last = prices.ffill().to_numpy()[-1]
    extras = {"close": table, "high": 1.01 * table, "low": 0.99 * table}
    return Snapshot(prices.index[-1].date(), stocks, last, dates, table, extras=extras)


def question_of(prices: pd.DataFrame, strategy: Strategy, holdings: dict[str, float] | None = None) -> Question:
    """The strategy applied to a million of cash, or to holdings."""
    portfolio = Portfolio(base_currency="USD", holdings=holdings or {"$USD": MONEY})
    return Question(strategy, portfolio, snapshot_of(prices), "strategy", "snapshot")


def run(table: pd.DataFrame, strategy: Strategy, holdings: dict[str, float] | None = None, **asked: Any) -> Backtest:
    """Run a backtest over all days of a table of prices, at the close of the day of the decision."""
    return backtest(question_of(table, strategy, holdings), spec_of(table, **asked), tools(), lambda _: None)


def decisions(table: pd.DataFrame, strategy: Strategy, **asked: Any) -> list[Rebalance]:
    """Give the decisions of such a backtest with weights and trades."""
    ready = plan(question_of(table, strategy), spec_of(table, **asked), tools())
    stretches = walk(ready.course, ready.advise, ready.begin)
    return [told(ready.course, one.carried, whole=True) for one in stretches if one.carried is not None]


def tools() -> Tools:
    """Ten minutes, and nothing known from before."""
    return Tools(lambda: 600.0, Memory(32))


def spec_of(table: pd.DataFrame, **asked: Any) -> BacktestSpec:
    """What is asked for, by default all days of a table."""
    days = {"start": table.index[0].date(), "end": table.index[-1].date()}
    return BacktestSpec(**(days | {"execution": "same_close"} | asked))


def monthly(**fields: Any) -> Schedule:
    """At the first session of each month."""
    return Schedule(kind="monthly", **fields)


def values_of(found: Backtest) -> np.ndarray:
    """The equity curve."""
    path = found.path
    return np.asarray(path.values)


def day(text: str) -> dt.date:
    """A date."""
    return dt.date.fromisoformat(text)
