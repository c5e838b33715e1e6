"""Portfolios by id and by the caller's reference."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from assetmix.codec.documents import PORTFOLIO, digest
from assetmix.domain.portfolio import Portfolio
from assetmix.persistence.rows import portfolios
from assetmix.persistence.session import Connection

_NAMED = sa.select(portfolios).where(
    portfolios.c.tenant_id == sa.bindparam("tenant_id"),
    (portfolios.c.id == sa.bindparam("name")) | (portfolios.c.client_reference == sa.bindparam("name")),
)
_LOCKED = _NAMED.with_for_update()


@dataclass(frozen=True, slots=True)
class StoredPortfolio:
    """A portfolio as stored; `digest` names its content."""

    id: str
    client_reference: str
    version: int
    document: dict[str, Any]
    digest: str
    updated_at: dt.datetime

    @property
    def tag(self) -> str:
        """Names this version and its content."""
        return f"{self.id[-8:]}-{self.version}-{self.digest[:8]}"

    @property
    def portfolio(self) -> Portfolio:
        """The portfolio itself."""
        return PORTFOLIO.read_value(self.document)


async def put_portfolio(
    connection: Connection, tenant_id: str, new_id: str, client_reference: str, portfolio: Portfolio
) -> tuple[StoredPortfolio, bool]:
    """Create a portfolio or replace its content. Also whether it was created."""
    document = PORTFOLIO.write(portfolio)
    content = digest(document)
    values = {"client_reference": client_reference, "document": document, "digest": content}
    statement = insert(portfolios).values(tenant_id=tenant_id, id=new_id, version=1, **values)
    changed = portfolios.c.digest != statement.excluded.digest
    upsert = statement.on_conflict_do_update(
        index_elements=["tenant_id", "client_reference"],
        set_={
            "document": statement.excluded.document,
            "digest": statement.excluded.digest,
            "version": portfolios.c.version + sa.case((changed, 1), else_=0),
            "updated_at": sa.case((changed, sa.func.now()), else_=portfolios.c.updated_at),
        },
    ).returning(portfolios)
    stored = _stored((await connection.execute(upsert)).one())
    return stored, stored.id == new_id


async def find_portfolio(
    connection: Connection, tenant_id: str, name: str, *, lock: bool = False
) -> StoredPortfolio | None:
    """Give the portfolio whose id or client reference is `name`; locked, nobody else changes it meanwhile."""
    values = {"tenant_id": tenant_id, "name": name}
    row = (await connection.execute(_LOCKED if lock else _NAMED, values)).one_or_none()
    return None if row is None else _stored(row)


async def list_portfolios(connection: Connection, tenant_id: str, after: str, limit: int) -> list[StoredPortfolio]:
    """Give portfolios whose id comes after a given one, by id."""
    query = (
        sa.select(portfolios)
        .where(portfolios.c.tenant_id == tenant_id, portfolios.c.id > after)
        .order_by(portfolios.c.id)
        .limit(limit)
    )
    return [_stored(row) for row in (await connection.execute(query)).all()]


async def delete_portfolio(connection: Connection, tenant_id: str, portfolio_id: str) -> None:
    """Delete a portfolio with its runs; those that have not ended were ended before."""
    mine = (portfolios.c.tenant_id == tenant_id) & (portfolios.c.id == portfolio_id)
    await connection.execute(sa.delete(portfolios).where(mine))


def _stored(row: sa.Row[tuple[object, ...]]) -> StoredPortfolio:
    return StoredPortfolio(row.id, row.client_reference, row.version, row.document, row.digest, row.updated_at)
