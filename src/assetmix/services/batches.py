"""Batches: one strategy applied to many stored portfolios, as one run with an answer of its own for each."""

import asyncio
import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from assetmix.codec.documents import STRATEGY, digest
from assetmix.domain.instrument import cash_key
from assetmix.domain.portfolio import Portfolio
from assetmix.errors import Fault, InvalidRequest, LimitExceeded, NotFound
from assetmix.optimization.application import Application, check_application
from assetmix.optimization.check import check_strategy, refuse
from assetmix.optimization.strategy import Strategy
from assetmix.persistence import batches
from assetmix.persistence.batches import Account, Chunk, Item, Selection, Sought
from assetmix.persistence.optimizations import NewRun, Run
from assetmix.persistence.session import Connection
from assetmix.services.context import Caller, House
from assetmix.services.freshness import stale_prices
from assetmix.services.idempotency import Once, Repeated, Submitted, carry_out
from assetmix.services.ids import new_id
from assetmix.services.optimizations import get_run, ring_for, store_new
from assetmix.services.preparation import HASH_DIGITS, find_strategy
from assetmix.services.risk_models import ChosenModel, choose
from assetmix.services.scopes import scopes_elsewhere
from assetmix.services.snapshots import freeze, wanted
from assetmix.services.versions import versions

MOST_ACCOUNTS = 20_000
MOST_BATCH_SECONDS = 14_400

CHUNK = 100
"""Accounts that one worker takes at a time, and that are answered again where it is lost: well below a second's work
of a small problem, and enough of them that taking a chunk costs nothing beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRequest:
    """What a caller asks for; portfolios by their names, or those that a selection means.

    `seconds_each` is what one account may take, `time_limit_seconds` all of them together.
    """

    strategy: str | Strategy
    portfolios: tuple[str, ...] | None = None
    selection: Selection | None = None
    risk_model: str | None = None
    as_of: dt.date | None = None
    gap: float = 0.01
    seconds_each: float = 30.0
    time_limit_seconds: float = 3600.0


async def submit_once(house: House, caller: Caller, request: BatchRequest, once: Once | None) -> Submitted | Repeated:
    """Store a batch and ring the bell, unless it was done before under the idempotency key.

    Raises
    ------
    NotFound
        when the strategy does not exist
    InvalidRequest
        when a portfolio does not exist, or the strategy could not be applied to any
    """
    async with house.database.transaction(caller.tenant_id) as connection:

        async def step() -> Run:
            return await _store(house, connection, caller, request)

        outcome = Submitted(await step()) if once is None else await carry_out(connection, caller, once, step)
    if isinstance(outcome, Submitted):
        ring_for(house, outcome.run)
    return outcome


async def items(house: House, caller: Caller, run_id: str, sought: Sought) -> list[Item]:
    """Give items of a batch as far as they are answered; without their results.

    Raises
    ------
    NotFound
        when there is no such batch
    """
    await get_run(house, caller, run_id, kind="batch")
    async with house.database.transaction(caller.tenant_id) as connection:
        return await batches.list_items(connection, caller.tenant_id, run_id, sought)


async def item(house: House, caller: Caller, run_id: str, number: int) -> Item:
    """Give one item with its result.

    Raises
    ------
    NotFound
        when there is no such batch, or the item is not answered yet
    """
    await get_run(house, caller, run_id, kind="batch")
    async with house.database.transaction(caller.tenant_id) as connection:
        found = await batches.find_item(connection, caller.tenant_id, run_id, number)
    if found is None:
        raise NotFound("no such item, or it has no answer yet")
    return found


async def counts(house: House, caller: Caller, run: Run) -> dict[str, int]:
    """Count the items of a batch by status, those that wait for an answer too."""
    async with house.database.transaction(caller.tenant_id) as connection:
        known = await batches.count_by_status(connection, caller.tenant_id, run.id)
    return known | {"open": int(run.inputs["count"]) - sum(known.values())}


async def _store(house: House, connection: Connection, caller: Caller, request: BatchRequest) -> Run:
    strategy, strategy_id = await _strategy(connection, caller, request.strategy)
    refuse([replace(one, pointer=f"/strategy{one.pointer}") for one in check_strategy(strategy)])
    accounts = await _accounts(connection, caller, request)
    together = await asyncio.to_thread(_together, accounts)
    model = await choose(connection, caller.tenant_id, request.risk_model, strategy, None)
    applied = _Applied(strategy, strategy_id, model, together, request)
    frozen = await _frozen(house, connection, caller, applied)
    chunks = await asyncio.to_thread(_chunks, accounts)
    new = _new_run(caller, applied, frozen, chunks)
    run = await store_new(house, connection, caller, new)
    if run.id == new.id:
        await batches.add_chunks(connection, caller.tenant_id, run.id, chunks)
    return run


async def _strategy(connection: Connection, caller: Caller, chosen: str | Strategy) -> tuple[Strategy, int | None]:
    if isinstance(chosen, Strategy):
        return chosen, None
    known = await find_strategy(connection, caller, chosen)
    return known.strategy, known.strategy_id


async def _accounts(connection: Connection, caller: Caller, request: BatchRequest) -> list[Account]:
    if request.portfolios is None:
        which = request.selection or Selection()
        found = await batches.selected_accounts(connection, caller.tenant_id, which, MOST_ACCOUNTS)
        if not found:
            cure = "no portfolio is meant by the query; PUT /v1/portfolios first, or ask for others"
            raise InvalidRequest(cure, [Fault("/query", "no-portfolios", cure)])
    else:
        _require_few(len(request.portfolios), "/portfolios")
        known = await batches.named_accounts(connection, caller.tenant_id, request.portfolios)
        refuse(_missing(request.portfolios, known))
        found = [known[name] for name in request.portfolios]
    _require_few(len(found), "/query")
    return found


def _missing(names: Sequence[str], known: dict[str, Account]) -> list[Fault]:
    cure = "no such portfolio; PUT /v1/portfolios first"
    faults = [Fault(f"/portfolios/{i}", "not-found", cure) for i, name in enumerate(names) if name not in known]
    twice = "the portfolio is named twice; name it once"
    seen: set[str] = set()
    for i, name in enumerate(names):
        if name in known and known[name].portfolio_id in seen:
            faults.append(Fault(f"/portfolios/{i}", "duplicate", twice))
        seen |= {known[name].portfolio_id} if name in known else set()
    if not names:
        faults.append(Fault("/portfolios", "no-portfolios", "name at least one portfolio, or give a query"))
    return faults


def _require_few(count: int, pointer: str) -> None:
    if count > MOST_ACCOUNTS:
        detail = f"a batch has at most {MOST_ACCOUNTS:,} portfolios; send several"
        raise LimitExceeded(detail, [Fault(pointer, "limit-exceeded", detail)])


def _together(accounts: Sequence[Account]) -> Portfolio:
    """A portfolio that holds one unit of everything that any account holds or is measured against."""
    held: dict[str, float] = {}
    benchmark: dict[str, float] = {}
    currencies: dict[str, int] = {}
    for one in accounts:
        document = json.loads(one.document)
        currencies[document["base_currency"]] = currencies.get(document["base_currency"], 0) + 1
        held |= dict.fromkeys(document["holdings"], 1.0)
        benchmark |= document.get("benchmark") or {}
    base = max(currencies, key=lambda one: (currencies[one], one))
    return Portfolio(
        base_currency=base,
        holdings=held | {cash_key(one): 1.0 for one in currencies},
        benchmark=benchmark,
    )


@dataclass(frozen=True, slots=True)
class _Applied:
    """A strategy, the uploaded risk model that it uses, and what all accounts hold together."""

    strategy: Strategy
    strategy_id: int | None
    model: ChosenModel | None
    together: Portfolio
    request: BatchRequest


async def _frozen(house: House, connection: Connection, caller: Caller, applied: _Applied) -> str:
    """Freeze what is known of everything that any account concerns, and check the strategy against it.

    What is wrong with single accounts is found when they are answered.
    """
    strategy, together, as_of = applied.strategy, applied.together, applied.request.as_of
    known, snapshot = await freeze(house, connection, caller.tenant_id, wanted(strategy, together, as_of))
    outline = None if applied.model is None else applied.model.outline
    elsewhere = await scopes_elsewhere(connection, caller.tenant_id, strategy, snapshot)
    money = {cash_key(together.base_currency): 1.0}
    alone = together if strategy.universe is None else replace(together, holdings=money)
    faults = check_application(Application(strategy, alone, snapshot, outline, 1.0, elsewhere))
    stale = await stale_prices(connection, caller, snapshot, together, as_of)
    refuse([one for one in faults if not one.pointer.startswith("/portfolio")] + stale)
    return known


def _chunks(accounts: Sequence[Account]) -> list[Chunk]:
    chunks = []
    for number, first in enumerate(range(0, len(accounts), CHUNK)):
        some = accounts[first : first + CHUNK]
        parts = (_written(first + place, one) for place, one in enumerate(some))
        chunks.append(Chunk(number, first, len(some), f"[{','.join(parts)}]"))
    return chunks


def _written(number: int, one: Account) -> str:
    named = {"number": number, "portfolio_id": one.portfolio_id, "client_reference": one.client_reference}
    return f'{json.dumps(named)[:-1]}, "portfolio": {one.document}}}'


def _new_run(caller: Caller, applied: _Applied, snapshot_digest: str, chunks: Sequence[Chunk]) -> NewRun:
    written, model, request = STRATEGY.write(applied.strategy), applied.model, applied.request
    inputs: dict[str, Any] = {
        "kind": "batch",
        "strategy": written,
        "strategy_key": digest(written),
        "risk_model": None if model is None else {"name": model.name, "digest": model.digest},
        "cash_flow": 0.0,
        "gap": request.gap,
        "seconds_each": request.seconds_each,
        "count": sum(one.count for one in chunks),
        "accounts": hashlib.sha256("".join(one.accounts for one in chunks).encode()).hexdigest(),
        "versions": versions(),
    }
    return NewRun(
        id=new_id("A"),
        kind="batch",
        portfolio_id=None,
        strategy_id=applied.strategy_id,
        what_if=True,
        optimization_hash=digest([snapshot_digest, inputs])[:HASH_DIGITS],
        inputs=inputs,
        snapshot_digest=snapshot_digest,
        model_digest=None if model is None else model.digest,
        asked_model=request.risk_model,
        request_id=caller.origin.request_id,
        traceparent=caller.origin.traceparent,
        time_limit_seconds=request.time_limit_seconds,
    )
