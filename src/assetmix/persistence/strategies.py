"""Strategies by name and by number, every version kept."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from assetmix.codec.documents import STRATEGY, digest, known_strategy
from assetmix.optimization.strategy import Strategy
from assetmix.persistence.rows import strategies, strategy_versions, tenants
from assetmix.persistence.session import Connection

_MINE = sa.select(strategies).where(strategies.c.tenant_id == sa.bindparam("tenant_id"))
_BY_NAME = _MINE.where(strategies.c.name == sa.bindparam("name"))
_BY_NUMBER = _MINE.where(strategies.c.strategy_id == sa.bindparam("number"))


@dataclass(frozen=True, slots=True)
class StoredStrategy:
    """A strategy as stored; `digest` names its content, `details` are what another dialect wrote it from."""

    strategy_id: int
    name: str
    version: int
    document: dict[str, Any]
    digest: str
    details: dict[str, Any] | None = None

    @property
    def tag(self) -> str:
        """Names this version and its content."""
        return f"{self.strategy_id}-{self.version}-{self.digest[:8]}"

    @property
    def strategy(self) -> Strategy:
        """The declared strategy; read once as long as it is in use, for it never changes."""
        return known_strategy(self.digest, self.document)


async def lock_strategies(connection: Connection, tenant_id: str) -> None:
    """Have the changes of a tenant's strategies come one after the other."""
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(tenant_id, 1))))


async def put_strategy(
    connection: Connection, tenant_id: str, name: str, strategy: Strategy, details: dict[str, Any] | None = None
) -> tuple[StoredStrategy, bool]:
    """Create a strategy or add a version; an equal document adds none. Also whether it was created."""
    known = await find_strategy(connection, tenant_id, name)
    document = STRATEGY.write(strategy)
    content = digest(document if details is None else [document, details])
    if known is not None and known.digest == content:
        return known, False
    if known is None:
        number = (
            sa.update(tenants)
            .where(tenants.c.id == tenant_id)
            .values(strategies_made=tenants.c.strategies_made + 1)
            .returning(tenants.c.strategies_made)
        )
        stored = StoredStrategy((await connection.execute(number)).scalar_one(), name, 1, document, content, details)
        await connection.execute(sa.insert(strategies).values(tenant_id=tenant_id, **_columns(stored)))
    else:
        stored = StoredStrategy(known.strategy_id, name, known.version + 1, document, content, details)
        mine = (strategies.c.tenant_id == tenant_id) & (strategies.c.name == name)
        values = _columns(stored) | {"updated_at": sa.func.now()}
        await connection.execute(sa.update(strategies).where(mine).values(values))
    version = {key: _columns(stored)[key] for key in ("strategy_id", "version", "document", "details")}
    await connection.execute(sa.insert(strategy_versions).values(tenant_id=tenant_id, **version))
    return stored, known is None


async def find_strategy(connection: Connection, tenant_id: str, name: str) -> StoredStrategy | None:
    """Give the strategy of that name."""
    return await _find(connection, _BY_NAME, tenant_id=tenant_id, name=name)


async def find_strategy_by_id(connection: Connection, tenant_id: str, number: int) -> StoredStrategy | None:
    """Give the strategy of that number."""
    return await _find(connection, _BY_NUMBER, tenant_id=tenant_id, number=number)


async def list_strategies(connection: Connection, tenant_id: str, after: int, limit: int) -> list[StoredStrategy]:
    """Give strategies whose number comes after a given one, by number."""
    query = (
        sa.select(strategies)
        .where(strategies.c.tenant_id == tenant_id, strategies.c.strategy_id > after)
        .order_by(strategies.c.strategy_id)
        .limit(limit)
    )
    return [_stored(row) for row in (await connection.execute(query)).all()]


async def list_versions(connection: Connection, tenant_id: str, number: int) -> list[dict[str, Any]]:
    """Give every version of a strategy, oldest first."""
    columns = tuple(strategy_versions.c[name] for name in ("version", "document", "details", "created_at"))
    mine = (strategy_versions.c.tenant_id == tenant_id) & (strategy_versions.c.strategy_id == number)
    rows = (await connection.execute(sa.select(*columns).where(mine).order_by(strategy_versions.c.version))).all()
    return [
        {"version": row.version, "strategy": row.document, "created_at": row.created_at}
        | ({} if row.details is None else {"details": row.details})
        for row in rows
    ]


async def delete_strategy(connection: Connection, tenant_id: str, name: str) -> bool:
    """Delete a strategy with its versions; whether there was one."""
    mine = (strategies.c.tenant_id == tenant_id) & (strategies.c.name == name)
    return (await connection.execute(sa.delete(strategies).where(mine))).rowcount > 0


async def _find(connection: Connection, query: sa.Select[Any], **values: object) -> StoredStrategy | None:
    row = (await connection.execute(query, values)).one_or_none()
    return None if row is None else _stored(row)


def _stored(row: sa.Row[tuple[object, ...]]) -> StoredStrategy:
    return StoredStrategy(row.strategy_id, row.name, row.version, row.document, row.digest, row.details)


def _columns(stored: StoredStrategy) -> dict[str, Any]:
    return {
        "strategy_id": stored.strategy_id,
        "name": stored.name,
        "version": stored.version,
        "document": stored.document,
        "digest": stored.digest,
        "details": stored.details,
    }
