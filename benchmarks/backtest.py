"""Walk-forward backtests beside their parts and beside a peer: least variance under a cap, with costs.

Run by `make bench`, on one core. The parts are the sample covariance (numpy) and PIQP alone on the
assembled program, warm, at every date; the whole is everything from prices to figures. The peer is
skfolio: its estimator is fitted at every date as its walk-forward does, and its weights are carried
along the same value path (drifted holdings, costs paid from the portfolio), which is written here once
more. Both paths must agree to 1e-5 over the first dates, for which the peer's solver is run at finer
tolerances (as it comes its weights are off by up to 1e-4); it is timed as it comes. skfolio estimates,
checks and builds result objects inside its call.
"""

import os
import statistics
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np
import pandas as pd
import piqp
from rich.console import Console
from rich.table import Table
from skfolio.optimization import MeanRisk

from assetmix.backtest.adviser import Tools
from assetmix.backtest.parts import begun, parts
from assetmix.backtest.run import plan
from assetmix.backtest.spec import BacktestSpec, Charges, Schedule
from assetmix.backtest.whole import backtest
from assetmix.estimation.specs import SampleRisk
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.memory import Memory
from assetmix.optimization.strategy import Objective, Strategy, Term, UniverseById
from benchmarks.records import Record, keep
from tests import markets

WINDOW, COST = 504, 0.001
REPEATS = 7
CHECKED, AGREED = 24, 1e-5
"""Dates over which the two paths are compared, and their largest relative distance."""

FINE = {"scale_objective": 1e4, "solver_params": {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12}}

REACH_PARTS, REACH_PEER = 1.5, 10.0
PART = 64
"""Decisions of a part whose memory is measured."""


@dataclass(frozen=True)
class Case:
    """Prices, how often it is decided, the cap, and at how many dates the peer is asked."""

    name: str
    prices: pd.DataFrame
    kind: str
    cap: float
    peer_dates: int


def main() -> int:
    console = Console(width=110)
    cases = (
        Case("20 stocks, 33 years, monthly", markets.real_prices(40), "monthly", 0.15, 10_000),
        Case("100 names, 10 years, daily", markets.made_prices(100, 2520 + WINDOW, seed=1), "daily", 0.05, 60),
    )
    table = Table(
        "work", "dates", "whole ms a date", "first time", "/ parts", "peer ms a date", "peer /", title="Backtests"
    )
    records = []
    for case in cases:
        console.print(f"{case.name} …")
        row = measured(case)
        table.add_row(
            case.name,
            str(row["dates"]),
            f"{row['whole_ms']:.3f}",
            f"{row['first_ms']:.3f}",
            f"{row['parts_ratio']:.2f}x (reach {REACH_PARTS}x)",
            f"{row['peer_ms']:.1f}",
            f"{row['peer_ratio']:.0f}x (reach {REACH_PEER:.0f}x)",
        )
        records += written(case, row)
    console.print(table)
    few, many = (peak(cases[1], dates) for dates in (500, 2500))
    console.print(f"peak memory of a walk of 100 names: {few:.2f} MB for 500 dates, {many:.2f} MB for 2,500")
    keep("backtest", [*records, Record("backtest memory: 2,500 dates / 500", many / few, "x")])
    return 0


def measured(case: Case) -> dict[str, float]:
    """Time the whole, its parts and the peer, after both were found to compute the same."""
    strategy, spec = strategy_of(case), spec_of(case)
    question = markets.question_of(case.prices, strategy)
    memory = Memory(64)
    first = timed(lambda: backtest(question, spec, Tools(lambda: 600.0, memory), lambda _: None))
    whole = best(lambda: backtest(question, spec, Tools(lambda: 600.0, memory), lambda _: None))
    found = backtest(question, spec, Tools(lambda: 600.0, memory), lambda _: None)
    assert all(one.status == "traded" for one in found.rebalances)
    places = [case.prices.index.get_loc(pd.Timestamp(one.decided)) for one in found.rebalances]
    parts = best(lambda: bare(case, places))
    asked = places[: case.peer_dates]
    began = time.perf_counter()
    for place in asked:
        peer_weights(case, place)
    peer = (time.perf_counter() - began) / len(asked)
    require_agreement(case, np.asarray(found.path.values), places[:CHECKED])
    dates = len(places)
    return {
        "dates": dates,
        "whole_ms": 1000 * whole / dates,
        "first_ms": 1000 * first / dates,
        "parts_ratio": whole / parts,
        "peer_ms": 1000 * peer,
        "peer_ratio": peer / (whole / dates),
    }


def strategy_of(case: Case) -> Strategy:
    objective = Objective(sense="minimize", terms=(Term(measure=Variance()),))
    return Strategy(
        objective=objective,
        universe=UniverseById(ids=tuple(case.prices.columns)),
        risk_model=SampleRisk(window=WINDOW),
        constraints=(WeightBounds(upper=case.cap),),
    )


def spec_of(case: Case) -> BacktestSpec:
    days = case.prices.index
    return BacktestSpec(
        start=days[WINDOW].date(),
        end=days[-1].date(),
        schedule=Schedule(kind=case.kind),
        execution="same_close",
        charges=Charges(cost_fraction=COST),
    )


def bare(case: Case, places: list[int]) -> None:
    """Covariance and PIQP on the assembled program, at every date, warm."""
    table = case.prices.to_numpy()
    returns = table[1:] / table[:-1] - 1.0
    count = table.shape[1]
    solver = piqp.DenseSolver()
    solver.settings.verbose = False
    sides = (np.ones((1, count)), np.ones(1), None, None, None, np.zeros(count), np.full(count, case.cap))
    scale = 1e4
    solver.setup(scale * np.cov(returns[:WINDOW].T), np.zeros(count), *sides)
    for place in places:
        solver.update(P=scale * np.cov(returns[place - WINDOW : place].T))
        solver.solve()


def peer_weights(case: Case, place: int, **finer: object) -> np.ndarray:
    """Weights that skfolio's estimator gives for the window that ends at a session."""
    table = case.prices.iloc[place - WINDOW : place + 1]
    model = MeanRisk(max_weights=case.cap, **finer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(table.pct_change().iloc[1:])
    return np.asarray(model.weights_)


def require_agreement(case: Case, values: np.ndarray, places: list[int]) -> None:
    """Refuse to compare what is not the same work."""
    path = carried(case, {place: peer_weights(case, place, **FINE) for place in places})
    ours = values[: len(path)] / values[0]
    distance = float(np.abs(path / ours - 1.0).max())
    if distance > AGREED:
        raise SystemExit(f"{case.name}: the peer's path is {distance:.1e} away; nothing was measured")


def carried(case: Case, decided: dict[int, np.ndarray]) -> np.ndarray:
    """Value of drifting holdings with costs, from 1: what is bought and sold is paid from the portfolio."""
    table, places = case.prices.to_numpy(), sorted(decided)
    value, units, path = 1.0, np.zeros(table.shape[1]), []
    for place in range(places[0], places[-1] + 1):
        value = float(units @ table[place]) if path else 1.0
        if place in decided:
            now, after = units * table[place], value
            for _ in range(60):
                after = value - COST * float(np.abs(after * decided[place] - now).sum())
            units = after * decided[place] / table[place]
            path.append(after if path else 1.0)
            continue
        path.append(value)
    return np.array(path)


def peak(case: Case, dates: int) -> float:
    """Megabytes that a walk takes at its peak, part after part given away; tables of prices are made before."""
    question = markets.question_of(case.prices, strategy_of(case))
    ready = plan(question, replace(spec_of(case), end=case.prices.index[WINDOW + dates].date()), markets.tools())
    ready.advise(ready.begin.place, ready.begin.account)
    assert ready.course.market.oldest[-1] == 0
    tracemalloc.start()
    for part in parts(ready, begun(ready), lambda decisions: decisions >= PART):
        assert len(part.carried) <= PART
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 2**20


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def best(work: Callable[[], object]) -> float:
    """Median of several runs."""
    return statistics.median(timed(work) for _ in range(REPEATS))


def written(case: Case, row: dict[str, float]) -> list[Record]:
    """One record a figure."""
    name = f"backtest {case.name}"
    return [
        Record(f"{name}: whole / (covariance + bare solves)", row["parts_ratio"], "x", REACH_PARTS),
        Record(f"{name}: skfolio / ours", row["peer_ratio"], "x", REACH_PEER, "at least"),
    ]


if __name__ == "__main__":
    sys.exit(main())
