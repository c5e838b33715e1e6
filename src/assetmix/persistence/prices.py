"""Price histories: written in bulk, read as arrays."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, aggregate_order_by

from assetmix.domain.arrays import Matrix, Vector
from assetmix.persistence.bulk import Incoming
from assetmix.persistence.rows import prices
from assetmix.persistence.session import Connection

_EPOCH = dt.date(1970, 1, 1)
SLICE = 200_000
"""Rows that one statement stores."""

KEY = ("instrument_id", "date")
COLUMNS = (*KEY, "close", "adjusted_close", "open", "high", "low", "volume")


@dataclass(frozen=True, slots=True)
class Written:
    """Rows inserted and updated, and the instruments whose history changed."""

    inserted: int
    updated: int
    instruments: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Prices of some instruments on the union of their days.

    Parameters
    ----------
    dates : (T,) ordinals, oldest first
    table : (T, m) adjusted closes, else closes; nan where there is none
    closes : (m,) last close; nan where there is none
    extras : further tables (T, m) by name; nan where there is none
    """

    dates: np.ndarray[tuple[int], np.dtype[np.int64]]
    table: Matrix
    closes: Vector
    extras: Mapping[str, Matrix] = field(default_factory=dict)


async def put_prices(connection: Connection, tenant_id: str, upload: Incoming) -> Written:
    """Insert or replace the prices that have come; rows equal to what is stored change nothing.

    Slice after slice of the instruments, so that no statement takes long, however many rows there are.
    """
    slices = 1 + await upload.count() // SLICE
    instrument = sa.func.hashtext(upload.rows.c.instrument_id)
    written = Written(0, 0, frozenset())
    for number in range(slices):
        part = sa.func.mod(sa.func.abs(sa.cast(instrument, sa.BigInteger)), slices) == number
        one = await _put(connection, upload.insert(tenant_id, part))
        written = Written(
            written.inserted + one.inserted, written.updated + one.updated, written.instruments | one.instruments
        )
    return written


async def would_change(tenant_id: str, upload: Incoming) -> tuple[int, int]:
    """Count the prices that would be inserted, and those that would replace another."""
    return await upload.would_change(tenant_id, KEY)


async def _put(connection: Connection, statement: Insert) -> Written:
    values = COLUMNS[len(KEY) :]
    changed = [prices.c[name].is_distinct_from(statement.excluded[name]) for name in values]
    upsert = statement.on_conflict_do_update(
        index_elements=["tenant_id", *KEY],
        set_={name: statement.excluded[name] for name in values},
        where=sa.or_(*changed),
    ).returning(prices.c.instrument_id, sa.literal_column("(xmax = 0)").label("fresh"))
    touched = upsert.cte("touched")
    counted = sa.select(touched.c.instrument_id, touched.c.fresh, sa.func.count().label("rows"))
    found = (await connection.execute(counted.group_by(touched.c.instrument_id, touched.c.fresh))).all()
    return Written(
        inserted=sum(row.rows for row in found if row.fresh),
        updated=sum(row.rows for row in found if not row.fresh),
        instruments=frozenset(row.instrument_id for row in found),
    )


async def get_prices(
    connection: Connection, tenant_id: str, instrument: str, between: tuple[dt.date, dt.date], limit: int
) -> list[dict[str, object]]:
    """Stored rows of one instrument between two days, oldest first."""
    query = (
        sa.select(*(prices.c[name] for name in COLUMNS[1:]))
        .where(prices.c.tenant_id == tenant_id, prices.c.instrument_id == instrument)
        .where(prices.c.date.between(*between))
        .order_by(prices.c.date)
        .limit(limit)
    )
    return [dict(row._mapping) for row in (await connection.execute(query)).all()]  # noqa: SLF001 - its public name


async def delete_prices(connection: Connection, tenant_id: str, instrument_id: str) -> None:
    """Delete every price of an instrument."""
    mine = (prices.c.tenant_id == tenant_id) & (prices.c.instrument_id == instrument_id)
    await connection.execute(sa.delete(prices).where(mine))


async def has_later(connection: Connection, tenant_id: str, ids: Sequence[str], day: dt.date) -> bool:
    """Whether any of the instruments has a price after a day."""
    named = sa.func.unnest(sa.cast(list(ids), sa.ARRAY(sa.Text))).table_valued("id").render_derived("named")
    later = sa.exists().where(
        prices.c.tenant_id == tenant_id, prices.c.instrument_id == named.c.id, prices.c.date > day
    )
    return bool((await connection.execute(sa.select(sa.exists().select_from(named).where(later)))).scalar_one())


@dataclass(frozen=True, slots=True)
class Span:
    """Which prices: up to a day, at most so many days an instrument, and which tables beside the closes."""

    as_of: dt.date
    most: int | None
    extras: Collection[str] = ()


async def get_history(connection: Connection, tenant_id: str, ids: Sequence[str], span: Span) -> History:
    """Prices of the instruments, aligned; one array a column comes over the wire."""
    named = sa.func.unnest(sa.cast(list(ids), sa.ARRAY(sa.Text))).table_valued("id").render_derived("named")
    columns = ["close", *sorted(set(span.extras) - {"close"})]
    recent = (
        sa.select(
            (prices.c.date - _EPOCH).label("day"),
            sa.func.coalesce(prices.c.adjusted_close, prices.c.close).label("value"),
            *(prices.c[name] for name in columns),
        )
        .where(prices.c.tenant_id == tenant_id, prices.c.instrument_id == named.c.id, prices.c.date <= span.as_of)
        .order_by(prices.c.date.desc())
        .limit(span.most)
        .lateral("recent")
    )
    arrays = (sa.func.array_agg(aggregate_order_by(c, recent.c.day)).label(f"all_{c.name}") for c in recent.c)
    query = sa.select(named.c.id, *arrays).join_from(named, recent, sa.true()).group_by(named.c.id)
    rows = (await connection.execute(query)).all()
    found = {row.id: dict(row._mapping) for row in rows}  # noqa: SLF001 - its public name
    return _aligned(ids, found, span.extras)


def _aligned(ids: Sequence[str], found: Mapping[str, Mapping[str, list[float]]], extras: Collection[str]) -> History:
    days = {key: np.array(row["all_day"], dtype=np.int64) + _EPOCH.toordinal() for key, row in found.items()}
    dates = np.unique(np.concatenate([*days.values(), np.zeros(0, dtype=np.int64)]))
    places = {key: np.searchsorted(dates, days[key]) for key in days}

    def table(name: str) -> Matrix:
        laid = np.full((len(dates), len(ids)), np.nan)
        for column, key in enumerate(ids):
            if key in found:
                laid[places[key], column] = np.array(found[key][f"all_{name}"], dtype=np.float64)
        return laid

    last = np.array([found[key]["all_close"][-1] if key in found else np.nan for key in ids], dtype=np.float64)
    return History(dates, table("value"), last, {name: table(name) for name in sorted(extras)})


async def today(connection: Connection) -> dt.date:
    """Give the database's day."""
    day: dt.date = (await connection.execute(sa.select(sa.func.current_date()))).scalar_one()
    return day
