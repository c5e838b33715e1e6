"""Runs: requested, found again when the inputs are the same, looked up, cancelled."""

from collections.abc import Mapping
from dataclasses import dataclass

from assetmix.errors import Conflict, Fault, InProgress, InvalidRequest, NoOptimization, NotFound, QuotaExceeded
from assetmix.optimization.strategy import Strategy
from assetmix.persistence import optimizations, outcomes, portfolios, strategies
from assetmix.persistence.journal import note
from assetmix.persistence.optimizations import NewRun, Room, Run
from assetmix.persistence.outcomes import Actor
from assetmix.persistence.portfolios import StoredPortfolio
from assetmix.persistence.session import Connection
from assetmix.services.context import Caller, House, entry
from assetmix.services.idempotency import Once, Repeated, Submitted, carry_out
from assetmix.services.preparation import Request, prepare
from assetmix.services.risk_models import choose
from assetmix.services.snapshots import freeze, wanted
from assetmix.services.tenant_settings import effective

__all__ = ["Request", "cancel", "check_only", "get_run", "latest", "list_runs", "submit", "submit_once"]

LOOKS = 3


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
    async with house.database.transaction(caller.tenant_id) as connection:
        run = await store(house, connection, caller, request)
    ring_for(house, run)
    return run


async def submit_once(house: House, caller: Caller, request: Request, once: Once | None) -> Submitted | Repeated:
    """Do the same for a request with an idempotency key, unless it was done before.

    Raises
    ------
    KeyInUse, KeyReused
        when the key is taken; else as `submit` does
    """
    if once is None:
        return Submitted(await submit(house, caller, request))
    async with house.database.transaction(caller.tenant_id) as connection:
        outcome = await carry_out(connection, caller, once, lambda: store(house, connection, caller, request))
    if isinstance(outcome, Submitted):
        ring_for(house, outcome.run)
    return outcome


async def submit_all(house: House, caller: Caller, requests: Mapping[str, Request]) -> list[Run]:
    """Store runs, all or none; each request by the pointer to what asks for it.

    Raises
    ------
    InvalidRequest
        with the faults of the first request that cannot be run, and the pointer to it
    """
    runs = []
    async with house.database.transaction(caller.tenant_id) as connection:
        for pointer, request in requests.items():
            try:
                runs.append(await store(house, connection, caller, request))
            except NotFound as error:
                raise InvalidRequest(error.message, [Fault(pointer, "not-found", error.message)]) from None
    for run in runs:
        ring_for(house, run)
    return runs


@dataclass(frozen=True, slots=True)
class Which:
    """A run by its id, or by its portfolio and its strategy."""

    run_id: str | None
    portfolio: str | None
    strategy_id: int | None


async def find(house: House, caller: Caller, kind: str, which: Which) -> Run:
    """Give a run of a kind by its id, or the newest one that a portfolio has with a strategy.

    Raises
    ------
    InvalidRequest
        when neither is named
    NotFound
        when there is no such run or portfolio, or none was ever requested
    """
    if which.run_id is not None:
        return await get_run(house, caller, which.run_id, kind=kind)
    if which.portfolio is None or which.strategy_id is None:
        detail = "name the run by id, or by client_reference and strategy_id"
        raise InvalidRequest(detail, [Fault("/id", "missing", detail)])
    return await _newest(house, caller, kind, which.portfolio, which.strategy_id)


async def _newest(house: House, caller: Caller, kind: str, portfolio: str, strategy_id: int) -> Run:
    async with house.database.transaction(caller.tenant_id) as connection:
        stored = await portfolios.find_portfolio(connection, caller.tenant_id, portfolio)
        run = None
        if stored is not None:
            run = await optimizations.find_of_strategy(connection, caller.tenant_id, kind, stored.id, strategy_id)
    if run is None:
        raise NotFound("nothing was ever requested for this portfolio with this strategy")
    return run


async def check_only(house: House, caller: Caller, request: Request) -> None:
    """Refuse a request that could not be run, storing no run."""
    async with house.database.transaction(caller.tenant_id) as connection:
        await prepare(house, connection, caller, request)


async def get_run(house: House, caller: Caller, run_id: str, *, kind: str | None = None) -> Run:
    """Give one run, of a given kind if one is named.

    Raises
    ------
    NotFound
        when there is none
    """
    async with house.database.statement() as connection:
        run = await optimizations.find_run(connection, caller.tenant_id, run_id)
    if run is None or kind not in {None, run.kind}:
        raise NotFound(f"no such {kind or 'optimization'}")
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
    async with house.database.transaction(caller.tenant_id) as connection:
        stored = await portfolios.find_portfolio(connection, caller.tenant_id, portfolio)
        if stored is None:
            raise NotFound("no such portfolio")
        run = await optimizations.find_latest(connection, caller.tenant_id, stored.id)
        if run is None:
            raise NoOptimization("no optimization was ever requested for this portfolio")
        return run, not run.is_active and await _has_changed(house, connection, run, stored)


async def superseded(house: House, caller: Caller, runs: list[Run]) -> list[bool]:
    """Say of each run of one portfolio whether a later one was asked for, or its inputs have changed since."""
    if not runs or runs[0].portfolio_id is None:
        return [False] * len(runs)
    async with house.database.transaction(caller.tenant_id) as connection:
        stored = await portfolios.find_portfolio(connection, caller.tenant_id, runs[0].portfolio_id)
        if stored is None:
            return [True] * len(runs)
        newest = await optimizations.find_latest(connection, caller.tenant_id, stored.id)
        if newest is None:
            return [False] * len(runs)
        changed = not newest.is_active and await _has_changed(house, connection, newest, stored)
    return [changed if run.id == newest.id else not run.what_if for run in runs]


async def list_runs(
    house: House, caller: Caller, where: dict[str, str | None], before: str | None, limit: int
) -> list[Run]:
    """Give runs, newest first; `where` may name `portfolio`, `status` and `kind` (else optimizations)."""
    async with house.database.transaction(caller.tenant_id) as connection:
        portfolio = where.get("portfolio")
        stored = None if portfolio is None else await portfolios.find_portfolio(connection, caller.tenant_id, portfolio)
        if portfolio is not None and stored is None:
            return []
        named = {"portfolio_id": None if stored is None else stored.id, "status": where.get("status")} | {
            "kind": where.get("kind") or "optimization"
        }
        return await optimizations.list_runs(connection, {"tenant_id": caller.tenant_id, **named}, before, limit)


async def page_of_portfolio(
    house: House, caller: Caller, portfolio_id: str, offset: int, limit: int
) -> tuple[list[Run], int]:
    """Give runs of a portfolio that may become its latest, newest first; and how many there are in all."""
    async with house.database.transaction(caller.tenant_id) as connection:
        return await optimizations.page_of_portfolio(connection, caller.tenant_id, portfolio_id, offset, limit)


async def cancel(house: House, caller: Caller, run_id: str) -> Run:
    """Cancel a run: at once if it is queued, else within seconds.

    Raises
    ------
    Conflict
        when it has ended otherwise
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        if await outcomes.cancel(connection, caller.tenant_id, run_id, _actor(caller)):
            await note(connection, caller.tenant_id, entry(caller, "optimization.cancel", run_id))
    run = await get_run(house, caller, run_id)
    if not run.is_active and run.status != "cancelled":
        raise Conflict(f"the optimization has already {run.status}")
    return run


def ring_for(house: House, run: Run) -> None:
    """Ring for a run that was stored, if it waits; after the transaction that stored it."""
    if run.status == "queued":
        house.bell.ring()


async def store(house: House, connection: Connection, caller: Caller, request: Request) -> Run:
    """Store a run in a transaction of the caller's, who rings when that has ended; raises what `submit` raises."""
    new = await prepare(house, connection, caller, request)
    if new.portfolio_id is None or request.if_running == "queue":
        return await store_new(house, connection, caller, new)
    same = await same_run(connection, caller, new)
    await _make_way(connection, caller, new.portfolio_id, request, same)
    return same or await store_new(house, connection, caller, new)


async def store_new(house: House, connection: Connection, caller: Caller, new: NewRun) -> Run:
    """Store a run that is prepared, or give the one that answers it already.

    Raises
    ------
    QuotaExceeded
        when too many runs of the tenant wait or run
    """
    asked = entry(caller, "optimization.request", new.id, optimization_hash=new.optimization_hash)
    room = Room(effective(house.settings, caller.settings)["active_runs"], house.settings.ring_seconds)
    for _ in range(LOOKS):
        run = await optimizations.add_run(connection, caller.tenant_id, new, asked, room)
        run = run or await same_run(connection, caller, new)
        if run is not None:
            return run
        if await optimizations.count_active(connection, caller.tenant_id) >= room.most:
            raise QuotaExceeded(f"{room.most} runs wait or run already; ask again when some have ended")
    raise Conflict("other runs of yours have just ended; ask again")


async def same_run(connection: Connection, caller: Caller, new: NewRun) -> Run | None:
    """Give the run that answers a request already; one that ends while it is looked at is looked for again."""
    for _ in range(LOOKS):
        same = await optimizations.find_same(connection, caller.tenant_id, new.optimization_hash)
        if same is None or await optimizations.ask_again(connection, same, new.asked_model):
            return same
    return None


async def _make_way(
    connection: Connection, caller: Caller, portfolio_id: str, request: Request, same: Run | None
) -> None:
    """Do what the caller wants done with other runs of the portfolio."""
    kept = None if same is None else same.id
    if request.if_running == "replace":
        await outcomes.supersede(connection, caller.tenant_id, portfolio_id, _actor(caller), kept)
    if request.if_running == "reject" and same is None:
        active = await optimizations.find_active(connection, caller.tenant_id, portfolio_id)
        if active is not None:
            fault = Fault("/if_running", "optimization-in-progress", active.id)
            raise InProgress(f"optimization {active.id} of this portfolio has not ended yet", [fault])


def _actor(caller: Caller) -> Actor:
    return Actor(caller.key_id, caller.request_id)


async def _has_changed(house: House, connection: Connection, run: Run, stored: StoredPortfolio) -> bool:
    if run.snapshot_digest is None:
        return bool(stored.document != run.inputs["portfolio"])
    strategy = await strategies.find_strategy_by_id(connection, run.tenant_id, run.strategy_id or 0)
    if strategy is None or strategy.document != run.inputs["strategy"]:
        return True
    if stored.document != run.inputs["portfolio"]:
        return True
    if await _model_now(connection, run, strategy.strategy) != run.model_digest:
        return True
    want = wanted(strategy.strategy, stored.portfolio, None)
    digest_now, _ = await freeze(house, connection, run.tenant_id, want)
    return digest_now != run.snapshot_digest


async def _model_now(connection: Connection, run: Run, strategy: Strategy) -> str | None:
    """Digest of the risk model that the run would use now; empty where its name is gone."""
    try:
        model = await choose(connection, run.tenant_id, run.asked_model, strategy)
    except InvalidRequest:
        return ""
    return None if model is None else model.digest
