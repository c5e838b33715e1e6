"""Runs as callers see them: requested, looked up, listed."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from pydantic_core import from_json
from sqlalchemy.dialects.postgresql import ARRAY, JSON, insert

from assetmix.persistence import journal
from assetmix.persistence.journal import Entry
from assetmix.persistence.prepared import Prepared
from assetmix.persistence.run_rows import jobs, optimizations
from assetmix.persistence.session import Connection, Driver

ACTIVE = ("queued", "running")
REUSABLE = (*ACTIVE, "succeeded", "infeasible")
"""Statuses of runs that answer a request with the same inputs; others are run again."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run, as stored; what it was asked and what came of it are read when they are looked at."""

    tenant_id: str
    id: str
    portfolio_id: str | None
    strategy_id: int | None
    status: str
    what_if: bool
    kind: str
    optimization_hash: str
    inputs_text: str
    snapshot_digest: str | None
    model_digest: str | None = None
    asked_model: str | None = None
    time_limit_seconds: float
    progress: float
    request_id: str | None
    traceparent: str | None
    attempt: int
    worker: str | None
    queued_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    result_text: str | None
    error: dict[str, Any] | None
    timings: dict[str, float] | None

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """What its answer depends on."""
        read: dict[str, Any] = from_json(self.inputs_text)
        return read

    @cached_property
    def result(self) -> dict[str, Any] | None:
        """What came of it."""
        read: dict[str, Any] | None = None if self.result_text is None else from_json(self.result_text)
        return read

    @property
    def is_active(self) -> bool:
        """Whether the run has not ended yet."""
        return self.status in ACTIVE

    @property
    def trace_id(self) -> str | None:
        """The trace that the run belongs to."""
        return None if self.traceparent is None else self.traceparent.split("-")[1]

    @property
    def tag(self) -> str:
        """Names what a caller sees of the run."""
        return f"{self.id[-8:]}-{self.status}-{self.attempt}-{round(1000 * self.progress)}"


TEXTS = {"inputs_text": "inputs", "result_text": "result"}
"""Documents that are not read before they are looked at, by the names that their texts have here."""

STORED = tuple(optimizations.c[TEXTS.get(name, name)] for name in Run.__dataclass_fields__)
"""What a run is read from."""


def reading(source: sa.FromClause, *, without: str = "") -> list[sa.ColumnElement[Any]]:
    """Columns that `run_of` reads, of anything that has those of the table; all but one, if one is named."""
    texts = {name: sa.cast(source.c[column], sa.Text).label(name) for name, column in TEXTS.items()}
    return [texts[name] if name in texts else source.c[name] for name in Run.__dataclass_fields__ if name != without]


COLUMNS = reading(optimizations)
WITHOUT_RESULT = [*reading(optimizations, without="result_text"), sa.cast(sa.null(), sa.Text).label("result_text")]


def _newest(*where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    mine = optimizations.c.tenant_id == sa.bindparam("tenant_id")
    order = (optimizations.c.requested_at.desc(), optimizations.c.id.desc())
    return sa.select(*COLUMNS).where(mine, *where).order_by(*order).limit(1)


_PORTFOLIO = optimizations.c.portfolio_id == sa.bindparam("portfolio_id")
_FOUND = sa.func.run_of(sa.bindparam("tenant_id"), sa.bindparam("run_id")).table_valued(
    *(sa.column(one.name, one.type) for one in STORED)
)
_BY_ID = Prepared(sa.select(*reading(_FOUND)))
_BY_HASH = _newest(
    optimizations.c.optimization_hash == sa.bindparam("optimization_hash"), optimizations.c.status.in_(REUSABLE)
)
_ACTIVE = _newest(_PORTFOLIO, optimizations.c.status.in_(ACTIVE))
_LATEST = _newest(_PORTFOLIO, ~optimizations.c.what_if)
_OF_STRATEGY = _newest(
    _PORTFOLIO,
    optimizations.c.strategy_id == sa.bindparam("strategy_id"),
    optimizations.c.kind == sa.bindparam("kind"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What a run is requested with."""

    id: str
    portfolio_id: str | None
    strategy_id: int | None
    what_if: bool
    kind: str = "optimization"
    optimization_hash: str
    inputs: dict[str, Any]
    snapshot_digest: str | None
    time_limit_seconds: float
    model_digest: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    asked_model: str | None = None
    """Risk model that the request itself named; a run may use another one, or the tenant's default."""


def _adding() -> Prepared:
    """Store a queued run, its job and the audit entry of who asked, unless there is one like it, or no room."""
    # not now(), which is when the transaction began: before it waited for the portfolio's lock
    moment = sa.func.clock_timestamp()
    given: dict[str, sa.ColumnElement[Any]] = {
        name: sa.bindparam(f"new_{name}", type_=optimizations.c[name].type) for name in _GIVEN
    }
    given["inputs"] = sa.cast(sa.bindparam("new_inputs", type_=sa.Text), JSON)
    values = given | {"queued_at": moment, "requested_at": moment}
    same = sa.exists().where(
        optimizations.c.tenant_id == given["tenant_id"],
        optimizations.c.optimization_hash == given["optimization_hash"],
        optimizations.c.status == sa.any_(sa.literal(list(REUSABLE), ARRAY(sa.Text))),
    )
    active = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.tenant_id == given["tenant_id"])
    has_room = active.scalar_subquery() < sa.bindparam("most", type_=sa.Integer)
    one = insert(optimizations).from_select(list(values), sa.select(*values.values()).where(~same, has_room))
    added = one.on_conflict_do_nothing().returning(*STORED).cte("added")
    # a backtest takes minutes and changes nothing: other runs of its portfolio need not wait for it; a batch has none
    portfolio_id = sa.case((added.c.kind == "backtest", sa.null()), else_=added.c.portfolio_id)
    due = sa.func.now() + sa.bindparam("ring", type_=sa.Interval)
    job = sa.select(added.c.tenant_id, added.c.id, portfolio_id, added.c.queued_at, due)
    queued = sa.insert(jobs).from_select(["tenant_id", "run_id", "portfolio_id", "queued_at", "ring_at"], job)
    told = sa.select(*reading(added, without="inputs_text"))
    return Prepared(told.add_cte(queued.cte("queued"), journal.noting(added).cte("noted")))


_GIVEN = ("tenant_id", *NewRun.__dataclass_fields__)
_ADD = _adding()


@dataclass(frozen=True, slots=True)
class Room:
    """About how many runs of a tenant may wait or run, and after how many seconds a bell is due for a second ring.

    Requests that come at the same moment do not see each other's runs: there may be as many more as those.
    """

    most: int
    ring_seconds: float


async def add_run(connection: Connection, tenant_id: str, new: NewRun, asked: Entry, room: Room) -> Run | None:
    """Store a queued run, its job, and who asked.

    None when a run with the same inputs waits, runs or has an answer, or so many wait or run already.
    """
    inputs = json.dumps(new.inputs)
    values = {f"new_{name}": getattr(new, name) for name in NewRun.__dataclass_fields__}
    values |= {"new_tenant_id": tenant_id, "new_inputs": inputs}
    within = {"most": room.most, "ring": dt.timedelta(seconds=room.ring_seconds)}
    added = await _ADD.one(connection, **values, **within, **journal.noted(asked))
    return None if added is None else run_of(added, inputs)


async def add_refused(connection: Connection, tenant_id: str, new: NewRun, error: dict[str, Any]) -> Run:
    """Store a run that has failed before it could be queued, and why."""
    values = {name: getattr(new, name) for name in NewRun.__dataclass_fields__}
    now = sa.func.clock_timestamp()
    ended = {"status": "failed", "error": error, "queued_at": now, "requested_at": now, "finished_at": now}
    statement = sa.insert(optimizations).values(tenant_id=tenant_id, **ended, **values)
    return run_of((await connection.execute(statement.returning(*COLUMNS))).mappings().one())


async def find_run(connection: Connection | Driver, tenant_id: str, run_id: str) -> Run | None:
    """Give one run; also outside a transaction, for the statement itself says whose rows it sees."""
    row = await _BY_ID.one(connection, tenant_id=tenant_id, run_id=run_id)
    return None if row is None else run_of(row)


async def find_of_strategy(
    connection: Connection, tenant_id: str, kind: str, portfolio_id: str, strategy_id: int
) -> Run | None:
    """Give the newest run of a kind that a portfolio has with a strategy."""
    named = {"portfolio_id": portfolio_id, "strategy_id": strategy_id, "kind": kind}
    return await _first(connection, _OF_STRATEGY, tenant_id=tenant_id, **named)


async def find_same(connection: Connection, tenant_id: str, optimization_hash: str) -> Run | None:
    """Give the newest run with the same inputs that need not be repeated."""
    return await _first(connection, _BY_HASH, tenant_id=tenant_id, optimization_hash=optimization_hash)


async def ask_again(connection: Connection, run: Run, asked_model: str | None) -> bool:
    """Make a run that answers a new request the one that was requested last; nobody wants it cancelled any more.

    False when it was active and has ended meanwhile, or is gone.
    """
    if run.is_active:
        job = (jobs.c.tenant_id == run.tenant_id) & (jobs.c.run_id == run.id)
        kept = sa.update(jobs).where(job).values(cancel_requested=False).returning(jobs.c.run_id)
        if (await connection.execute(kept)).one_or_none() is None:
            return False
    mine = _mine(run.tenant_id) & (optimizations.c.id == run.id)
    values = {"requested_at": sa.func.clock_timestamp(), "asked_model": asked_model}
    return (await connection.execute(sa.update(optimizations).where(mine).values(values))).rowcount > 0


async def find_active(connection: Connection, tenant_id: str, portfolio_id: str) -> Run | None:
    """Give the newest run of a portfolio that has not ended."""
    return await _first(connection, _ACTIVE, tenant_id=tenant_id, portfolio_id=portfolio_id)


_COUNT = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.tenant_id == sa.bindparam("tenant_id"))


async def count_active(connection: Connection, tenant_id: str) -> int:
    """How many runs of a tenant wait or run."""
    return int((await connection.execute(_COUNT, {"tenant_id": tenant_id})).scalar_one())


async def find_latest(connection: Connection, tenant_id: str, portfolio_id: str) -> Run | None:
    """Give the run that was requested last for a portfolio, what-if runs left out."""
    return await _first(connection, _LATEST, tenant_id=tenant_id, portfolio_id=portfolio_id)


async def list_runs(connection: Connection, where: dict[str, str | None], before: str | None, limit: int) -> list[Run]:
    """Give runs whose columns have the given values, newest first, ids before a given one.

    Backtests come without their results, of which a page would be hundreds of megabytes.
    """
    terms = [optimizations.c[name] == value for name, value in where.items() if value is not None]
    older = [] if before is None else [optimizations.c.id < before]
    columns = WITHOUT_RESULT if where.get("kind") == "backtest" else COLUMNS
    query = sa.select(*columns).where(*terms, *older).order_by(optimizations.c.id.desc()).limit(limit)
    return [run_of(row) for row in (await connection.execute(query)).mappings().all()]


async def page_of_portfolio(
    connection: Connection, tenant_id: str, portfolio_id: str, offset: int, limit: int
) -> tuple[list[Run], int]:
    """Give runs of a portfolio, what-if runs left out, newest first; and how many there are in all."""
    mine = _mine(tenant_id) & (optimizations.c.portfolio_id == portfolio_id) & ~optimizations.c.what_if
    order = (optimizations.c.requested_at.desc(), optimizations.c.id.desc())
    rows = (
        (await connection.execute(sa.select(*COLUMNS).where(mine).order_by(*order).limit(limit).offset(offset)))
        .mappings()
        .all()
    )
    count = sa.select(sa.func.count()).select_from(optimizations).where(mine)
    return [run_of(row) for row in rows], int((await connection.execute(count)).scalar_one())


def run_of(row: Mapping[Any, Any], inputs_text: str | None = None) -> Run:
    """Read a run from its columns; with its inputs where those are known and not among them."""
    known: dict[str, Any] = {} if inputs_text is None else {"inputs_text": inputs_text}
    return Run(**row, **known)


def _mine(tenant_id: str) -> sa.ColumnElement[bool]:
    return optimizations.c.tenant_id == tenant_id


async def _first(connection: Connection, query: sa.Select[Any], **values: object) -> Run | None:
    row = (await connection.execute(query, values)).mappings().one_or_none()
    return None if row is None else run_of(row)
