"""Versioned records: users, policies, transactions. What is changed is added as a version."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa

from assetmix.persistence.record_rows import record_versions, records
from assetmix.persistence.session import Connection

Kind: TypeAlias = Literal["user", "policy", "transaction"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record as stored."""

    id: str
    kind: str
    portfolio_id: str | None
    external_id: str | None
    version: int
    document: dict[str, Any]
    author: str
    is_deleted: bool
    created_at: dt.datetime
    updated_at: dt.datetime

    @property
    def tag(self) -> str:
        """Names this version."""
        return f"{self.id[-8:]}-{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecord:
    """What a record is created with."""

    id: str
    kind: Kind
    document: dict[str, Any]
    author: str
    external_id: str | None = None
    portfolio_id: str | None = None


async def add_record(connection: Connection, tenant_id: str, new: NewRecord) -> Record:
    """Store the first version of a record.

    Raises
    ------
    Conflict
        when another one of its kind has its external id
    """
    values = {name: getattr(new, name) for name in NewRecord.__dataclass_fields__}
    statement = sa.insert(records).values(tenant_id=tenant_id, version=1, **values).returning(records)
    return await _kept(connection, tenant_id, (await connection.execute(statement)).one())


async def change_record(connection: Connection, tenant_id: str, known: Record, **values: Any) -> Record:  # noqa: ANN401 - columns
    """Add a version to a record that is locked.

    Raises
    ------
    Conflict
        when another one of its kind has its external id
    """
    mine = (records.c.tenant_id == tenant_id) & (records.c.id == known.id)
    changed = sa.update(records).where(mine).values(version=known.version + 1, updated_at=sa.func.now(), **values)
    return await _kept(connection, tenant_id, (await connection.execute(changed.returning(records))).one())


async def find_record(
    connection: Connection, tenant_id: str, kind: Kind, record_id: str, *, lock: bool = False
) -> Record | None:
    """Give a record that is not deleted; locked, nobody else changes it meanwhile."""
    mine = (records.c.tenant_id == tenant_id) & (records.c.kind == kind) & ~records.c.is_deleted
    query = sa.select(records).where(mine, records.c.id == record_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
    return None if row is None else stored_record(row)


async def find_version(
    connection: Connection, tenant_id: str, kind: Kind, record_id: str, version: int
) -> Record | None:
    """Give one version of a record, also of one that was deleted."""
    same = (record_versions.c.tenant_id == records.c.tenant_id) & (record_versions.c.id == records.c.id)
    then = [record_versions.c[name] for name in ("version", "document", "external_id", "author", "is_deleted")]
    now = [records.c[name] for name in ("id", "kind", "portfolio_id", "created_at")]
    query = (
        sa.select(*now, *then, record_versions.c.at.label("updated_at"))
        .join(record_versions, same)
        .where(records.c.tenant_id == tenant_id, records.c.kind == kind, records.c.id == record_id)
        .where(record_versions.c.version == version)
    )
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else stored_record(row)


async def find_records(connection: Connection, tenant_id: str, ids: list[str]) -> list[Record]:
    """Give the records of those ids that exist."""
    query = sa.select(records).where(records.c.tenant_id == tenant_id, records.c.id.in_(ids), ~records.c.is_deleted)
    return [stored_record(row) for row in (await connection.execute(query)).all()]


async def _kept(connection: Connection, tenant_id: str, row: sa.Row[Any]) -> Record:
    stored = stored_record(row)
    names = ("id", "version", "document", "external_id", "author", "is_deleted")
    values = {name: getattr(stored, name) for name in names} | {"at": stored.updated_at}
    await connection.execute(sa.insert(record_versions).values(tenant_id=tenant_id, **values))
    return stored


def stored_record(row: sa.Row[*tuple[Any, ...]]) -> Record:
    """Read a row of the table."""
    return Record(**{name: getattr(row, name) for name in Record.__dataclass_fields__})
