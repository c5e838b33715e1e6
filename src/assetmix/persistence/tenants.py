"""Tenants and their keys."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from assetmix.persistence.prepared import Prepared
from assetmix.persistence.rows import api_keys, tenants
from assetmix.persistence.session import Connection, Driver, set_tenant

_LIVE_KEY = Prepared(sa.text("select * from find_key(:key_id)"))
"""Asked on every request: one round trip, which shows the one row whose id is given."""

_NAME = sa.select(sa.func.set_config("assetmix.tenant_name", sa.bindparam("name"), True))


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it is stored: never the secret, only its hash."""

    tenant_id: str
    tenant: str
    hash: bytes
    scopes: frozenset[str]
    settings: dict[str, Any]
    is_idle: bool
    """Whether its last use was not noted within a minute."""


async def ensure_tenant(connection: Connection, tenant_id: str, name: str) -> str:
    """Give the id of the tenant of that name, made with the given id if there is none; the transaction is its."""
    found = await find_tenant(connection, name)
    if found is None:
        await set_tenant(connection, tenant_id)
        await connection.execute(insert(tenants).values(id=tenant_id, name=name).on_conflict_do_nothing())
        found = await find_tenant(connection, name)
    return str(found)


async def find_tenant(connection: Connection, name: str) -> str | None:
    """Give the id of the tenant of that name; the transaction is its from here on."""
    await connection.execute(_NAME, {"name": name})
    query = sa.select(tenants.c.id).where(tenants.c.name == name)
    found: str | None = (await connection.execute(query)).scalar_one_or_none()
    if found is not None:
        await set_tenant(connection, found)
    return found


async def settings_of(connection: Connection, tenant_id: str) -> dict[str, Any]:
    """Give a tenant's own settings."""
    return dict((await connection.execute(sa.select(tenants.c.settings).where(tenants.c.id == tenant_id))).scalar_one())


async def change_settings(connection: Connection, tenant_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Merge changes into a tenant's settings, null taking one away; gives what they are then."""
    kept = {name: value for name, value in changes.items() if value is not None}
    gone = sa.cast([name for name, value in changes.items() if value is None], ARRAY(sa.Text))
    merged = tenants.c.settings.op("||")(sa.cast(kept, JSONB)).op("-")(gone)
    query = sa.update(tenants).where(tenants.c.id == tenant_id).values(settings=merged).returning(tenants.c.settings)
    return dict((await connection.execute(query)).scalar_one())


async def add_key(connection: Connection, tenant_id: str, key: Mapping[str, object], days: int | None) -> None:
    """Store a key: id, hash, scopes, label; it ends after so many days, if any are given."""
    end = None if days is None else sa.func.now() + dt.timedelta(days=days)
    await connection.execute(sa.insert(api_keys).values(tenant_id=tenant_id, expires_at=end, **key))


async def find_key(connection: Connection | Driver, key_id: str) -> StoredKey | None:
    """Give a key that is neither revoked nor expired, by its public part."""
    row = await _LIVE_KEY.one(connection, key_id=key_id)
    if row is None:
        return None
    scopes = frozenset(row["scopes"])
    return StoredKey(row["tenant_id"], row["tenant"], row["hash"], scopes, row["settings"], row["idle"])


async def note_use(connection: Connection, tenant_id: str, key_id: str) -> None:
    """Note that a key was used now."""
    mine = (api_keys.c.tenant_id == tenant_id) & (api_keys.c.id == key_id)
    await connection.execute(sa.update(api_keys).where(mine).values(last_used_at=sa.func.now()))


async def list_keys(connection: Connection, tenant_id: str) -> list[sa.Row[tuple[object, ...]]]:
    """Public parts, scopes and times of a tenant's keys, oldest first."""
    names = ("id", "scopes", "label", "created_at", "created_by", "last_used_at", "expires_at", "revoked_at")
    columns = [api_keys.c[name] for name in names]
    query = sa.select(*columns).where(api_keys.c.tenant_id == tenant_id).order_by(api_keys.c.created_at)
    return list((await connection.execute(query)).all())


async def revoke_key(connection: Connection, key_id: str) -> str | None:
    """Revoke a key at once; the tenant whose it was, None when there was none to revoke."""
    found = await find_key(connection, key_id)
    if found is None:
        return None
    await set_tenant(connection, found.tenant_id)
    mine = (api_keys.c.tenant_id == found.tenant_id) & (api_keys.c.id == key_id)
    await connection.execute(sa.update(api_keys).where(mine).values(revoked_at=sa.func.now()))
    return found.tenant_id
