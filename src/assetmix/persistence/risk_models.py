"""Risk models by name; their figures are immutable, named by the hash of their content, and shared.

Figures stay for as long as a model or a run refers to them.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from assetmix.persistence.rows import model_payloads, risk_models
from assetmix.persistence.run_rows import optimizations
from assetmix.persistence.session import Connection

MICRO = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """A risk model as stored, without its figures; `digest` names them, `document` says what they cover."""

    name: str
    digest: str
    is_default: bool
    document: dict[str, Any]
    version: int
    updated_at: dt.datetime

    @property
    def tag(self) -> str:
        """Names this version and its content."""
        return f"{self.version}-{self.digest[:8]}-{int(self.updated_at.timestamp() * MICRO)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewModel:
    """A risk model as it is to be stored."""

    name: str
    digest: str
    is_default: bool
    document: dict[str, Any]
    payload: bytes


async def lock_models(connection: Connection, tenant_id: str) -> None:
    """Have the changes of a tenant's risk models come one after the other."""
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(tenant_id, 3))))


async def put_model(connection: Connection, tenant_id: str, new: NewModel) -> StoredModel:
    """Create a risk model or replace it; one that is equal to what is stored changes nothing."""
    known = await find_model(connection, tenant_id, new.name)
    if known is not None and (known.digest, known.is_default) == (new.digest, new.is_default):
        return known
    content = insert(model_payloads).values(tenant_id=tenant_id, digest=new.digest, payload=new.payload)
    await connection.execute(content.on_conflict_do_nothing())
    if new.is_default:
        await _dethrone(connection, tenant_id, new.name)
    values = {"digest": new.digest, "is_default": new.is_default, "document": new.document}
    statement = insert(risk_models).values(tenant_id=tenant_id, name=new.name, version=1, **values)
    upsert = statement.on_conflict_do_update(
        index_elements=["tenant_id", "name"],
        set_=values | {"version": risk_models.c.version + 1, "updated_at": sa.func.now()},
    ).returning(risk_models)
    stored = _stored((await connection.execute(upsert)).one())
    if known is not None and known.digest != new.digest:
        await _drop_unused(connection, tenant_id, known.digest)
    return stored


async def find_model(connection: Connection, tenant_id: str, name: str, *, share: bool = False) -> StoredModel | None:
    """Give the risk model of that name; shared, it stays as it is until the transaction ends."""
    return await _find(connection, tenant_id, risk_models.c.name == name, share=share)


async def find_default(connection: Connection, tenant_id: str, *, share: bool = False) -> StoredModel | None:
    """Give the tenant's default risk model.

    A lock that had to wait for a change of default finds the old one gone, so there is a second look.
    """
    found = await _find(connection, tenant_id, risk_models.c.is_default, share=share)
    return found or (await _find(connection, tenant_id, risk_models.c.is_default, share=share) if share else None)


async def list_models(connection: Connection, tenant_id: str, after: str, limit: int) -> list[StoredModel]:
    """Give risk models whose name comes after a given one, by name."""
    query = (
        sa.select(risk_models)
        .where(risk_models.c.tenant_id == tenant_id, risk_models.c.name > after)
        .order_by(risk_models.c.name)
        .limit(limit)
    )
    return [_stored(row) for row in (await connection.execute(query)).all()]


async def delete_model(connection: Connection, tenant_id: str, name: str) -> bool:
    """Delete a risk model, and its figures unless something still refers to them; whether there was one."""
    mine = (risk_models.c.tenant_id == tenant_id) & (risk_models.c.name == name)
    query = sa.delete(risk_models).where(mine).returning(risk_models.c.digest)
    digest = (await connection.execute(query)).scalar_one_or_none()
    if digest is not None:
        await _drop_unused(connection, tenant_id, digest)
    return digest is not None


async def get_payload(connection: Connection, tenant_id: str, digest: str) -> bytes:
    """Give the bytes of a risk model."""
    mine = (model_payloads.c.tenant_id == tenant_id) & (model_payloads.c.digest == digest)
    return bytes((await connection.execute(sa.select(model_payloads.c.payload).where(mine))).scalar_one())


async def _dethrone(connection: Connection, tenant_id: str, name: str) -> None:
    """Take the default away from any other model."""
    other = (risk_models.c.tenant_id == tenant_id) & risk_models.c.is_default & (risk_models.c.name != name)
    values = {"is_default": False, "version": risk_models.c.version + 1, "updated_at": sa.func.now()}
    await connection.execute(sa.update(risk_models).where(other).values(values))


async def _drop_unused(connection: Connection, tenant_id: str, digest: str) -> None:
    by_model = sa.exists().where(risk_models.c.tenant_id == tenant_id, risk_models.c.digest == digest)
    by_run = sa.exists().where(optimizations.c.tenant_id == tenant_id, optimizations.c.model_digest == digest)
    mine = (model_payloads.c.tenant_id == tenant_id) & (model_payloads.c.digest == digest)
    await connection.execute(sa.delete(model_payloads).where(mine, ~by_model, ~by_run))


async def _find(
    connection: Connection, tenant_id: str, where: sa.ColumnElement[bool], *, share: bool
) -> StoredModel | None:
    query = sa.select(risk_models).where(risk_models.c.tenant_id == tenant_id, where)
    row = (await connection.execute(query.with_for_update(read=True) if share else query)).one_or_none()
    return None if row is None else _stored(row)


def _stored(row: sa.Row[tuple[object, ...]]) -> StoredModel:
    return StoredModel(**{name: row._mapping[name] for name in StoredModel.__dataclass_fields__})  # noqa: SLF001 - its public name
