"""Keys that callers name their requests by, so that one sent twice is carried out once."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from assetmix.persistence.run_rows import idempotency_keys
from assetmix.persistence.session import Connection


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer that a request was given, and the run that it made."""

    fingerprint: str
    run_id: str | None
    status: int
    headers: dict[str, str]
    body: str


async def reserve(connection: Connection, tenant_id: str, route: str, key: str) -> bool:
    """Keep every other request of the same key out until the transaction ends; False when one is under way."""
    name = sa.func.hashtextextended(f"{tenant_id} {route} {key}", 5)
    return bool((await connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(name)))).scalar_one())


async def recall(connection: Connection, tenant_id: str, route: str, key: str) -> Answered | None:
    """Give the answer of an earlier request of the same key."""
    columns = [idempotency_keys.c[name] for name in Answered.__dataclass_fields__]
    row = (await connection.execute(sa.select(*columns).where(_mine(tenant_id, route, key)))).one_or_none()
    return None if row is None else Answered(**row._mapping)  # noqa: SLF001 - its public name


async def remember(connection: Connection, tenant_id: str, route: str, key: str, answered: Answered) -> None:
    """Keep the answer beside what the request has done."""
    values: dict[str, Any] = {name: getattr(answered, name) for name in Answered.__dataclass_fields__}
    await connection.execute(sa.insert(idempotency_keys).values(tenant_id=tenant_id, route=route, key=key, **values))


def _mine(tenant_id: str, route: str, key: str) -> sa.ColumnElement[bool]:
    table = idempotency_keys.c
    return (table.tenant_id == tenant_id) & (table.route == route) & (table.key == key)
