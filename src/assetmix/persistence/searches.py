"""Portfolios and records that meet a condition, with how many there are in all."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from assetmix.persistence.criteria import Fields, Wanted, matching, ordering
from assetmix.persistence.portfolios import StoredPortfolio, stored_portfolio
from assetmix.persistence.record_rows import records
from assetmix.persistence.records import Kind, Record, stored_record
from assetmix.persistence.rows import portfolios
from assetmix.persistence.session import Connection

_TIMES = ("creation_datetime", "version_datetime", "last_modified", "lastmodified")


def _columns(table: sa.Table) -> dict[str, sa.ColumnElement[Any]]:
    known: dict[str, sa.ColumnElement[Any]] = {"id": table.c.id, "version": table.c.version}
    times = dict.fromkeys(_TIMES[1:], table.c.updated_at)
    return known | {"creation_datetime": table.c.created_at, "deleted": table.c.is_deleted} | times


def _member(document: sa.ColumnElement[Any], path: tuple[str, ...]) -> sa.ColumnElement[Any]:
    return document.op("#>", return_type=JSONB())(sa.cast(list(path), sa.ARRAY(sa.Text)))


def _of_portfolio(path: tuple[str, ...]) -> sa.ColumnElement[Any]:
    """What the core works with is in the document; the rest are details."""
    settings = ("config", "manager_settings")
    moved = {
        ("portfolio",): ("holdings",),
        ("base_currency",): ("base_currency",),
        (*settings, "policy_id"): ("strategy",),
    }
    head = path[:1] if path[0] == "portfolio" else path
    if head == (*settings, "divest_amount"):
        # nothing to divest is stored as 0 and shown as absent
        return sa.func.nullif(_member(portfolios.c.document, ("divest_amount",)), sa.literal_column("'0'::jsonb"))
    if head in moved:
        return _member(portfolios.c.document, (*moved[head], *path[len(head) :]))
    return _member(portfolios.c.details, path)


_OWN_ID = portfolios.c.details["external_id"].as_string()
_EXTERNAL_ID = sa.func.coalesce(_OWN_ID, sa.func.nullif(portfolios.c.client_reference, portfolios.c.id))

PORTFOLIOS = Fields({**_columns(portfolios), "external_id": _EXTERNAL_ID}, _of_portfolio)
RECORDS = Fields(
    {**_columns(records), "external_id": records.c.external_id}, lambda path: _member(records.c.document, path)
)


async def search_portfolios(
    connection: Connection, tenant_id: str, wanted: Wanted
) -> tuple[list[StoredPortfolio], int]:
    """Give the portfolios that are looked for, and how many there are in all."""
    mine = (portfolios.c.tenant_id == tenant_id) & ~portfolios.c.is_deleted
    rows, count = await _search(connection, portfolios, mine, PORTFOLIOS, wanted)
    return [stored_portfolio(row._asdict()) for row in rows], count


async def search_records(
    connection: Connection, tenant_id: str, kind: Kind, wanted: Wanted, portfolio_id: str | None = None
) -> tuple[list[Record], int]:
    """Give the records of a kind that are looked for, of one portfolio if one is named; and how many in all."""
    mine = (records.c.tenant_id == tenant_id) & (records.c.kind == kind) & ~records.c.is_deleted
    if portfolio_id is not None:
        mine &= records.c.portfolio_id == portfolio_id
    rows, count = await _search(connection, records, mine, RECORDS, wanted)
    return [stored_record(row) for row in rows], count


async def _search(
    connection: Connection, table: sa.Table, mine: sa.ColumnElement[bool], fields: Fields, wanted: Wanted
) -> tuple[list[sa.Row[Any]], int]:
    where = mine if wanted.condition is None else mine & matching(fields, wanted.condition)
    count = sa.select(sa.func.count()).select_from(table).where(where)
    found = sa.select(table).where(where).order_by(*ordering(fields, wanted, table.c.id))
    rows = (await connection.execute(found.limit(wanted.limit).offset(wanted.offset))).all()
    return list(rows), int((await connection.execute(count)).scalar_one())
