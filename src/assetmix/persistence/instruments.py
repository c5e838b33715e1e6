"""Instruments by id, each with a revision that grows whenever its document changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert

from assetmix.codec.documents import INSTRUMENT
from assetmix.domain.instrument import Instrument
from assetmix.persistence.prepared import Prepared
from assetmix.persistence.rows import instruments, revisions
from assetmix.persistence.session import Connection
from assetmix.persistence.snapshots import DIGEST


@dataclass(frozen=True, slots=True)
class StoredInstrument:
    """An instrument with the revisions of its document and of its prices."""

    instrument: Instrument
    revision: int
    price_revision: int


@dataclass(frozen=True, slots=True)
class Change:
    """How many records a request created, updated and left as they were."""

    created: int
    updated: int
    unchanged: int


async def put_instruments(connection: Connection, tenant_id: str, given: Sequence[Instrument]) -> Change:
    """Create or replace instruments; equal documents are left untouched."""
    documents = {one.id: INSTRUMENT.write(one) for one in given}
    known = await connection.execute(
        sa.select(instruments.c.id).where(instruments.c.tenant_id == tenant_id, _named(documents))
    )
    before = set(known.scalars())
    rows = [{"tenant_id": tenant_id, "id": key, "document": document} for key, document in sorted(documents.items())]
    statement = insert(instruments).values(revision=revisions.next_value())
    upsert = statement.on_conflict_do_update(
        index_elements=["tenant_id", "id"],
        set_={"document": statement.excluded.document, "revision": revisions.next_value(), "updated_at": sa.func.now()},
        where=instruments.c.document != statement.excluded.document,
    ).returning(instruments.c.id)
    touched = set((await connection.execute(upsert, rows)).scalars()) if rows else set()
    created = touched - before
    return Change(len(created), len(touched & before), len(documents) - len(touched))


async def get_instruments(connection: Connection, tenant_id: str, ids: Sequence[str]) -> list[StoredInstrument]:
    """Give the instruments of those ids that exist, ordered by id."""
    return await _select(connection, instruments.c.tenant_id == tenant_id, _named(ids))


@dataclass(frozen=True, slots=True)
class State:
    """How many instruments are concerned, what their documents and prices are, and what they are quoted in.

    `fingerprint` is another whenever a document or a price is.
    """

    count: int
    fingerprint: str | None
    currencies: frozenset[str]


@dataclass(frozen=True, slots=True)
class Concerned:
    """Instruments that are named or carry any of the tags; with `everything` all that are tradable too."""

    ids: Sequence[str]
    tags: Sequence[str] = ()
    everything: bool = False


_NAMED = instruments.c.id == sa.any_(sa.bindparam("ids", type_=sa.ARRAY(sa.Text)))
_CARRIED = instruments.c.document["tags"].has_any(sa.bindparam("tags", type_=sa.ARRAY(sa.Text)))
_TRADABLE = instruments.c.document["tradable"].as_boolean()
_PART = sa.func.concat_ws(
    ":", sa.func.length(instruments.c.id), instruments.c.id, instruments.c.revision, instruments.c.price_revision
)
"""Of two instruments that differ in anything never the same: the length says where the id ends."""

_ALL = sa.func.string_agg(_PART, aggregate_order_by(sa.literal(",", sa.Text), instruments.c.id))
_STATE = sa.select(
    sa.func.count().label("count"),
    sa.func.encode(sa.func.sha256(sa.func.convert_to(_ALL, "UTF8")), "hex").label("fingerprint"),
    sa.func.array_agg(sa.distinct(instruments.c.document["currency"].as_string())).label("currencies"),
    DIGEST.scalar_subquery().label("digest"),
)
_IDS = sa.select(instruments.c.id).order_by(instruments.c.id)


def _which(asked: sa.Select[Any]) -> dict[tuple[bool, bool], Prepared]:
    """What is asked of the instruments concerned, by whether there are tags, and whether all tradable are."""
    mine = asked.where(instruments.c.tenant_id == sa.bindparam("tenant_id"))
    return {
        (False, False): Prepared(mine.where(_NAMED)),
        (True, False): Prepared(mine.where(_NAMED | _CARRIED)),
        (False, True): Prepared(mine.where(_NAMED | _TRADABLE)),
        (True, True): Prepared(mine.where(_NAMED | _CARRIED | _TRADABLE)),
    }


_STATES, _CONCERNED = _which(_STATE), _which(_IDS)


async def get_state_and_digest(
    connection: Connection, tenant_id: str, concerned: Concerned, key: str
) -> tuple[State, str | None]:
    """Give the state of the instruments concerned, and what `snapshots.find_digest` gives for a key."""
    which = _STATES[bool(concerned.tags), concerned.everything]
    (row,) = await which.rows(connection, tenant_id=tenant_id, key=key, **_named_by(concerned))
    return State(row["count"], row["fingerprint"], frozenset(row["currencies"] or ())), row["digest"]


async def find_ids(connection: Connection, tenant_id: str, concerned: Concerned) -> tuple[str, ...]:
    """Give the ids of the instruments concerned, in order."""
    which = _CONCERNED[bool(concerned.tags), concerned.everything]
    return tuple(row["id"] for row in await which.rows(connection, tenant_id=tenant_id, **_named_by(concerned)))


def _named_by(concerned: Concerned) -> dict[str, list[str]]:
    return {"ids": list(concerned.ids), "tags": list(concerned.tags)}


async def list_instruments(connection: Connection, tenant_id: str, after: str, limit: int) -> list[StoredInstrument]:
    """Give instruments whose id comes after a given one, ordered by id."""
    mine = instruments.c.tenant_id == tenant_id
    query = sa.select(instruments).where(mine, instruments.c.id > after).order_by(instruments.c.id).limit(limit)
    return [_stored(row) for row in (await connection.execute(query)).all()]


@dataclass(frozen=True, slots=True)
class Classes:
    """Ways in which instruments may be spoken of: by id, by tag, by a grouping that they belong to."""

    ids: tuple[str, ...]
    tags: tuple[str, ...]
    groupings: tuple[str, ...]


async def find_classified(connection: Connection, tenant_id: str, classes: Classes) -> list[Instrument]:
    """Give the instruments that are named, carry any of the tags or belong to any of the groupings."""
    document = instruments.c.document
    tagged = document["tags"].has_any(sa.cast(list(classes.tags), sa.ARRAY(sa.Text)))
    grouped = document["look_through"].has_any(sa.cast(list(classes.groupings), sa.ARRAY(sa.Text)))
    found = await _select(
        connection, instruments.c.tenant_id == tenant_id, sa.or_(_named(classes.ids), tagged, grouped)
    )
    return [one.instrument for one in found]


async def common_currency(connection: Connection, tenant_id: str, ids: Sequence[str]) -> str | None:
    """Give the currency in which most of the instruments are quoted, the first by name of several; None for none."""
    currency = instruments.c.document["currency"].as_string()
    query = sa.select(currency).where(instruments.c.tenant_id == tenant_id, _named(ids)).group_by(currency)
    ordered = query.order_by(sa.func.count().desc(), currency).limit(1)
    found: str | None = (await connection.execute(ordered)).scalar_one_or_none()
    return found


async def touch_prices(connection: Connection, tenant_id: str, ids: Sequence[str]) -> None:
    """Give the instruments a new price revision."""
    query = (
        sa.update(instruments)
        .where(instruments.c.tenant_id == tenant_id, _named(ids))
        .values(price_revision=revisions.next_value())
    )
    await connection.execute(query)


async def _select(connection: Connection, *where: sa.ColumnElement[bool]) -> list[StoredInstrument]:
    query = sa.select(instruments).where(*where).order_by(instruments.c.id)
    return [_stored(row) for row in (await connection.execute(query)).all()]


def _stored(row: sa.Row[tuple[object, ...]]) -> StoredInstrument:
    return StoredInstrument(INSTRUMENT.read_value(row.document), row.revision, row.price_revision)


async def delete_instrument(connection: Connection, tenant_id: str, instrument_id: str) -> None:
    """Delete an instrument with its prices."""
    mine = (instruments.c.tenant_id == tenant_id) & (instruments.c.id == instrument_id)
    await connection.execute(sa.delete(instruments).where(mine))


async def lock_market_data(connection: Connection, tenant_id: str) -> None:
    """Have the uploads of a tenant come one after the other, so that they cannot lock each other out."""
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(tenant_id, 2))))


def _named(ids: Iterable[str]) -> sa.ColumnElement[bool]:
    """One parameter however many ids there are."""
    return instruments.c.id == sa.any_(sa.cast(list(ids), sa.ARRAY(sa.Text)))
