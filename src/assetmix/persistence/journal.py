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


async def note(connection: Connection, tenant_id: str, *entries: Entry) -> None:
    """Write audit entries."""
    rows = [
        {
            "tenant_id": tenant_id,
            "id": str(ULID()),
            "actor": one.actor,
            "action": one.action,
            "subject": one.subject,
            "request_id": one.request_id,
            "details": dict(one.details),
        }
        for one in entries
    ]
    if rows:
        await connection.execute(sa.insert(audit), rows)


ENDED = "optimizations.status-update"
"""Name under which endpoints hear of the end of a run."""

_SEND = """
    insert into deliveries (tenant_id, event_id, webhook_id)
    select w.tenant_id, e.id, w.id from e join webhooks w on w.tenant_id = e.tenant_id
    where e.data <> '{}'::jsonb and w.disabled_at is null and (w.events is null or :name = any(w.events))
"""
_TELL = sa.text(f"""
    with e as (
        insert into events (tenant_id, id, kind, data)
        values (:tenant_id, :id, :name, cast(:data as jsonb)) returning tenant_id, id, data
    ) {_SEND}
""")  # noqa: S608 - no value is put into the text
_ENDED = sa.text(f"""
    with e as (
        insert into events (tenant_id, id, run_id, kind, data)
        select o.tenant_id, :id, o.id, :kind,
            case when o.what_if or o.kind <> 'optimization' or p.id is null then '{{}}'::jsonb
            else jsonb_build_object(
                'id', o.id, 'portfolio_id', p.id,
                'external_id', coalesce(p.details ->> 'external_id', nullif(p.client_reference, p.id)),
                'is_recommended', cast(:is_recommended as boolean), 'value', o.status)
            end
        from optimizations o left join portfolios p on p.tenant_id = o.tenant_id and p.id = o.portfolio_id
        where o.tenant_id = :tenant_id and o.id = :run_id returning tenant_id, id, data
    ) {_SEND}
""")  # noqa: S608 - no value is put into the text


_last = 0


def _event_id() -> str:
    """An id after all that this process has made, so that events of one transaction have an order."""
    global _last  # noqa: PLW0603 - the one number that the order is made of
    _last = max(int(ULID()), _last + 1)
    return str(ULID.from_int(_last))


async def tell(connection: Connection, tenant_id: str, name: str, data: Mapping[str, Any]) -> None:
    """Write an event, and a delivery for each endpoint that wants to hear of it."""
    values = {"tenant_id": tenant_id, "id": _event_id(), "name": name, "data": json.dumps(data)}
    await connection.execute(_TELL, values)


async def happened(connection: Connection, tenant_id: str, run_id: str, status: str, *, is_recommended: bool) -> None:
    """Write the one event of a run, that it ended and how; endpoints hear of those that may become the latest."""
    values = {"tenant_id": tenant_id, "id": _event_id(), "run_id": run_id, "kind": f"optimization.{status}"}
    await connection.execute(_ENDED, values | {"name": ENDED, "is_recommended": is_recommended})
