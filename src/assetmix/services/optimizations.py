"""Runs: requested, found again when the inputs are the same, looked up, cancelled."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from assetmix.codec.documents import PORTFOLIO, STRATEGY, digest
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.errors import Conflict, Fault, InProgress, InvalidRequest, NoOptimization, NotFound
from assetmix.optimization.application import check_application
from assetmix.optimization.check import check_strategy, refuse
from assetmix.optimization.reach import total_value
from assetmix.optimization.strategy import Strategy
from assetmix.persistence import optimizations, portfolios, prices, strategies
from assetmix.persistence.optimizations import NewRun, Run
from assetmix.persistence.portfolios import StoredPortfolio
from assetmix.persistence.session import Connection
from assetmix.services.context import Caller, House
from assetmix.services.ids import new_id
from assetmix.services.portfolios import portfolio_faults
from assetmix.services.snapshots import freeze, wanted
from assetmix.services.versions import versions

HASH_DIGITS = 32
DEFAULT_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a caller asks for; portfolio and strategy by name, by number, or given whole."""

    portfolio: str | Portfolio
    strategy: str | int | Strategy | None = None
    as_of: dt.date | None = None
    cash_flow: float = 0.0
    what_if: bool = False
    if_running: Literal["queue", "replace", "reject"] = "queue"
    time_limit_seconds: float = DEFAULT_SECONDS


@dataclass(frozen=True, slots=True)
class _Resolved:
    portfolio: Portfolio
    portfolio_id: str | None
    strategy: Strategy
    strategy_id: int | None
    is_inline: bool


async def submit(house: House, caller: Caller, request: Request) -> Run:
    """Store a run and ring the bell; the same inputs give the run that answers them already.

    Raises
    ------
    NotFound
        when portfolio or strategy do not exist
    InvalidRequest
        with every fault that can be found without a solver
    InProgress
        when another run of the portfolio is active and the caller asked to be refused then
    """
    async with house.database.transaction() as connection:
        run = await _store(house, connection, caller, request)
    if run.status == "queued":
        house.bell.ring()
    return run


async def check_only(house: House, caller: Caller, request: Request) -> None:
    """Refuse a request that could not be run, storing no run."""
    async with house.database.transaction() as connection:
        await _prepare(house, connection, caller, request)


async def get_run(house: House, caller: Caller, run_id: str) -> Run:
    """Give one run.

    Raises
    ------
    NotFound
        when there is none
    """
    async with house.database.look() as connection:
        run = await optimizations.find_run(connection, caller.tenant_id, run_id)
    if run is None:
        raise NotFound("no such optimization")
    return run


async def latest(house: House, caller: Caller, portfolio: str) -> tuple[Run, bool]:
    """Give the run that was requested last for a portfolio, and whether its inputs have changed since.

    Raises
    ------
    NotFound
        when there is no such portfolio
    NoOptimization
        when none was ever requested
    """
    async with house.database.transaction() as connection:
        stored = await portfolios.find_portfolio(connection, caller.tenant_id, portfolio)
        if stored is None:
            raise NotFound("no such portfolio")
        run = await optimizations.find_latest(connection, caller.tenant_id, stored.id)
        if run is None:
            raise NoOptimization("no optimization was ever requested for this portfolio")
        return run, not run.is_active and await _has_changed(house, connection, run, stored)


async def list_runs(
    house: House, caller: Caller, where: dict[str, str | None], before: str | None, limit: int
) -> list[Run]:
    """Give runs, newest first; `where` may name `portfolio` and `status`."""
    async with house.database.transaction() as connection:
        portfolio = where.get("portfolio")
        stored = None if portfolio is None else await portfolios.find_portfolio(connection, caller.tenant_id, portfolio)
        if portfolio is not None and stored is None:
            return []
        named = {"portfolio_id": None if stored is None else stored.id, "status": where.get("status")}
        return await optimizations.list_runs(connection, {"tenant_id": caller.tenant_id, **named}, before, limit)


async def cancel(house: House, caller: Caller, run_id: str) -> Run:
    """Cancel a run: at once if it is queued, else within seconds.

    Raises
    ------
    Conflict
        when it has ended otherwise
    """
    async with house.database.transaction() as connection:
        asked = await optimizations.ask_to_cancel(connection, caller.tenant_id, run_id)
    run = asked or await get_run(house, caller, run_id)
    if not run.is_active and run.status != "cancelled":
        raise Conflict(f"the optimization has already {run.status}")
    return run


async def _store(house: House, connection: Connection, caller: Caller, request: Request) -> Run:
    new = await _prepare(house, connection, caller, request)
    same = await optimizations.find_same(connection, caller.tenant_id, new.optimization_hash)
    if same is not None:
        await optimizations.ask_again(connection, same)
        return same
    if new.portfolio_id is not None:
        await _make_way(connection, caller, new.portfolio_id, request)
    run = await optimizations.add_run(connection, caller.tenant_id, new, house.settings.ring_seconds)
    if run is not None:
        return run
    same = await optimizations.find_same(connection, caller.tenant_id, new.optimization_hash)
    if same is None:
        raise Conflict("another request with the same inputs has just ended; ask again")
    return same


async def _make_way(connection: Connection, caller: Caller, portfolio_id: str, request: Request) -> None:
    if request.if_running == "replace":
        await optimizations.supersede(connection, caller.tenant_id, portfolio_id)
    if request.if_running == "reject":
        active = await optimizations.find_active(connection, caller.tenant_id, portfolio_id)
        if active is not None:
            fault = Fault("/if_running", "optimization-in-progress", active.id)
            raise InProgress(f"optimization {active.id} of this portfolio has not ended yet", [fault])


async def _prepare(house: House, connection: Connection, caller: Caller, request: Request) -> NewRun:
    found = await _resolve(connection, caller, request)
    refuse([Fault(f"/strategy{one.pointer}", one.code, one.detail) for one in check_strategy(found.strategy)])
    want = wanted(found.strategy, found.portfolio, request.as_of)
    snapshot_digest, snapshot = await freeze(house, connection, caller.tenant_id, want)
    value = total_value(found.portfolio, snapshot) + request.cash_flow
    refuse(check_application(found.strategy, found.portfolio, snapshot, value))
    inputs = _inputs(found, request, caller.settings)
    what_if = request.what_if or found.is_inline or await _is_past(connection, caller, request, snapshot)
    named = [found.portfolio_id, what_if, snapshot_digest, inputs]
    return NewRun(
        id=new_id("O"),
        portfolio_id=found.portfolio_id,
        strategy_id=found.strategy_id,
        what_if=what_if,
        optimization_hash=digest(named)[:HASH_DIGITS],
        inputs=inputs,
        snapshot_digest=snapshot_digest,
        time_limit_seconds=request.time_limit_seconds,
    )


async def _is_past(connection: Connection, caller: Caller, request: Request, snapshot: Snapshot) -> bool:
    if request.as_of is None:
        return False
    return await prices.has_later(connection, caller.tenant_id, snapshot.universe.ids, request.as_of)


async def _has_changed(house: House, connection: Connection, run: Run, stored: StoredPortfolio) -> bool:
    strategy = await strategies.find_strategy_by_id(connection, run.tenant_id, run.strategy_id or 0)
    if strategy is None or strategy.document != run.inputs["strategy"]:
        return True
    if stored.document != run.inputs["portfolio"]:
        return True
    want = wanted(strategy.strategy, stored.portfolio, None)
    digest_now, _ = await freeze(house, connection, run.tenant_id, want)
    return digest_now != run.snapshot_digest


async def _resolve(connection: Connection, caller: Caller, request: Request) -> _Resolved:
    stored = None
    if isinstance(request.portfolio, str):
        stored = await portfolios.find_portfolio(connection, caller.tenant_id, request.portfolio, lock=True)
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
    known = await _find_strategy(connection, caller, chosen)
    return _Resolved(portfolio, portfolio_id, known.strategy, known.strategy_id, is_inline=stored is None)


async def _find_strategy(connection: Connection, caller: Caller, chosen: str | int | None) -> strategies.StoredStrategy:
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


def _inputs(found: _Resolved, request: Request, settings: Mapping[str, Any]) -> dict[str, Any]:
    strategy = STRATEGY.write(found.strategy)
    return {
        "portfolio": PORTFOLIO.write(found.portfolio),
        "strategy": strategy,
        "strategy_key": digest(strategy),
        "cash_flow": request.cash_flow,
        "quantity_type": found.portfolio.quantity_type or settings.get("quantity_type", "UNITS"),
        "versions": versions(),
    }
