"""Versioned records of a tenant: created, changed, deleted, looked up, listed."""

from typing import Any

from assetmix.errors import Conflict, NotFound
from assetmix.persistence import records, searches
from assetmix.persistence.criteria import Wanted
from assetmix.persistence.journal import note
from assetmix.persistence.records import Kind, NewRecord, Record
from assetmix.persistence.session import Connection
from assetmix.services.context import Caller, House, entry
from assetmix.services.ids import new_id
from assetmix.services.preconditions import ANYTHING, Expected, require

LETTERS: dict[Kind, str] = {"user": "U", "policy": "Y", "transaction": "T"}


async def create(
    house: House, caller: Caller, kind: Kind, document: dict[str, Any], external_id: str | None = None
) -> Record:
    """Store a new record.

    Raises
    ------
    Conflict
        when another one of its kind has its external id
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        return await add(connection, caller, new_record(caller, kind, document, external_id))


def new_record(caller: Caller, kind: Kind, document: dict[str, Any], external_id: str | None) -> NewRecord:
    """Give a record its id."""
    made = {"kind": kind, "document": document, "author": caller.key_id, "external_id": external_id}
    return NewRecord(id=new_id(LETTERS[kind]), **made)  # type: ignore[arg-type]


async def add(connection: Connection, caller: Caller, new: NewRecord) -> Record:
    """Store a new record in a transaction of the caller's."""
    try:
        stored = await records.add_record(connection, caller.tenant_id, new)
    except Conflict:
        raise Conflict(f"there is a {new.kind} with this external_id already") from None
    await note(connection, caller.tenant_id, entry(caller, f"{new.kind}.create", stored.id))
    return stored


async def locked(
    connection: Connection, caller: Caller, kind: Kind, record_id: str, expected: Expected = ANYTHING
) -> Record:
    """Give a record for a change in a transaction of the caller's.

    Raises
    ------
    NotFound
        when there is none
    PreconditionFailed, PreconditionRequired
        when it is not what the caller expects
    """
    known = await records.find_record(connection, caller.tenant_id, kind, record_id, lock=True)
    if known is None:
        raise NotFound(f"no such {kind}")
    require(expected, known, caller, kind)
    return known


async def change(  # noqa: PLR0913, PLR0917 - each is a part of the request
    house: House, caller: Caller, kind: Kind, record_id: str, changes: dict[str, Any], expected: Expected = ANYTHING
) -> Record:
    """Add a version to a record: members that are given replace those that are there; equal ones add none.

    Raises
    ------
    NotFound, Conflict, PreconditionFailed, PreconditionRequired
        as `locked` and `create` do
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        known = await locked(connection, caller, kind, record_id, expected)
        return await changed(connection, caller, known, known.document | changes)


async def changed(connection: Connection, caller: Caller, known: Record, document: dict[str, Any]) -> Record:
    """Add a version to a locked record, unless nothing is different."""
    if document == known.document:
        return known
    values = {"document": document, "external_id": document.get("external_id"), "author": caller.key_id}
    try:
        stored = await records.change_record(connection, caller.tenant_id, known, **values)
    except Conflict:
        raise Conflict(f"there is another {known.kind} with this external_id") from None
    about = entry(caller, f"{known.kind}.change", known.id, version=stored.version)
    await note(connection, caller.tenant_id, about)
    return stored


async def delete(house: House, caller: Caller, kind: Kind, record_id: str, expected: Expected = ANYTHING) -> Record:
    """Mark a record as deleted, which is its last version.

    Raises
    ------
    NotFound, PreconditionFailed, PreconditionRequired
        as `locked` does
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        known = await locked(connection, caller, kind, record_id, expected)
        gone = {"is_deleted": True, "author": caller.key_id}
        stored = await records.change_record(connection, caller.tenant_id, known, **gone)
        await note(connection, caller.tenant_id, entry(caller, f"{kind}.delete", record_id))
    return stored


async def get(house: House, caller: Caller, kind: Kind, record_id: str) -> Record:
    """Give a record.

    Raises
    ------
    NotFound
        when there is none
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        found = await records.find_record(connection, caller.tenant_id, kind, record_id)
    if found is None:
        raise NotFound(f"no such {kind}")
    return found


async def get_version(house: House, caller: Caller, kind: Kind, record_id: str, version: int) -> Record:
    """Give a version of a record, also of one that was deleted since.

    Raises
    ------
    NotFound
        when there is none
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        found = await records.find_version(connection, caller.tenant_id, kind, record_id, version)
    if found is None:
        raise NotFound(f"no such version of a {kind}")
    return found


async def search(
    house: House, caller: Caller, kind: Kind, wanted: Wanted, portfolio_id: str | None = None
) -> tuple[list[Record], int]:
    """Give the records that are looked for, and how many there are in all."""
    async with house.database.transaction(caller.tenant_id) as connection:
        return await searches.search_records(connection, caller.tenant_id, kind, wanted, portfolio_id)


async def embedded(house: House, caller: Caller, ids: set[str]) -> list[Record]:
    """Give the records of those ids that exist."""
    if not ids:
        return []
    async with house.database.transaction(caller.tenant_id) as connection:
        return await records.find_records(connection, caller.tenant_id, sorted(ids))
