"""What is written down for ever: an event when a run ends, an audit entry for whatever anybody changes.

Both tables are append-only for those who serve requests; their database role may not update or delete.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from ulid import ULID

from assetmix.persistence.run_rows import audit, events
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


async def happened(connection: Connection, tenant_id: str, run_id: str, kind: str) -> None:
    """Write the one event of a run: that it ended, and how."""
    values = {"tenant_id": tenant_id, "id": str(ULID()), "run_id": run_id, "kind": kind}
    await connection.execute(sa.insert(events).values(**values))
