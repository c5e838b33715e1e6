"""Plain functions that make what tests need."""

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np

from assetmix.domain.instrument import Instrument
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.estimation.specs import SampleRisk
from assetmix.optimization import constraints as _constraints
from assetmix.optimization import measures as _measures
from assetmix.optimization import rules as _rules
from assetmix.optimization.answer import answer
from assetmix.optimization.measure import Measure
from assetmix.optimization.measures.tracking_error_squared import TrackingErrorSquared
from assetmix.optimization.memory import Memory
from assetmix.optimization.problem import Problem
from assetmix.optimization.resolve import Question, resolve
from assetmix.optimization.result import Result
from assetmix.optimization.strategy import Objective, Strategy, Term, UniverseById

REGISTERED = (_constraints, _measures, _rules)
LAST_DAY = dt.date(2024, 6, 28)
SECTORS = ("technology", "energy", "utilities")
INDEX = "INDEX"


def make_snapshot(count: int = 5, periods: int = 60, seed: int = 0) -> Snapshot:
    """Synthetic daily prices of `count` stocks and of their equally weighted index."""
    random = np.random.default_rng(seed)
    market = random.normal(4e-4, 0.01, periods)
    own = random.normal(0.0, 0.012, (periods, count))
    returns = np.outer(market, random.uniform(0.5, 1.5, count)) + own
    prices = random.uniform(20, 200, count) * np.cumprod(1 + returns, axis=0)
    index = 1000 * np.cumprod(1 + returns.mean(axis=1))
    history = np.column_stack([prices, index])
    dates = np.array([LAST_DAY.toordinal() - i for i in reversed(range(periods))])
    stocks = tuple(
        make_instrument(f"S{i:02d}", sector=SECTORS[i % len(SECTORS)], attributes={"score": float(1 + i % 4)})
        for i in range(count)
    )
    everything = (*stocks, Instrument(id=INDEX, currency="USD", kind="index", tradable=False))
    return Snapshot(LAST_DAY, everything, history[-1], dates, history, extras=_extras(history))


def _extras(history: np.ndarray) -> dict[str, np.ndarray]:
    """Highs and lows around the closes, and a thousand times the position number of units traded each day."""
    volume = np.tile(1000.0 * np.arange(1, history.shape[1] + 1), (len(history), 1))
    return {"high": 1.01 * history, "low": 0.985 * history, "close": history, "volume": volume}


def make_instrument(key: str, sector: str = "technology", **fields: Any) -> Instrument:
    """A stock of one sector."""
    shares = {"asset_classes": {"stocks": 1.0}, "sectors": {sector: 1.0}}
    return Instrument(id=key, currency="USD", tags=("stock",), look_through=shares, **fields)


def stock_ids(snapshot: Snapshot) -> tuple[str, ...]:
    """Ids of the tradable instruments."""
    return tuple(one.id for one in snapshot.instruments if one.tradable)


def make_strategy(measure: Measure | None = None, **fields: Any) -> Strategy:
    """Minimize a measure, by default the squared tracking error against the index, over all stocks."""
    objective = Objective(sense="minimize", terms=(Term(measure=measure or TrackingErrorSquared()),))
    defaults = {"objective": objective, "benchmark": {INDEX: 1.0}, "risk_model": SampleRisk()}
    return Strategy(**(defaults | fields))


def make_portfolio(snapshot: Snapshot, cash: float = 10_000.0, units: float = 50.0) -> Portfolio:
    """Some units of every second stock, and cash."""
    held = dict.fromkeys(stock_ids(snapshot)[::2], units)
    return Portfolio(base_currency="USD", holdings={"$USD": cash, **held})


def make_question(
    strategy: Strategy, snapshot: Snapshot, portfolio: Portfolio | None = None, **fields: Any
) -> Question:
    """Apply a strategy to a portfolio; every stock may be held unless the strategy says otherwise."""
    whole = strategy if strategy.universe else replace(strategy, universe=UniverseById(ids=stock_ids(snapshot)))
    return Question(
        whole, portfolio or make_portfolio(snapshot), snapshot, repr(whole), repr(snapshot.history.sum()), **fields
    )


def make_problem(strategy: Strategy, snapshot: Snapshot, portfolio: Portfolio | None = None) -> Problem:
    """Resolve a question."""
    return resolve(make_question(strategy, snapshot, portfolio), Memory(8))


def solve(question: Question, memory: Memory | None = None) -> Result:
    """Answer a question without a time limit."""
    kept = Memory(8) if memory is None else memory  # an empty memory is false
    return answer(question, kept, lambda: 60.0, lambda _: None)
