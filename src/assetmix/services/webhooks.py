"""Endpoints that a tenant registers: checked, given secrets, rotated; and the events they are told of.

A secret is made from the service's own and the endpoint's id, so that it is stored nowhere.

Source: Standard Webhooks 1.0.0.
"""

import base64
import datetime as dt
import hashlib
import hmac
import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from assetmix.clock import now
from assetmix.errors import Conflict, Fault, NotFound
from assetmix.jobs.post import Forbidden, require_address
from assetmix.optimization.check import refuse
from assetmix.persistence import webhooks
from assetmix.persistence.journal import ENDED, note
from assetmix.persistence.session import Connection
from assetmix.persistence.webhooks import Delivery, StoredEvent, Webhook
from assetmix.services.context import Caller, House, entry
from assetmix.services.ids import new_id
from assetmix.settings import Settings

MOST = 10
OVERLAP = dt.timedelta(hours=24)
EVENTS = (
    "portfolios.creation",
    "portfolios.status-update",
    "portfolios.withdrawal",
    ENDED,
    "optimizations.owner-choice-update",
)
VALUES = {"succeeded": "SUCCESS", "infeasible": "INFEASIBLE", "failed": "FAILURE"}
VERSION = "1.0.0"
"""Of the envelope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An endpoint as a caller wants it; without `events` it is told of all."""

    url: str
    events: tuple[str, ...] | None = None
    rotate_secret: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """An endpoint, with its secret where that is new."""

    webhook: Webhook
    secret: str | None = None


def faults_of(settings: Settings, wanted: Sequence[Wanted]) -> list[Fault]:
    """Find what is wrong with endpoints."""
    faults = [fault for i, one in enumerate(wanted) for fault in _faults(settings, one, f"/webhooks/{i}")]
    if len(wanted) > MOST:
        faults.append(Fault("/webhooks", "limit-exceeded", f"at most {MOST} endpoints"))
    for i, one in enumerate(wanted):
        if one.url in {other.url for other in wanted[:i]}:
            faults.append(Fault(f"/webhooks/{i}/url", "duplicate", "this address is named already"))
    return faults


def _faults(settings: Settings, one: Wanted, pointer: str) -> Iterator[Fault]:
    try:
        require_address(one.url, tuple(ipaddress.ip_network(network) for network in settings.webhook_networks))
    except Forbidden as error:
        yield Fault(f"{pointer}/url", "invalid-webhook-url", str(error))
    for place, name in enumerate(one.events or ()):
        if name not in EVENTS:
            detail = f"there is no such event; choose from {', '.join(EVENTS)}"
            yield Fault(f"{pointer}/events/{place}", "unknown-event", detail)


async def replace(house: House, connection: Connection, caller: Caller, wanted: Sequence[Wanted]) -> list[Shown]:
    """Have exactly these endpoints, in a transaction of the caller's; new and rotated secrets are shown once.

    Raises
    ------
    InvalidRequest
        with every fault
    Conflict
        for a secret that is rotated again too soon
    """
    refuse(faults_of(house.settings, wanted))
    tenant_id, pepper = caller.tenant_id, house.settings.key_pepper.get_secret_value()
    await webhooks.lock_webhooks(connection, tenant_id)
    known = {one.url for one in await webhooks.list_webhooks(connection, tenant_id)}
    await webhooks.remove_others(connection, tenant_id, [one.url for one in wanted])
    shown = []
    for one in wanted:
        events = None if one.events is None else list(one.events)
        kept = await webhooks.put_webhook(connection, tenant_id, new_id("W"), one.url, events)
        if one.rotate_secret and one.url in known:
            _require_rest(kept)
            kept = await webhooks.rotate(connection, tenant_id, kept.id, OVERLAP)
        is_new = one.rotate_secret or one.url not in known
        shown.append(Shown(kept, secret_of(pepper, tenant_id, kept) if is_new else None))
        await note(connection, tenant_id, entry(caller, "webhook.put", kept.id, rotated=one.rotate_secret))
    return shown


def _require_rest(webhook: Webhook) -> None:
    """Refuse a second rotation while the first one's overlap lasts: the secret in use would be void at once."""
    until = webhook.overlap_until
    if until is not None and until > now():
        raise Conflict(f"the secret was rotated already; rotate it again after {until.isoformat()}")


async def list_all(house: House, caller: Caller) -> list[Shown]:
    """Give a tenant's endpoints, without their secrets."""
    async with house.database.transaction(caller.tenant_id) as connection:
        return await list_in(connection, caller)


async def list_in(connection: Connection, caller: Caller) -> list[Shown]:
    """Give a tenant's endpoints in a transaction of the caller's."""
    return [Shown(one) for one in await webhooks.list_webhooks(connection, caller.tenant_id)]


def secret_of(pepper: str, tenant_id: str, webhook: Webhook, generation: int | None = None) -> str:
    """Give an endpoint's secret, as the consumer keeps it."""
    wanted = webhook.generation if generation is None else generation
    name = f"webhook {tenant_id} {webhook.id} {wanted}".encode()
    return f"whsec_{base64.b64encode(hmac.new(pepper.encode(), name, hashlib.sha256).digest()).decode()}"


def envelope(event: StoredEvent) -> dict[str, Any]:
    """Give an event as it is sent and listed: thin, so that whoever wants more reads it."""
    name = ENDED if event.kind.startswith("optimization.") else event.kind
    subject, _, action = name.partition(".")
    data = dict(event.data)
    if name == ENDED:
        data["value"] = VALUES.get(str(data.get("value")), "NOT_OPTIMIZED")
    return {
        "id": event.id,
        "created": event.at.isoformat(),
        "version": VERSION,
        "subject": subject,
        "action": action,
        "data": data,
    }


async def list_events(house: House, caller: Caller, before: str, limit: int) -> list[StoredEvent]:
    """Give past events, newest first."""
    async with house.database.transaction(caller.tenant_id) as connection:
        return await webhooks.list_events(connection, caller.tenant_id, before, limit)


async def get_event(house: House, caller: Caller, event_id: str) -> tuple[StoredEvent, list[Delivery]]:
    """Give an event, and what became of its messages.

    Raises
    ------
    NotFound
        when there is none
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        found = await _told(connection, caller, event_id)
        return found, await webhooks.deliveries_of(connection, caller.tenant_id, event_id)


async def resend(house: House, caller: Caller, event_id: str) -> tuple[StoredEvent, list[Delivery]]:
    """Have an event sent to every endpoint once more.

    Raises
    ------
    NotFound
        when there is none
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        found = await _told(connection, caller, event_id)
        await webhooks.resend(connection, caller.tenant_id, event_id)
        await note(connection, caller.tenant_id, entry(caller, "event.resend", event_id))
        return found, await webhooks.deliveries_of(connection, caller.tenant_id, event_id)


async def _told(connection: Connection, caller: Caller, event_id: str) -> StoredEvent:
    """Give an event that is told to endpoints."""
    found = await webhooks.find_event(connection, caller.tenant_id, event_id)
    if found is None or not found.data:
        raise NotFound("no such event")
    return found
