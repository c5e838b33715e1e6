"""Many rows at once: copied into a temporary table, then inserted or replaced in one statement."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert

from assetmix.persistence.session import Connection


@dataclass(frozen=True, slots=True)
class Incoming:
    """A temporary copy of some columns of a table; it goes with the transaction."""

    connection: Connection
    table: sa.Table
    columns: tuple[str, ...]
    name: str
    rows: sa.TableClause
    """The temporary table, to select from."""

    async def add(self, rows: Iterable[tuple[object, ...]]) -> None:
        """Copy rows."""
        raw = await self.connection.get_raw_connection()
        copy = raw.driver_connection.copy_records_to_table  # type: ignore[union-attr]  # asyncpg's own
        await copy(self.name, records=rows, columns=self.columns)

    async def analyze(self) -> None:
        """Tell the planner what has come."""
        await self.connection.execute(sa.text(f"analyze {self.name}"))

    async def count(self) -> int:
        """Number of rows that have come."""
        return int((await self.connection.execute(sa.select(sa.func.count()).select_from(self.rows))).scalar_one())

    async def would_change(self, tenant_id: str, key: Sequence[str]) -> tuple[int, int]:
        """Count the rows that would be inserted, and those that would replace another of the same key."""
        stored, come = self.table.c, self.rows.c
        same = (stored.tenant_id == tenant_id, *(stored[name] == come[name] for name in key))
        differs = sa.or_(*(stored[name].is_distinct_from(come[name]) for name in self.columns if name not in key))
        is_new = stored.tenant_id.is_(None)
        query = sa.select(
            sa.func.count().filter(is_new).label("inserted"), sa.func.count().filter(~is_new & differs).label("updated")
        ).select_from(self.rows.outerjoin(self.table, sa.and_(*same)))
        row = (await self.connection.execute(query)).one()
        return row.inserted, row.updated

    def insert(self, tenant_id: str, where: sa.ColumnElement[bool] | None = None) -> Insert:
        """Give the statement that inserts the rows, or some of them, for a tenant."""
        source = sa.select(sa.literal(tenant_id), *(self.rows.c[column] for column in self.columns))
        source = source if where is None else source.where(where)
        return insert(self.table).from_select(["tenant_id", *self.columns], source)


async def incoming(connection: Connection, table: sa.Table, columns: Sequence[str]) -> Incoming:
    """Make the temporary table."""
    name = f"incoming_{table.name}"
    rows = sa.table(name, *(sa.column(column, table.c[column].type) for column in columns))
    await connection.execute(
        sa.text(f"create temporary table {name} (like {table.name} including defaults) on commit drop")
    )
    await connection.execute(sa.text(f"alter table {name} alter column tenant_id drop not null"))
    return Incoming(connection, table, tuple(columns), name, rows)
