"""What is written down for ever: an event for what others want to hear of, an audit entry for every change.

Both tables are append-only for those who serve requests; their database role may not update or delete.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from ulid import ULID

from assetmix.persistence.run_rows import audit
from assetmix.persistence.session import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Who did what to what."""

    actor: str
    action: str
    subject: str
    request_id: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


_NOTE = sa.insert(audit)


async def note(connection: Connection, tenant_id: str, *entries: Entry) -> None:
    """Write audit entries."""
    rows = [{"tenant_id": tenant_id, "id": str(ULID()), **_columns(one)} for one in entries]
    if rows:
        await connection.execute(_NOTE, rows)


def noting(of: sa.CTE) -> sa.Insert:
    """Write one audit entry, with the parameters of `noted`, for each row of a statement that gives `tenant_id`."""
    given = [sa.bindparam(f"entry_{name}", type_=audit.c[name].type) for name in ("id", *Entry.__dataclass_fields__)]
    rows = sa.select(of.c.tenant_id, *given)
    return sa.insert(audit).from_select(["tenant_id", "id", *Entry.__dataclass_fields__], rows)


def noted(entry: Entry) -> dict[str, object]:
    """Give an audit entry as parameters."""
    return {"entry_id": str(ULID())} | {f"entry_{name}": value for name, value in _columns(entry).items()}


def _columns(entry: Entry) -> dict[str, object]:
    values = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
    return values | {"details": dict(entry.details)}


ENDED = "optimizations.status-update"
"""Name under which endpoints hear of the end of a run."""

_TELL = sa.text("""
    with e as (
        insert into events (tenant_id, id, kind, data)
        values (:tenant_id, :id, :event_name, cast(:data as jsonb)) returning tenant_id, id, data
    )
    insert into deliveries (tenant_id, event_id, webhook_id)
    select w.tenant_id, e.id, w.id from e join webhooks w on w.tenant_id = e.tenant_id
    where e.data <> '{}'::jsonb and w.disabled_at is null and (w.events is null or :event_name = any(w.events))
""")


_last = 0


def _event_id() -> str:
    """An id after all that this process has made, so that events of one transaction have an order."""
    global _last  # noqa: PLW0603 - the one number that the order is made of
    _last = max(int(ULID()), _last + 1)
    return str(ULID.from_int(_last))


async def tell(connection: Connection, tenant_id: str, name: str, data: Mapping[str, Any]) -> None:
    """Write an event, and a delivery for each endpoint that wants to hear of it."""
    values = {"tenant_id": tenant_id, "id": _event_id(), "event_name": name, "data": json.dumps(data)}
    await connection.execute(_TELL, values)


def event_of(status: str) -> dict[str, object]:
    """Parameters of the one event of a run: that it has ended, and how."""
    return {"event_id": _event_id(), "event_kind": f"optimization.{status}", "event_name": ENDED}


_ENDED = sa.text("select tell_end(:tenant_id, :run_id, :is_recommended, :event_id, :event_kind, :event_name)")


async def happened(connection: Connection, tenant_id: str, run_id: str, status: str) -> None:
    """Write the event of a run that was stored as one that has ended, and is nothing to follow."""
    values = {"tenant_id": tenant_id, "run_id": run_id, "is_recommended": False}
    await connection.execute(_ENDED, values | event_of(status))
