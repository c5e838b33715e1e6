"""From a request to a run: everything that its answer depends on, found, frozen and checked."""

import asyncio
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from assetmix.backtest.spec import BacktestSpec
from assetmix.codec.documents import PORTFOLIO, digest
from assetmix.domain.currency import converted
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.errors import Fault, InvalidRequest, NotFound
from assetmix.estimation.specs import ForecastSpec, RiskSpec
from assetmix.optimization.application import Application, check_application
from assetmix.optimization.check import refuse
from assetmix.optimization.frontier import FrontierSpec
from assetmix.optimization.reach import set_aside, total_value
from assetmix.optimization.resolve import Question
from assetmix.optimization.strategy import Strategy
from assetmix.optimization.valued import benchmark_faults, in_weights
from assetmix.persistence import prices, strategies
from assetmix.persistence.optimizations import NewRun
from assetmix.persistence.pairs import find_pair
from assetmix.persistence.session import Connection
from assetmix.services.context import Caller, House
from assetmix.services.freshness import stale_prices
from assetmix.services.ids import new_id
from assetmix.services.kinds import (
    backtest_faults,
    described,
    described_backtest,
    for_backtest,
    frontier_faults,
    pointed,
)
from assetmix.services.portfolios import portfolio_faults
from assetmix.services.risk_models import ChosenModel, choose
from assetmix.services.scopes import scopes_elsewhere
from assetmix.services.settled import settled
from assetmix.services.snapshots import Wanted, freeze, wanted
from assetmix.services.versions import versions

HASH_DIGITS = 32
DEFAULT_SECONDS = 60.0
DEFAULT_GAP = 0.01
MOST_SECONDS, MOST_BACKTEST_SECONDS = 300, 3600
"""How long a run, and a backtest, may be asked to take."""

LETTERS = {"optimization": "O", "frontier": "F", "feasibility": "C", "backtest": "B"}
"""First letter of the id of each kind of run."""


@dataclass(frozen=True, slots=True)
class Customary:
    """The tenant's default risk model if it speaks of so many days, else these estimates."""

    days: float
    risk_model: RiskSpec
    forecast: ForecastSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a caller asks for; portfolio and strategy by name, by number, or given whole.

    `risk_model` names an uploaded model that is used in place of the strategy's; a mixed-integer
    search stops at a proven relative `gap`. A strategy without a risk model may be given a
    `customary` one; its benchmarks may be given in units, to be valued like the holdings.
    """

    portfolio: str | Portfolio
    strategy: str | int | Strategy | None = None
    risk_model: str | None = None
    as_of: dt.date | None = None
    cash_flow: float = 0.0
    what_if: bool = False
    if_running: Literal["queue", "replace", "reject"] = "queue"
    time_limit_seconds: float = DEFAULT_SECONDS
    kind: Literal["optimization", "frontier", "feasibility", "backtest"] = "optimization"
    frontier: FrontierSpec | None = None
    backtest: BacktestSpec | None = None
    gap: float = DEFAULT_GAP
    customary: Customary | None = None
    benchmarks_in_units: bool = False
    after: str | None = None
    """What has happened that makes the same inputs a new question, such as orders that were not executed."""


@dataclass(frozen=True, slots=True)
class _Resolved:
    portfolio: Portfolio
    portfolio_id: str | None
    strategy: Strategy
    strategy_id: int | None
    is_inline: bool
    stored: str | None = None
    """Name of the stored content that the strategy is just as it was read from."""

    def with_strategy(self, strategy: Strategy) -> "_Resolved":
        """The same with a strategy, perhaps the one that it has."""
        return self if strategy is self.strategy else replace(self, strategy=strategy, stored=None)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known to a run, frozen."""

    digest: str
    snapshot: Snapshot
    model: ChosenModel | None


async def prepare(house: House, connection: Connection, caller: Caller, request: Request) -> NewRun:
    """Make the run that a request asks for, storing nothing but the snapshot.

    Raises
    ------
    NotFound
        when portfolio or strategy do not exist
    InvalidRequest
        with every fault that can be found without a solver
    """
    refuse(_patience(request))
    found = await _resolve(connection, caller, request)
    refuse(_strategy_faults(found, request))
    model = await _model(connection, caller, found.strategy, request)
    found = found.with_strategy(_accustomed(found.strategy, model, request.customary))
    snapshot_digest, snapshot = await freeze(house, connection, caller.tenant_id, _wanted(found, request))
    known = _Known(snapshot_digest, snapshot, model)
    if request.benchmarks_in_units:
        found = _valued(found, snapshot)
    applied = _applied(found, request)
    faults = await _check(connection, caller, applied, known, request)
    refuse(faults if request.frontier is None else [pointed(one, found.strategy) for one in faults])
    inputs = _inputs(found, known.model, request, caller.settings)
    what_if = (
        request.what_if
        or request.kind != "optimization"
        or found.is_inline
        or await _is_past(connection, caller, request, known.snapshot)
    )
    named = [found.portfolio_id, what_if, known.digest, inputs, *(() if request.after is None else (request.after,))]
    return NewRun(
        id=new_id(LETTERS[request.kind]),
        kind=request.kind,
        portfolio_id=found.portfolio_id,
        strategy_id=found.strategy_id,
        what_if=what_if,
        optimization_hash=digest(named)[:HASH_DIGITS],
        inputs=inputs,
        snapshot_digest=known.digest,
        model_digest=None if known.model is None else known.model.digest,
        asked_model=request.risk_model,
        request_id=caller.origin.request_id,
        traceparent=caller.origin.traceparent,
        time_limit_seconds=request.time_limit_seconds,
    )


async def _model(connection: Connection, caller: Caller, strategy: Strategy, request: Request) -> ChosenModel | None:
    """Give the uploaded risk model that is used; none was known at the dates of a backtest."""
    if request.backtest is not None:
        return None
    days = None if request.customary is None else request.customary.days
    return await choose(connection, caller.tenant_id, request.risk_model, strategy, days)


def _applied(found: _Resolved, request: Request) -> _Resolved:
    """Give what is solved: of a frontier its strategy with both measures in it."""
    return found if request.frontier is None else found.with_strategy(request.frontier.applied(found.strategy))


def _wanted(found: _Resolved, request: Request) -> Wanted:
    want = wanted(_applied(found, request).strategy, found.portfolio, request.as_of)
    return want if request.backtest is None else for_backtest(want, request.backtest)


def _accustomed(strategy: Strategy, model: ChosenModel | None, customary: Customary | None) -> Strategy:
    if customary is None or model is not None or strategy.risk_model is not None:
        return strategy
    return replace(strategy, risk_model=customary.risk_model, forecast=customary.forecast)


def _valued(found: _Resolved, snapshot: Snapshot) -> _Resolved:
    seen = converted(snapshot, found.portfolio.base_currency, found.portfolio.foreign_currencies)
    refuse(list(benchmark_faults(found.strategy, seen)))
    return found.with_strategy(in_weights(found.strategy, seen.prices))


def _patience(request: Request) -> list[Fault]:
    most = MOST_SECONDS if request.backtest is None else MOST_BACKTEST_SECONDS
    if request.time_limit_seconds <= most:
        return []
    return [Fault("/time_limit_seconds", "limit-exceeded", f"it may take at most {most} seconds")]


def _strategy_faults(found: _Resolved, request: Request) -> list[Fault]:
    if request.frontier is not None:
        return frontier_faults(found.strategy, request.frontier)
    own = [] if request.backtest is None else list(request.backtest.faults())
    return own + [
        Fault(f"/strategy{one.pointer}", one.code, one.detail) for one in settled(found.strategy, found.stored).faults
    ]


async def _check(
    connection: Connection, caller: Caller, found: _Resolved, known: _Known, request: Request
) -> list[Fault]:
    portfolio, strategy = found.portfolio, found.strategy
    if request.backtest is not None:
        question = Question(strategy, portfolio, known.snapshot, "", known.digest)
        elsewhere = await scopes_elsewhere(connection, caller.tenant_id, strategy, known.snapshot)
        return await asyncio.to_thread(backtest_faults, question, request.backtest, elsewhere)
    stale = await stale_prices(connection, caller, known.snapshot, portfolio, request.as_of)
    snapshot = converted(known.snapshot, portfolio.base_currency, portfolio.foreign_currencies)
    value = total_value(portfolio, snapshot) + request.cash_flow - set_aside(portfolio, snapshot)
    model = None if known.model is None else known.model.outline
    elsewhere = await scopes_elsewhere(connection, caller.tenant_id, strategy, snapshot)
    return check_application(Application(strategy, portfolio, snapshot, model, value, elsewhere)) + stale


async def _is_past(connection: Connection, caller: Caller, request: Request, snapshot: Snapshot) -> bool:
    if request.as_of is None:
        return False
    return await prices.has_later(connection, caller.tenant_id, snapshot.universe.ids, request.as_of)


async def _resolve(connection: Connection, caller: Caller, request: Request) -> _Resolved:
    stored = known = None
    if isinstance(request.portfolio, str):
        named = None if isinstance(request.strategy, Strategy) else request.strategy
        stored, known = await find_pair(connection, caller.tenant_id, request.portfolio, named)
        if stored is None:
            raise NotFound("no such portfolio")
    portfolio = stored.portfolio if stored is not None else request.portfolio
    if isinstance(portfolio, str):
        raise NotFound("no such portfolio")
    refuse(portfolio_faults(portfolio, "/portfolio"))
    portfolio_id = None if stored is None else stored.id
    chosen = request.strategy if request.strategy is not None else portfolio.strategy
    if isinstance(chosen, Strategy):
        return _Resolved(portfolio, portfolio_id, chosen, None, is_inline=True)
    if known is None or chosen not in {known.name, known.strategy_id}:
        known = await find_strategy(connection, caller, chosen)
    is_inline = stored is None
    return _Resolved(portfolio, portfolio_id, known.strategy, known.strategy_id, is_inline, known.digest)


async def find_strategy(connection: Connection, caller: Caller, chosen: str | int | None) -> strategies.StoredStrategy:
    """Give a strategy by name or number.

    Raises
    ------
    InvalidRequest
        when none is named
    NotFound
        when there is none
    """
    if chosen is None:
        cure = "name a strategy in the request, or give the portfolio one"
        raise InvalidRequest(cure, [Fault("/strategy", "missing", cure)])
    if isinstance(chosen, int):
        known = await strategies.find_strategy_by_id(connection, caller.tenant_id, chosen)
    else:
        known = await strategies.find_strategy(connection, caller.tenant_id, chosen)
    if known is None:
        raise NotFound("no such strategy")
    return known


def _inputs(
    found: _Resolved, model: ChosenModel | None, request: Request, settings: Mapping[str, Any]
) -> dict[str, Any]:
    strategy = settled(found.strategy, found.stored)
    return {
        "portfolio": PORTFOLIO.write(found.portfolio),
        "strategy": strategy.document,
        "strategy_key": strategy.key,
        "risk_model": None if model is None else {"name": model.name, "digest": model.digest},
        "cash_flow": request.cash_flow,
        "gap": request.gap,
        "quantity_type": found.portfolio.quantity_type or settings.get("quantity_type", "UNITS"),
        "versions": versions(),
        **({} if request.kind == "optimization" else {"kind": request.kind}),
        **({} if request.frontier is None else {"frontier": described(request.frontier)}),
        **({} if request.backtest is None else {"backtest": described_backtest(request.backtest)}),
    }
