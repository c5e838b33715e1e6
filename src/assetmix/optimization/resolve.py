"""The one place where ids and words become arrays."""

from dataclasses import dataclass

import numpy as np

from assetmix.domain.arrays import readonly
from assetmix.domain.forecast import Forecast
from assetmix.domain.instrument import Instrument
from assetmix.domain.lookthrough import Classification
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.risk import RiskModel
from assetmix.domain.snapshot import Snapshot
from assetmix.domain.universe import Universe
from assetmix.estimation.covariance import sample
from assetmix.estimation.expected_return import given, historical_mean
from assetmix.estimation.specs import GivenForecast, HistoricalMean
from assetmix.optimization.application import check_application
from assetmix.optimization.check import check_strategy, refuse
from assetmix.optimization.frame import frame
from assetmix.optimization.memory import Memory
from assetmix.optimization.problem import Problem
from assetmix.optimization.reach import allowed_ids, benchmark_ids, total_value
from assetmix.optimization.strategy import Strategy


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """Everything an answer depends on.

    `strategy_key` and `snapshot_key` name the contents of strategy and snapshot: equal keys,
    equal contents. `cash_flow` is money that comes in (positive) or is to be paid out.
    """

    strategy: Strategy
    portfolio: Portfolio
    snapshot: Snapshot
    strategy_key: str
    snapshot_key: str
    cash_flow: float = 0.0


def resolve(question: Question, memory: Memory) -> Problem:
    """Lay a question out in arrays of one universe.

    Raises
    ------
    InvalidRequest
        with every fault that can be found without a solver
    """
    value = total_value(question.portfolio, question.snapshot) + question.cash_flow
    faults = check_strategy(question.strategy)
    refuse(faults + check_application(question.strategy, question.portfolio, question.snapshot, value))
    instruments = _instruments(question)
    universe = Universe(tuple(instrument.id for instrument in instruments))
    allowed = allowed_ids(question.strategy, question.portfolio, question.snapshot)
    benchmark = question.strategy.benchmark or question.portfolio.benchmark
    named = (f"{key}={weight!r}" for key, weight in sorted(benchmark.items()))
    structure = "/".join([question.strategy_key, question.snapshot_key, *named, "|", *universe.ids])
    return Problem(
        instruments=instruments,
        strategy=question.strategy,
        constraints=(*question.strategy.constraints, *frame(question.strategy)),
        value=value,
        cash=question.portfolio.cash + question.cash_flow,
        quantities=readonly(universe.vector(question.portfolio.positions)),
        prices=readonly(universe.vector(question.snapshot.prices, default=np.nan)),
        allowed=readonly(universe.mask(allowed)),
        risk=memory.recall(("risk", structure), lambda: _risk(question, universe)),
        forecast=memory.recall(("forecast", structure), lambda: _forecast(question, universe)),
        benchmark=benchmark,
        classification=memory.recall(("classes", structure), lambda: Classification(instruments)),
        structure=structure,
    )


def _instruments(question: Question) -> tuple[Instrument, ...]:
    allowed = allowed_ids(question.strategy, question.portfolio, question.snapshot)
    wanted = {key for key in allowed if question.snapshot.by_id[key].tradable} | set(question.portfolio.positions)
    return tuple(instrument for instrument in question.snapshot.instruments if instrument.id in wanted)


def _covered(question: Question, universe: Universe) -> tuple[str, ...]:
    extra = (key for key in benchmark_ids(question.strategy, question.portfolio) if key not in universe.positions)
    return (*universe.ids, *extra)


def _risk(question: Question, universe: Universe) -> RiskModel | None:
    spec = question.strategy.risk_model
    return None if spec is None else sample(question.snapshot, _covered(question, universe), spec)


def _forecast(question: Question, universe: Universe) -> Forecast | None:
    match question.strategy.forecast:
        case None:
            return None
        case HistoricalMean() as spec:
            return historical_mean(question.snapshot, universe.ids, spec)
        case GivenForecast() as spec:
            return given(universe.ids, spec)
