"""Many rows at once: copied into a temporary table, then inserted or replaced in one statement."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert

from assetmix.persistence.session import Connection


async def incoming(
    connection: Connection, tenant_id: str, table: sa.Table, columns: Sequence[str], rows: Iterable[tuple[object, ...]]
) -> Insert:
    """Copy rows, and give the statement that inserts them for a tenant; the copy goes with the transaction."""
    name = f"incoming_{table.name}"
    await connection.execute(
        sa.text(f"create temporary table {name} (like {table.name} including defaults) on commit drop")
    )
    await connection.execute(sa.text(f"alter table {name} alter column tenant_id drop not null"))
    raw = await connection.get_raw_connection()
    await raw.driver_connection.copy_records_to_table(name, records=rows, columns=columns)  # type: ignore[union-attr]  # asyncpg's own
    copied = sa.table(name, *(sa.column(column) for column in columns))
    source = sa.select(sa.literal(tenant_id), *(copied.c[column] for column in columns))
    return insert(table).from_select(["tenant_id", *columns], source)
