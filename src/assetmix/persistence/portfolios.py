"""Portfolios by id and by the caller's reference; every version is kept."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from assetmix.codec.documents import PORTFOLIO, digest
from assetmix.domain.portfolio import Portfolio
from assetmix.persistence.record_rows import portfolio_versions
from assetmix.persistence.rows import portfolios
from assetmix.persistence.session import Connection

NAMED = (
    portfolios.c.tenant_id == sa.bindparam("tenant_id"),
    (portfolios.c.id == sa.bindparam("name")) | (portfolios.c.client_reference == sa.bindparam("name")),
    ~portfolios.c.is_deleted,
)
"""The tenant's portfolio of an id or a client reference."""
_NAMED = sa.select(portfolios).where(*NAMED)
_LOCKED = _NAMED.with_for_update()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPortfolio:
    """A portfolio as stored; `digest` names its content, `details` are what a dialect knows of it beside."""

    id: str
    client_reference: str
    version: int
    document: dict[str, Any]
    digest: str
    details: dict[str, Any]
    author: str
    is_deleted: bool
    created_at: dt.datetime
    updated_at: dt.datetime

    @property
    def tag(self) -> str:
        """Names this version and its content."""
        return f"{self.id[-8:]}-{self.version}-{self.digest[:8]}"

    @property
    def portfolio(self) -> Portfolio:
        """The portfolio itself."""
        return PORTFOLIO.read_value(self.document)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContent:
    """What a version of a portfolio is made of, and who made it."""

    portfolio: Portfolio
    details: dict[str, Any] = field(default_factory=dict)
    author: str = ""


async def put_portfolio(
    connection: Connection, tenant_id: str, new_id: str, client_reference: str, content: NewContent
) -> tuple[StoredPortfolio, bool]:
    """Create a portfolio or replace what it holds; its details stay. Also whether it was created."""
    values = {"client_reference": client_reference, "details": content.details} | _columns(content)
    statement = insert(portfolios).values(tenant_id=tenant_id, id=new_id, version=1, **values)
    changed = portfolios.c.digest != statement.excluded.digest
    upsert = statement.on_conflict_do_update(
        index_elements=["tenant_id", "client_reference"],
        set_={
            "document": statement.excluded.document,
            "digest": statement.excluded.digest,
            "author": sa.case((changed, statement.excluded.author), else_=portfolios.c.author),
            "version": portfolios.c.version + sa.case((changed, 1), else_=0),
            "updated_at": sa.case((changed, sa.func.now()), else_=portfolios.c.updated_at),
        },
    ).returning(portfolios)
    stored = stored_portfolio((await connection.execute(upsert)).mappings().one())
    await _keep_version(connection, tenant_id, stored)
    return stored, stored.id == new_id


async def change_portfolio(
    connection: Connection, tenant_id: str, known: StoredPortfolio, content: NewContent, client_reference: str
) -> StoredPortfolio:
    """Add a version to a portfolio that is locked."""
    values = {"client_reference": client_reference, "details": content.details} | _columns(content)
    return await _next_version(connection, tenant_id, known, values)


async def find_holder(connection: Connection, tenant_id: str, instrument_id: str) -> str | None:
    """Give the reference of a portfolio that holds an instrument or is measured against it, None for none."""
    named = [portfolios.c.document[part].has_key(instrument_id) for part in ("holdings", "benchmark")]
    query = sa.select(portfolios.c.client_reference).where(
        portfolios.c.tenant_id == tenant_id, ~portfolios.c.is_deleted, sa.or_(*named)
    )
    found: str | None = (await connection.execute(query.limit(1))).scalar_one_or_none()
    return found


async def mark_deleted(connection: Connection, tenant_id: str, known: StoredPortfolio, author: str) -> StoredPortfolio:
    """Add a last version to a portfolio, which is found no longer; its reference may be given to another."""
    values = {"client_reference": known.id, "is_deleted": True, "author": author}
    return await _next_version(connection, tenant_id, known, values)


async def find_portfolio(
    connection: Connection, tenant_id: str, name: str, *, lock: bool = False
) -> StoredPortfolio | None:
    """Give the portfolio whose id or client reference is `name`; locked, nobody else changes it meanwhile."""
    values = {"tenant_id": tenant_id, "name": name}
    row = (await connection.execute(_LOCKED if lock else _NAMED, values)).mappings().one_or_none()
    return None if row is None else stored_portfolio(row)


async def find_version(
    connection: Connection, tenant_id: str, portfolio_id: str, version: int
) -> StoredPortfolio | None:
    """Give one version of a portfolio, also of one that was deleted."""
    same = (portfolio_versions.c.tenant_id == portfolios.c.tenant_id) & (portfolio_versions.c.id == portfolios.c.id)
    then = [portfolio_versions.c[name] for name in ("version", "document", "details", "author", "is_deleted")]
    now = [portfolios.c[name] for name in ("id", "client_reference", "digest", "created_at")]
    query = (
        sa.select(*now, *then, portfolio_versions.c.at.label("updated_at"))
        .join(portfolio_versions, same)
        .where(portfolios.c.tenant_id == tenant_id, portfolios.c.id == portfolio_id)
        .where(portfolio_versions.c.version == version)
    )
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else stored_portfolio(row)


async def list_portfolios(connection: Connection, tenant_id: str, after: str, limit: int) -> list[StoredPortfolio]:
    """Give portfolios whose id comes after a given one, by id."""
    mine = (portfolios.c.tenant_id == tenant_id) & ~portfolios.c.is_deleted
    query = sa.select(portfolios).where(mine, portfolios.c.id > after).order_by(portfolios.c.id).limit(limit)
    return [stored_portfolio(row) for row in (await connection.execute(query)).mappings().all()]


async def delete_portfolio(connection: Connection, tenant_id: str, portfolio_id: str) -> None:
    """Delete a portfolio with its runs; those that have not ended were ended before."""
    mine = (portfolios.c.tenant_id == tenant_id) & (portfolios.c.id == portfolio_id)
    await connection.execute(sa.delete(portfolios).where(mine))


async def _next_version(
    connection: Connection, tenant_id: str, known: StoredPortfolio, values: dict[str, Any]
) -> StoredPortfolio:
    mine = (portfolios.c.tenant_id == tenant_id) & (portfolios.c.id == known.id)
    changed = sa.update(portfolios).where(mine).values(version=known.version + 1, updated_at=sa.func.now(), **values)
    stored = stored_portfolio((await connection.execute(changed.returning(portfolios))).mappings().one())
    await _keep_version(connection, tenant_id, stored)
    return stored


async def _keep_version(connection: Connection, tenant_id: str, stored: StoredPortfolio) -> None:
    names = ("id", "version", "document", "details", "author", "is_deleted")
    values = {name: getattr(stored, name) for name in names} | {"at": stored.updated_at}
    await connection.execute(insert(portfolio_versions).values(tenant_id=tenant_id, **values).on_conflict_do_nothing())


def _columns(content: NewContent) -> dict[str, Any]:
    document = PORTFOLIO.write(content.portfolio)
    return {"document": document, "digest": digest(document), "author": content.author}


def stored_portfolio(row: Mapping[Any, Any]) -> StoredPortfolio:
    """Read a row of the table."""
    return StoredPortfolio(**{name: row[name] for name in StoredPortfolio.__dataclass_fields__})
