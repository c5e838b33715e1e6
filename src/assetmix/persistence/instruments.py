"""Instruments by id, each with a revision that grows whenever its document changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

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
class Revision:
    """Revisions of an instrument's document and of its prices, and the currency that it is quoted in."""

    document: int
    prices: int
    currency: str


@dataclass(frozen=True, slots=True)
class Concerned:
    """Instruments that are named or carry any of the tags; with `everything` all that are tradable too."""

    ids: Sequence[str]
    tags: Sequence[str] = ()
    everything: bool = False


_CURRENCY = instruments.c.document["currency"].as_string().label("currency")
_NAMED = instruments.c.id == sa.any_(sa.bindparam("ids", type_=sa.ARRAY(sa.Text)))
_CARRIED = instruments.c.document["tags"].has_any(sa.bindparam("tags", type_=sa.ARRAY(sa.Text)))
_TRADABLE = instruments.c.document["tradable"].as_boolean()
_REVISIONS = (
    sa.select(
        instruments.c.id,
        instruments.c.revision,
        instruments.c.price_revision,
        _CURRENCY,
        DIGEST.scalar_subquery().label("digest"),
    )
    .where(instruments.c.tenant_id == sa.bindparam("tenant_id"))
    .order_by(instruments.c.id)
)
_WHICH = {
    (False, False): Prepared(_REVISIONS.where(_NAMED)),
    (True, False): Prepared(_REVISIONS.where(_NAMED | _CARRIED)),
    (False, True): Prepared(_REVISIONS.where(_NAMED | _TRADABLE)),
    (True, True): Prepared(_REVISIONS.where(_NAMED | _CARRIED | _TRADABLE)),
}
"""By whether there are tags, and whether everything tradable is concerned."""


async def get_revisions(connection: Connection, tenant_id: str, concerned: Concerned) -> dict[str, Revision]:
    """Give the revisions of the instruments concerned, by id."""
    return (await get_revisions_and_digest(connection, tenant_id, concerned, ""))[0]


async def get_revisions_and_digest(
    connection: Connection, tenant_id: str, concerned: Concerned, key: str
) -> tuple[dict[str, Revision], str | None]:
    """Give the revisions of the instruments concerned, by id, and what `snapshots.find_digest` gives for a key."""
    which = _WHICH[bool(concerned.tags), concerned.everything]
    named = {"tenant_id": tenant_id, "ids": list(concerned.ids), "tags": list(concerned.tags), "key": key}
    found = await which.rows(connection, **named)
    revisions = {row["id"]: Revision(row["revision"], row["price_revision"], row["currency"]) for row in found}
    return revisions, found[0]["digest"] if found else None


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
