"""Exchange rates: one history a pair of currencies, and a revision for all of a tenant's."""

import datetime as dt
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from assetmix.domain.arrays import readonly
from assetmix.domain.snapshot import RateSeries
from assetmix.persistence.bulk import incoming
from assetmix.persistence.rows import exchange_rates, revisions, tenants
from assetmix.persistence.session import Connection

Rate: TypeAlias = tuple[str, str, dt.date, float]
"""currency, quote, date, rate: one unit of the currency is worth so many units of the quote."""

_EPOCH = dt.date(1970, 1, 1)
KEY = ("currency", "quote", "date")
COLUMNS = (*KEY, "rate")


async def put_rates(connection: Connection, tenant_id: str, given: Iterable[Rate]) -> tuple[int, int]:
    """Insert or replace rates; how many were inserted and updated, equal ones counted in neither."""
    upload = await incoming(connection, exchange_rates, COLUMNS)
    await upload.add(given)
    statement = upload.insert(tenant_id)
    upsert = statement.on_conflict_do_update(
        index_elements=["tenant_id", *KEY],
        set_={"rate": statement.excluded.rate},
        where=exchange_rates.c.rate != statement.excluded.rate,
    ).returning(exchange_rates.c.currency, sa.literal_column("(xmax = 0)").label("fresh"))
    touched = upsert.cte("touched")
    counted = sa.select(touched.c.fresh, sa.func.count().label("rows")).group_by(touched.c.fresh)
    found = {row.fresh: row.rows for row in (await connection.execute(counted)).all()}
    if found:
        mine = sa.update(tenants).where(tenants.c.id == tenant_id)
        await connection.execute(mine.values(rate_revision=revisions.next_value()))
    return found.get(True, 0), found.get(False, 0)


async def would_change(connection: Connection, tenant_id: str, given: Iterable[Rate]) -> tuple[int, int]:
    """Count the rates that would be inserted, and those that would replace another; nothing is written."""
    upload = await incoming(connection, exchange_rates, COLUMNS)
    await upload.add(given)
    return await upload.would_change(tenant_id, KEY)


async def get_rates(
    connection: Connection, tenant_id: str, currency: str, between: tuple[dt.date, dt.date], limit: int
) -> list[dict[str, object]]:
    """Stored rates of one currency between two days, oldest first, by quote within a day."""
    query = (
        sa.select(exchange_rates.c.date, exchange_rates.c.quote, exchange_rates.c.rate.label("close"))
        .where(exchange_rates.c.tenant_id == tenant_id, exchange_rates.c.currency == currency)
        .where(exchange_rates.c.date.between(*between))
        .order_by(exchange_rates.c.date, exchange_rates.c.quote)
        .limit(limit)
    )
    return [dict(row._mapping) for row in (await connection.execute(query)).all()]  # noqa: SLF001 - its public name


async def has_rates(connection: Connection, tenant_id: str, currency: str) -> bool:
    """Whether any rate of the currency is stored."""
    mine = (exchange_rates.c.tenant_id == tenant_id) & (exchange_rates.c.currency == currency)
    return bool((await connection.execute(sa.select(sa.exists().where(mine)))).scalar_one())


async def get_revision(connection: Connection, tenant_id: str) -> int:
    """Give a number that changes whenever any rate of the tenant does."""
    query = sa.select(tenants.c.rate_revision).where(tenants.c.id == tenant_id)
    return int((await connection.execute(query)).scalar_one())


async def last_day(connection: Connection, tenant_id: str, until: dt.date) -> dt.date | None:
    """Give the last day with a rate up to a day; None when there is none."""
    mine = (exchange_rates.c.tenant_id == tenant_id) & (exchange_rates.c.date <= until)
    found: dt.date | None = (
        await connection.execute(sa.select(sa.func.max(exchange_rates.c.date)).where(mine))
    ).scalar()
    return found


async def get_series(connection: Connection, tenant_id: str, first: dt.date, last: dt.date) -> tuple[RateSeries, ...]:
    """Give every pair's rates between two days, ordered by pair; pairs without any are left out."""
    days = sa.func.array_agg(aggregate_order_by(exchange_rates.c.date - _EPOCH, exchange_rates.c.date)).label("days")
    values = sa.func.array_agg(aggregate_order_by(exchange_rates.c.rate, exchange_rates.c.date)).label("rates")
    pair = (exchange_rates.c.currency, exchange_rates.c.quote)
    query = (
        sa.select(*pair, days, values)
        .where(exchange_rates.c.tenant_id == tenant_id, exchange_rates.c.date.between(first, last))
        .group_by(*pair)
        .order_by(*pair)
    )
    return tuple(
        RateSeries(
            row.currency, row.quote, np.array(row.days, dtype=np.int64) + _EPOCH.toordinal(), readonly(row.rates)
        )
        for row in (await connection.execute(query)).all()
    )
