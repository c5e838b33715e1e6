"""The database's own word on its state."""

import sqlalchemy as sa

from assetmix.persistence.session import Connection


async def sees_everything(connection: Connection) -> bool:
    """Whether the connection's role is one that row level security does not bind."""
    query = sa.text("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")
    return bool((await connection.execute(query)).scalar_one())


async def applied_revision(connection: Connection) -> str | None:
    """Revision that the database is at; None where it was never migrated."""
    exists = await connection.execute(sa.select(sa.func.to_regclass("alembic_version")))
    if exists.scalar_one() is None:
        return None
    return (await connection.execute(sa.text("select version_num from alembic_version"))).scalar_one_or_none()
