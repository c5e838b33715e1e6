"""What is kept no longer: ended runs, audit entries and idempotency keys of age, and data that no run names.

Nothing is locked beforehand. What a request begins to use at the same moment is kept by its foreign
key: the deletion is refused, and the next purge tries again.
"""

import datetime as dt

import sqlalchemy as sa

from assetmix.persistence.rows import model_payloads, risk_models, tenants
from assetmix.persistence.run_rows import audit, events, idempotency_keys, optimizations, snapshots
from assetmix.persistence.session import Connection, set_tenant

BATCH = 1000
"""Rows deleted in one transaction: none of them is held up for long."""

IDLE_DAYS = 1
"""A snapshot or risk model that no run names is kept for so long, for the next run that may want it."""


async def retentions(connection: Connection) -> list[tuple[str, int | None]]:
    """Give every tenant's id and the days that it keeps what has ended."""
    days = tenants.c.settings["retention_days"].as_integer()
    return [(row.id, row.days) for row in (await connection.execute(sa.select(tenants.c.id, days.label("days")))).all()]


async def purge(connection: Connection, tenant_id: str, days: int, audit_days: int) -> int:
    """Delete a batch of what a tenant keeps no longer; how many rows that was.

    What was written down of who did what is kept for as many days as the operator says, at least.

    Raises
    ------
    Conflict
        when something is just being used again; the transaction is lost then
    """
    await set_tenant(connection, tenant_id)
    old = sa.func.now() - dt.timedelta(days=days)
    ended = (optimizations.c.finished_at < old) & (optimizations.c.requested_at < old)
    gone = await _delete(connection, tenant_id, optimizations, ended)
    gone += await _delete(connection, tenant_id, idempotency_keys, idempotency_keys.c.created_at < old)
    told = events.c.run_id.is_(None) & (events.c.at < old)
    gone += await _delete(connection, tenant_id, events, told)
    older = sa.func.now() - dt.timedelta(days=max(days, audit_days))
    gone += await _delete(connection, tenant_id, audit, audit.c.at < older)
    idle = sa.func.now() - dt.timedelta(days=IDLE_DAYS)
    by_run = _named(optimizations.c.snapshot_digest, snapshots, tenant_id)
    gone += await _delete(connection, tenant_id, snapshots, (snapshots.c.created_at < idle) & ~by_run)
    by_run = _named(optimizations.c.model_digest, model_payloads, tenant_id)
    by_name = _named(risk_models.c.digest, model_payloads, tenant_id)
    unnamed = (model_payloads.c.created_at < idle) & ~by_run & ~by_name
    return gone + await _delete(connection, tenant_id, model_payloads, unnamed)


def _named(name: sa.Column[str], table: sa.Table, tenant_id: str) -> sa.ColumnElement[bool]:
    return sa.exists().where(name.table.c.tenant_id == tenant_id, name == table.c.digest)


async def _delete(connection: Connection, tenant_id: str, table: sa.Table, which: sa.ColumnElement[bool]) -> int:
    keys = list(table.primary_key.columns)
    found = sa.select(*keys).where(table.c.tenant_id == tenant_id, which).limit(BATCH)
    return int((await connection.execute(sa.delete(table).where(sa.tuple_(*keys).in_(found)))).rowcount)
