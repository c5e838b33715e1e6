"""Batches: their accounts in chunks, written with the run, and what was answered to each account."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from assetmix.persistence.rows import portfolios
from assetmix.persistence.run_rows import batch_chunks, batch_items
from assetmix.persistence.session import Connection

AT_A_TIME = 500
"""Portfolios that are read together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which stored portfolios are meant; all of them where nothing is named."""

    strategy: str | None = None
    base_currency: str | None = None
    holds: str | None = None


@dataclass(frozen=True, slots=True)
class Sought:
    """Items from the number `first` on, at most `limit`; of one status or one portfolio where that is named."""

    first: int
    limit: int
    status: str | None = None
    portfolio: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A portfolio by its id and its caller's reference, with its document as JSON text."""

    portfolio_id: str
    client_reference: str
    document: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Accounts from `first` on, `count` of them, as JSON text."""

    number: int
    first: int
    count: int
    accounts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What was answered to one account; its whole result, as packed JSON, where it was asked for."""

    number: int
    portfolio_id: str
    client_reference: str
    status: str
    summary: dict[str, Any] = field(default_factory=dict)
    result: bytes | None = None
    error: dict[str, Any] | None = None


async def named_accounts(connection: Connection, tenant_id: str, names: Sequence[str]) -> dict[str, Account]:
    """Give portfolios by the id or reference that names each; what is not there is left out."""
    found: dict[str, Account] = {}
    for start in range(0, len(names), AT_A_TIME):
        some = list(names[start : start + AT_A_TIME])
        where = portfolios.c.id.in_(some) | portfolios.c.client_reference.in_(some)
        for one in await _accounts(connection, tenant_id, where):
            found |= {one.portfolio_id: one, one.client_reference: one}
    return {name: found[name] for name in names if name in found}


async def selected_accounts(connection: Connection, tenant_id: str, which: Selection, most: int) -> list[Account]:
    """Give the portfolios that are meant, by id, one more than `most` of them at the most."""
    document = portfolios.c.document
    named = {name: getattr(which, name) for name in ("strategy", "base_currency")}
    where = [document[name].astext == wanted for name, wanted in named.items() if wanted is not None]
    if which.holds is not None:
        where.append(document["holdings"].has_key(which.holds))
    return await _accounts(connection, tenant_id, sa.and_(sa.true(), *where), most + 1)


async def add_chunks(connection: Connection, tenant_id: str, run_id: str, chunks: Iterable[Chunk]) -> None:
    """Store the accounts of a run, in the transaction that stores the run."""
    names = ("number", "first", "count", "accounts")
    rows = [
        {"tenant_id": tenant_id, "run_id": run_id, **{name: getattr(one, name) for name in names}} for one in chunks
    ]
    await connection.execute(sa.insert(batch_chunks), rows)


async def count_chunks(connection: Connection, tenant_id: str, run_id: str) -> int:
    """Count the chunks of a run."""
    query = sa.select(sa.func.count()).where(batch_chunks.c.tenant_id == tenant_id, batch_chunks.c.run_id == run_id)
    return int((await connection.execute(query)).scalar_one())


async def find_chunk(connection: Connection, tenant_id: str, run_id: str, number: int) -> Chunk:
    """Give one chunk."""
    mine = (batch_chunks.c.tenant_id == tenant_id) & (batch_chunks.c.run_id == run_id)
    columns = [batch_chunks.c[name] for name in ("number", "first", "count", "accounts")]
    row = (await connection.execute(sa.select(*columns).where(mine, batch_chunks.c.number == number))).one()
    return Chunk(*row)


async def add_items(connection: Connection, tenant_id: str, run_id: str, items: Sequence[Item]) -> None:
    """Store answers; in a transaction in which their chunk was found to be this worker's."""
    names = Item.__dataclass_fields__
    rows = [{"tenant_id": tenant_id, "run_id": run_id, **{name: getattr(one, name) for name in names}} for one in items]
    await connection.execute(insert(batch_items).on_conflict_do_nothing(), rows)


async def count_by_status(connection: Connection, tenant_id: str, run_id: str) -> dict[str, int]:
    """Count the items of a run by their status."""
    query = sa.select(batch_items.c.status, sa.func.count()).where(*_of(tenant_id, run_id))
    rows = (await connection.execute(query.group_by(batch_items.c.status))).all()
    return {status: int(count) for status, count in rows}


async def list_items(connection: Connection, tenant_id: str, run_id: str, sought: Sought) -> list[Item]:
    """Give items without their results, in their order."""
    chosen = [batch_items.c.number >= sought.first]
    if sought.status is not None:
        chosen.append(batch_items.c.status == sought.status)
    if sought.portfolio is not None:
        names = (batch_items.c.client_reference, batch_items.c.portfolio_id)
        chosen.append(sa.or_(*(name == sought.portfolio for name in names)))
    columns = [batch_items.c[name] for name in Item.__dataclass_fields__ if name != "result"]
    query = sa.select(*columns).where(*_of(tenant_id, run_id), *chosen)
    rows = (await connection.execute(query.order_by(batch_items.c.number).limit(sought.limit))).mappings().all()
    return [Item(**row) for row in rows]


async def find_item(connection: Connection, tenant_id: str, run_id: str, number: int) -> Item | None:
    """Give one item with its result."""
    columns = [batch_items.c[name] for name in Item.__dataclass_fields__]
    query = sa.select(*columns).where(*_of(tenant_id, run_id), batch_items.c.number == number)
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else Item(**row)


async def _accounts(
    connection: Connection, tenant_id: str, where: sa.ColumnElement[bool], limit: int | None = None
) -> list[Account]:
    columns = (portfolios.c.id, portfolios.c.client_reference, sa.cast(portfolios.c.document, sa.Text))
    mine = (portfolios.c.tenant_id == tenant_id) & ~portfolios.c.is_deleted
    query = sa.select(*columns).where(mine, where).order_by(portfolios.c.id).limit(limit)
    return [Account(*row) for row in (await connection.execute(query)).all()]


def _of(tenant_id: str, run_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (batch_items.c.tenant_id == tenant_id, batch_items.c.run_id == run_id)
