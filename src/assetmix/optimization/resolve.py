"""The one place where ids and words become arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix, Vector, readonly
from assetmix.domain.currency import converted
from assetmix.domain.given_model import GivenModel
from assetmix.domain.instrument import Instrument
from assetmix.domain.lookthrough import Classification
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.domain.universe import Universe
from assetmix.errors import InvalidRequest
from assetmix.estimation.estimate import Estimates, Wanted, estimate
from assetmix.optimization.application import Application, check_application, check_value, strange_scopes
from assetmix.optimization.check import check_strategy, refuse
from assetmix.optimization.constraint import Constraint
from assetmix.optimization.frame import frame
from assetmix.optimization.liquidation import liquidated
from assetmix.optimization.memory import Memory
from assetmix.optimization.overlaid import exclusions, left_over
from assetmix.optimization.overlay import Effect
from assetmix.optimization.problem import Problem
from assetmix.optimization.reach import allowed_ids, benchmark_ids, is_given_up, set_aside, total_value
from assetmix.optimization.strategy import Strategy, UniverseById


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """Everything an answer depends on.

    `strategy_key` and `snapshot_key` name the contents of strategy and snapshot: equal keys,
    equal contents. `cash_flow` is money that comes in (positive) or is to be paid out. `model` is
    the uploaded risk model that the run uses, named by `model_key`. A mixed-integer search stops
    at a proven relative `gap`.
    """

    strategy: Strategy
    portfolio: Portfolio
    snapshot: Snapshot
    strategy_key: str
    snapshot_key: str
    cash_flow: float = 0.0
    model: GivenModel | None = None
    model_key: str = ""
    gap: float = 0.01


def in_base_currency(question: Question) -> Question:
    """Give the same question with every price in the portfolio's currency."""
    portfolio = question.portfolio
    snapshot = converted(question.snapshot, portfolio.base_currency, portfolio.foreign_currencies)
    if snapshot is question.snapshot:
        return question
    return replace(question, snapshot=snapshot, snapshot_key=f"{question.snapshot_key}:{portfolio.base_currency}")


def resolve(question: Question, memory: Memory) -> Problem:
    """Lay a question out in arrays of one universe.

    Raises
    ------
    InvalidRequest
        with every fault that can be found without a solver
    """
    question, effects = _in_force(in_base_currency(question))
    portfolio, snapshot = question.portfolio, question.snapshot
    aside = set_aside(portfolio, snapshot)
    value = total_value(portfolio, snapshot) + question.cash_flow - aside
    setting = _setting(question, value, memory)
    return Problem(
        instruments=setting.instruments,
        strategy=question.strategy,
        constraints=setting.constraints,
        value=value,
        cash=portfolio.cash + question.cash_flow - aside,
        quantities=readonly(setting.universe.vector(portfolio.positions)),
        prices=setting.prices,
        allowed=setting.allowed,
        risk=setting.estimates.risk,
        forecast=setting.estimates.forecast,
        benchmark=setting.benchmark,
        classification=setting.classification,
        tables=setting.tables,
        gap=question.gap,
        structure=setting.structure,
        divested=portfolio.divest_amount,
        set_aside=aside,
        effects=effects,
        shared=setting.shared,
        priced_on=setting.priced_on,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Setting:
    """What all accounts have in common to which a strategy is applied at one snapshot, and that hold things alike."""

    instruments: tuple[Instrument, ...]
    universe: Universe
    constraints: tuple[Constraint, ...]
    structure: str
    prices: Vector
    allowed: Vector
    benchmark: Mapping[str, float]
    estimates: Estimates
    classification: Classification
    tables: Mapping[str, Matrix]
    priced_on: NDArray[np.int64]
    shared: dict[Any, Any]


def _setting(question: Question, value: float, memory: Memory) -> _Setting:
    """Check the question, and lay out what others may share; a question like one that was fine before is fine."""
    own = () if question.strategy.benchmark else tuple(sorted(question.portfolio.benchmark.items()))
    keys = (question.strategy_key, question.snapshot_key, question.model_key, question.portfolio.base_currency)
    key = ("setting", *keys, own, _outsiders(question, memory))
    if key in memory:
        refuse(list(check_value(value)))
        return memory.recall(key, lambda: _laid_out(question, memory))
    faults = check_strategy(question.strategy)
    known = strange_scopes(question.strategy, question.snapshot)
    application = Application(question.strategy, question.portfolio, question.snapshot, question.model, value, known)
    refuse(faults + check_application(application))
    setting = _laid_out(question, memory)
    memory.keep(key, setting)
    return setting


def _outsiders(question: Question, memory: Memory) -> frozenset[str]:
    """What is held beside what the strategy's universe allows; everything where holdings make the universe."""
    held = frozenset(question.portfolio.positions)
    if question.strategy.universe is None:
        return held
    key = ("allowed", question.strategy_key, question.snapshot_key)
    allowed = memory.recall(key, lambda: allowed_ids(question.strategy, question.portfolio, question.snapshot))
    return held - allowed


def _laid_out(question: Question, memory: Memory) -> _Setting:
    snapshot = question.snapshot
    instruments = _instruments(question)
    universe = Universe(tuple(instrument.id for instrument in instruments))
    benchmark = question.strategy.benchmark or question.portfolio.benchmark
    named = (f"{key}={weight!r}" for key, weight in sorted(benchmark.items()))
    keys = (question.strategy_key, question.snapshot_key, question.model_key)
    structure = "/".join([*keys, *named, "|", *universe.ids])
    return _Setting(
        instruments=instruments,
        universe=universe,
        constraints=(*question.strategy.constraints, *frame(question.strategy)),
        structure=structure,
        prices=readonly(universe.vector(snapshot.prices, default=np.nan)),
        allowed=readonly(universe.mask(allowed_ids(question.strategy, question.portfolio, snapshot))),
        benchmark=benchmark,
        estimates=memory.recall(("estimates", structure), lambda: _estimates(question, universe, benchmark)),
        classification=Classification(instruments),
        tables=_tables(snapshot, universe),
        priced_on=np.array([snapshot.price_days[place] for place in snapshot.columns(universe.ids)], dtype=np.int64),
        shared={},
    )


def _in_force(question: Question) -> tuple[Question, tuple[Effect, ...]]:
    """Give the question with the strategy that holds, and what overlays have done to it.

    A portfolio that is given up is sold out, and so is one of which overlays leave nothing to hold.
    """
    if is_given_up(question.portfolio, question.snapshot):
        return _sold_out(question), ()
    strategy, snapshot = question.strategy, question.snapshot
    if not strategy.overlays:
        return question, ()
    for one in strategy.overlays:
        strategy = one.in_force(strategy)
    allowed = allowed_ids(strategy, question.portfolio, snapshot)
    ids = tuple(one.id for one in snapshot.instruments if one.id in allowed and one.tradable)
    prices = snapshot.history[:, snapshot.columns(ids)]
    left = {ids[i] for i in np.flatnonzero(left_over(strategy.overlays, prices))}
    effects = exclusions(strategy.overlays, prices, ids)
    if not left and ids:
        return _sold_out(replace(question, strategy=strategy)), effects
    kept = tuple(sorted(left | (allowed - set(ids))))
    stays = isinstance(strategy.universe, UniverseById) and strategy.universe.keep_held
    strategy = replace(strategy, universe=UniverseById(ids=kept, keep_held=stays))
    return replace(question, strategy=strategy, strategy_key=f"{question.strategy_key}:{kept}"), effects


def _sold_out(question: Question) -> Question:
    strategy = liquidated(question.strategy, question.portfolio, question.snapshot)
    return replace(question, strategy=strategy, strategy_key=f"{question.strategy_key}:sold out:{strategy!r}")


def _instruments(question: Question) -> tuple[Instrument, ...]:
    allowed = allowed_ids(question.strategy, question.portfolio, question.snapshot)
    wanted = {key for key in allowed if question.snapshot.by_id[key].tradable} | set(question.portfolio.positions)
    return tuple(instrument for instrument in question.snapshot.instruments if instrument.id in wanted)


def _estimates(question: Question, universe: Universe, benchmark: Mapping[str, float]) -> Estimates:
    strategy = question.strategy
    members = benchmark_ids(strategy, question.portfolio)
    extra = tuple(key for key in members if key not in universe.positions)
    wanted = Wanted(
        None if question.model is not None else strategy.risk_model, strategy.forecast, question.model, benchmark
    )
    try:
        return estimate(question.snapshot, universe.ids, extra, wanted)
    except InvalidRequest as error:
        error.faults = tuple(replace(one, pointer=f"/strategy{one.pointer}") for one in error.faults)
        raise


def _tables(snapshot: Snapshot, universe: Universe) -> dict[str, Matrix]:
    columns = snapshot.columns(universe.ids) if snapshot.extras else []
    adjusted = {"adjusted": snapshot.history} if snapshot.extras else {}
    return {name: table[:, columns] for name, table in {**snapshot.extras, **adjusted}.items()}
