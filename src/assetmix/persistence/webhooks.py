"""Endpoints of callers, the events they are told of, and what became of each message."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from assetmix.persistence.record_rows import deliveries, webhooks
from assetmix.persistence.run_rows import events
from assetmix.persistence.session import Connection, set_tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An endpoint as stored."""

    id: str
    url: str
    events: list[str] | None
    generation: int
    overlap_until: dt.datetime | None
    disabled_at: dt.datetime | None
    created_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as stored."""

    id: str
    kind: str
    data: dict[str, Any]
    at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of a message."""

    event_id: str
    webhook_id: str
    state: str
    attempts: int
    answer: str | None
    due_at: dt.datetime
    ended_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Message:
    """An event to send to an endpoint, at which attempt."""

    tenant_id: str
    event: StoredEvent
    webhook: Webhook
    attempt: int


async def lock_webhooks(connection: Connection, tenant_id: str) -> None:
    """Have the changes of a tenant's endpoints come one after the other."""
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(tenant_id, 8))))


async def list_webhooks(connection: Connection, tenant_id: str) -> list[Webhook]:
    """Give a tenant's endpoints, oldest first."""
    query = sa.select(webhooks).where(webhooks.c.tenant_id == tenant_id).order_by(webhooks.c.id)
    return [_webhook(row) for row in (await connection.execute(query)).all()]


async def put_webhook(
    connection: Connection, tenant_id: str, webhook_id: str, url: str, wanted: list[str] | None
) -> Webhook:
    """Create an endpoint, or say anew what it is told of; it is enabled again."""
    statement = insert(webhooks).values(tenant_id=tenant_id, id=webhook_id, url=url, events=wanted)
    again = {"events": statement.excluded.events, "disabled_at": None}
    upsert = statement.on_conflict_do_update(index_elements=["tenant_id", "url"], set_=again)
    return _webhook((await connection.execute(upsert.returning(webhooks))).one())


async def rotate(connection: Connection, tenant_id: str, webhook_id: str, overlap: dt.timedelta) -> Webhook:
    """Give an endpoint its next secret; the one before is used beside it for a while."""
    mine = (webhooks.c.tenant_id == tenant_id) & (webhooks.c.id == webhook_id)
    values = {"generation": webhooks.c.generation + 1, "overlap_until": sa.func.now() + overlap}
    statement = sa.update(webhooks).where(mine).values(values).returning(webhooks)
    return _webhook((await connection.execute(statement)).one())


async def remove_others(connection: Connection, tenant_id: str, urls: Sequence[str]) -> None:
    """Delete the endpoints that are not named; what waits for them is sent no more."""
    mine = (webhooks.c.tenant_id == tenant_id) & webhooks.c.url.not_in(list(urls))
    gone = (await connection.execute(sa.delete(webhooks).where(mine).returning(webhooks.c.id))).scalars().all()
    for webhook_id in gone:
        await _give_up(connection, tenant_id, webhook_id)


async def disable(connection: Connection, tenant_id: str, webhook_id: str) -> None:
    """Send an endpoint nothing more, nor what waits for it."""
    mine = (webhooks.c.tenant_id == tenant_id) & (webhooks.c.id == webhook_id)
    await connection.execute(sa.update(webhooks).where(mine).values(disabled_at=sa.func.now()))
    await _give_up(connection, tenant_id, webhook_id)


async def list_events(connection: Connection, tenant_id: str, before: str, limit: int) -> list[StoredEvent]:
    """Give events that tell something, newest first, ids before a given one."""
    mine = (events.c.tenant_id == tenant_id) & (events.c.id < before) & (events.c.data != sa.text("'{}'::jsonb"))
    query = sa.select(events).where(mine).order_by(events.c.id.desc()).limit(limit)
    return [_event(row) for row in (await connection.execute(query)).all()]


async def find_event(connection: Connection, tenant_id: str, event_id: str) -> StoredEvent | None:
    """Give one event."""
    query = sa.select(events).where(events.c.tenant_id == tenant_id, events.c.id == event_id)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _event(row)


async def deliveries_of(connection: Connection, tenant_id: str, event_id: str) -> list[Delivery]:
    """Give what became of an event's messages."""
    mine = (deliveries.c.tenant_id == tenant_id) & (deliveries.c.event_id == event_id)
    columns = [deliveries.c[name] for name in Delivery.__dataclass_fields__]
    rows = (await connection.execute(sa.select(*columns).where(mine).order_by(deliveries.c.webhook_id))).all()
    return [Delivery(**row._mapping) for row in rows]  # noqa: SLF001 - its public name


async def resend(connection: Connection, tenant_id: str, event_id: str) -> None:
    """Have an event sent to every endpoint once more, from the first attempt on."""
    mine = sa.select(webhooks.c.tenant_id, sa.literal(event_id), webhooks.c.id).where(
        webhooks.c.tenant_id == tenant_id, webhooks.c.disabled_at.is_(None)
    )
    statement = insert(deliveries).from_select(["tenant_id", "event_id", "webhook_id"], mine)
    again = {"state": "waiting", "attempts": 0, "answer": None, "due_at": sa.func.now(), "ended_at": None}
    names = ["tenant_id", "event_id", "webhook_id"]
    await connection.execute(statement.on_conflict_do_update(index_elements=names, set_=again))


@dataclass(frozen=True, slots=True)
class Places:
    """How many messages may be taken: in all and of a tenant; and who has to wait until one has come back."""

    free: int
    of_tenant: int
    full_tenants: tuple[str, ...]
    busy: tuple[tuple[str, str], ...]


async def take_messages(connection: Connection, places: Places, lease_seconds: float) -> list[Message]:
    """Take the first message that is due for each endpoint; they are due again after so long, should the sender die."""
    keys = (deliveries.c.tenant_id, deliveries.c.event_id, deliveries.c.webhook_id)
    waiting = (deliveries.c.state == "waiting") & (deliveries.c.due_at <= sa.func.now())
    endpoint = (deliveries.c.tenant_id, deliveries.c.webhook_id)
    free = deliveries.c.tenant_id.not_in(places.full_tenants) & sa.tuple_(*endpoint).not_in(places.busy)
    place = sa.func.row_number().over(partition_by=endpoint, order_by=deliveries.c.event_id).label("place")
    ready = sa.select(*keys, place).where(waiting, free).subquery()
    heads = sa.select(ready.c.tenant_id, ready.c.event_id, ready.c.webhook_id).where(ready.c.place == 1).subquery()
    turn = sa.func.row_number().over(partition_by=heads.c.tenant_id, order_by=heads.c.event_id).label("turn")
    turns = sa.select(heads, turn).subquery()
    chosen = sa.select(turns.c.tenant_id, turns.c.event_id, turns.c.webhook_id).where(turns.c.turn <= places.of_tenant)
    first = sa.select(*keys).where(sa.tuple_(*keys).in_(chosen.limit(places.free)), waiting)
    later = sa.func.now() + dt.timedelta(seconds=lease_seconds)
    taken = sa.update(deliveries).where(sa.tuple_(*keys).in_(first.with_for_update(skip_locked=True)))
    statement = taken.values(attempts=deliveries.c.attempts + 1, due_at=later).returning(*keys, deliveries.c.attempts)
    rows = (await connection.execute(statement)).all()
    found = [await _message(connection, row) for row in sorted(rows, key=lambda row: row.event_id)]
    return [one for one in found if one is not None]


async def _message(connection: Connection, row: sa.Row[*tuple[Any, ...]]) -> Message | None:
    await set_tenant(connection, row.tenant_id)
    event = await find_event(connection, row.tenant_id, row.event_id)
    query = sa.select(webhooks).where(webhooks.c.tenant_id == row.tenant_id, webhooks.c.id == row.webhook_id)
    webhook = (await connection.execute(query)).one_or_none()
    if event is None or webhook is None or webhook.disabled_at is not None:
        await _give_up(connection, row.tenant_id, row.webhook_id)
        return None
    return Message(row.tenant_id, event, _webhook(webhook), row.attempts)


async def _give_up(connection: Connection, tenant_id: str, webhook_id: str) -> None:
    """End what waits for an endpoint that is told nothing more."""
    mine = (deliveries.c.tenant_id == tenant_id) & (deliveries.c.webhook_id == webhook_id)
    ended = {"state": "failed", "ended_at": sa.func.now()}
    await connection.execute(sa.update(deliveries).where(mine, deliveries.c.state == "waiting").values(ended))


async def settle(connection: Connection, message: Message, state: str, answer: str, pause: float | None) -> None:
    """Write what became of a message: after a pause it is tried again, without one it has ended.

    What has been sent anew meanwhile is left alone.
    """
    mine = (
        (deliveries.c.tenant_id == message.tenant_id)
        & (deliveries.c.event_id == message.event.id)
        & (deliveries.c.webhook_id == message.webhook.id)
        & (deliveries.c.attempts == message.attempt)
        & (deliveries.c.state == "waiting")
    )
    values: dict[str, Any] = {"state": state, "answer": answer}
    if pause is None:
        values["ended_at"] = sa.func.now()
    else:
        values["due_at"] = sa.func.now() + dt.timedelta(seconds=pause)
    await connection.execute(sa.update(deliveries).where(mine).values(values))


def _webhook(row: sa.Row[*tuple[Any, ...]]) -> Webhook:
    return Webhook(**{name: getattr(row, name) for name in Webhook.__dataclass_fields__})


def _event(row: sa.Row[*tuple[Any, ...]]) -> StoredEvent:
    return StoredEvent(id=row.id, kind=row.kind, data=row.data, at=row.at)
