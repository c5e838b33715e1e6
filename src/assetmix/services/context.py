"""What every use case is given: the database, the bell, the settings, and whose call it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assetmix.jobs.doorbell import Doorbell
from assetmix.optimization.memory import Memory
from assetmix.persistence.endings import Endings
from assetmix.persistence.session import Database
from assetmix.settings import Settings


@dataclass(frozen=True, slots=True)
class House:
    """The parts of this process that use cases share."""

    database: Database
    bell: Doorbell
    settings: Settings
    snapshots: Memory
    endings: Endings | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a key of one tenant with its scopes."""

    tenant_id: str
    tenant: str
    key_id: str
    scopes: frozenset[str]
    settings: Mapping[str, Any]
