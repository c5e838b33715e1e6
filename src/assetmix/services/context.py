"""What every use case is given: the database, the bell, the settings, and whose call it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assetmix.jobs.doorbell import Doorbell
from assetmix.optimization.memory import Memory
from assetmix.persistence.endings import Endings
from assetmix.persistence.journal import Entry
from assetmix.persistence.session import Database
from assetmix.services.backlog import Backlog
from assetmix.services.quotas import Quotas
from assetmix.settings import Settings

MOST_KEYS = 1024


@dataclass(frozen=True, slots=True)
class House:
    """The parts of this process that use cases share."""

    database: Database
    bell: Doorbell
    settings: Settings
    snapshots: Memory
    snapshot_keys: Memory = field(default_factory=lambda: Memory(MOST_KEYS), kw_only=True)
    """The key that was last found for what a run concerns: probably the next run's too."""

    endings: Endings | None = None
    backlog: Backlog | None = None
    observer: Database | None = None
    """The database as the role sees it that may see figures of all tenants and nothing else."""

    quotas: Quotas = field(default_factory=Quotas)


@dataclass(frozen=True, slots=True)
class Origin:
    """The request that a call comes from, and the trace that it belongs to (W3C Trace Context)."""

    request_id: str | None = None
    traceparent: str | None = None


NOWHERE = Origin()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a key of one tenant with its scopes."""

    tenant_id: str
    tenant: str
    key_id: str
    scopes: frozenset[str]
    settings: Mapping[str, Any]
    origin: Origin = NOWHERE

    @property
    def request_id(self) -> str | None:
        """The request that the call comes from."""
        return self.origin.request_id


def entry(caller: Caller, action: str, subject: str, **details: Any) -> Entry:  # noqa: ANN401 - any JSON
    """Audit entry of what a caller does."""
    return Entry(actor=caller.key_id, action=action, subject=subject, request_id=caller.request_id, details=details)
