"""What is to be known of prices that have come and are not stored yet."""

from dataclasses import dataclass

import sqlalchemy as sa

from assetmix.persistence.bulk import Incoming, incoming
from assetmix.persistence.prices import COLUMNS, KEY
from assetmix.persistence.rows import prices
from assetmix.persistence.session import Connection

MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Some:
    """How many there are, and the first of them as pairs of name and figure."""

    count: int
    first: tuple[tuple[str, object], ...]


async def open_upload(connection: Connection) -> Incoming:
    """Make room for prices that come."""
    return await incoming(connection, prices, COLUMNS)


async def instrument_ids(upload: Incoming) -> list[str]:
    """Give the instruments that prices have come for, by id."""
    found = await upload.connection.execute(sa.select(upload.rows.c.instrument_id).distinct())
    return sorted(found.scalars())


async def twice(upload: Incoming) -> Some:
    """Find the instruments that have two prices on a day, with the day."""
    keys = [upload.rows.c[name] for name in KEY]
    again = sa.select(*keys).group_by(*keys).having(sa.func.count() > 1).cte("again")
    query = sa.select(*again.c, sa.func.count().over().label("all")).order_by(*again.c).limit(MOST_NAMED)
    rows = (await upload.connection.execute(query)).all()
    return Some(rows[0].all if rows else 0, tuple((row.instrument_id, row.date) for row in rows))


async def gaps(upload: Incoming) -> Some:
    """Find the instruments that lack days, between their first and last, which others have, with their number."""
    copied = upload.rows
    days = sa.select(copied.c.date).distinct().subquery("days")
    ranked = sa.select(days.c.date, sa.func.row_number().over(order_by=days.c.date).label("rank")).cte("ranked")
    first, last = ranked.alias("first"), ranked.alias("last")
    spans = (
        sa.select(
            copied.c.instrument_id,
            sa.func.min(copied.c.date).label("start"),
            sa.func.max(copied.c.date).label("end"),
            sa.func.count(copied.c.date.distinct()).label("present"),
        )
        .group_by(copied.c.instrument_id)
        .cte("spans")
    )
    missing = (last.c.rank - first.c.rank + 1 - spans.c.present).label("missing")
    query = (
        sa.select(spans.c.instrument_id, missing, sa.func.count().over().label("all"))
        .join(first, first.c.date == spans.c.start)
        .join(last, last.c.date == spans.c.end)
        .where(missing > 0)
        .order_by(missing.desc(), spans.c.instrument_id)
        .limit(MOST_NAMED)
    )
    rows = (await upload.connection.execute(query)).all()
    return Some(rows[0].all if rows else 0, tuple((row.instrument_id, row.missing) for row in rows))
