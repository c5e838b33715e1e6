"""Tenants and their keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from assetmix.persistence.rows import api_keys, tenants
from assetmix.persistence.session import Connection

_LIVE_KEY = (
    sa.select(api_keys.c.tenant_id, tenants.c.name, api_keys.c.hash, api_keys.c.scopes, tenants.c.settings)
    .join(tenants, tenants.c.id == api_keys.c.tenant_id)
    .where(api_keys.c.id == sa.bindparam("key_id"), api_keys.c.revoked_at.is_(None))
    .where(sa.or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > sa.func.now()))
)
"""Asked on every request, so put together once."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it is stored: never the secret, only its hash."""

    tenant_id: str
    tenant: str
    hash: bytes
    scopes: frozenset[str]
    settings: dict[str, Any]


async def ensure_tenant(connection: Connection, tenant_id: str, name: str) -> str:
    """Give the id of the tenant of that name, made with the given id if there is none."""
    await connection.execute(insert(tenants).values(id=tenant_id, name=name).on_conflict_do_nothing())
    found = await connection.execute(sa.select(tenants.c.id).where(tenants.c.name == name))
    return str(found.scalar_one())


async def find_tenant(connection: Connection, name: str) -> str | None:
    """Give the id of the tenant of that name."""
    return (await connection.execute(sa.select(tenants.c.id).where(tenants.c.name == name))).scalar_one_or_none()


async def add_key(connection: Connection, tenant_id: str, key: Mapping[str, object]) -> None:
    """Store a key: id, hash, scopes, label."""
    await connection.execute(sa.insert(api_keys).values(tenant_id=tenant_id, **key))


async def find_key(connection: Connection, key_id: str) -> StoredKey | None:
    """Give a key that is neither revoked nor expired, by its public part."""
    row = (await connection.execute(_LIVE_KEY, {"key_id": key_id})).one_or_none()
    if row is None:
        return None
    return StoredKey(row.tenant_id, row.name, bytes(row.hash), frozenset(row.scopes), row.settings)


async def list_keys(connection: Connection, tenant_id: str) -> list[sa.Row[tuple[object, ...]]]:
    """Public parts, scopes and times of a tenant's keys, oldest first."""
    columns = [api_keys.c[name] for name in ("id", "scopes", "label", "created_at", "expires_at", "revoked_at")]
    query = sa.select(*columns).where(api_keys.c.tenant_id == tenant_id).order_by(api_keys.c.created_at)
    return list((await connection.execute(query)).all())


async def revoke_key(connection: Connection, key_id: str) -> bool:
    """Revoke a key at once; whether there was one to revoke."""
    query = (
        sa.update(api_keys)
        .where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=sa.func.now())
    )
    return (await connection.execute(query)).rowcount > 0
