"""Migrations: up, no drift from the tables in the code, down to nothing, and up again."""

import asyncio

import asyncpg
from alembic.script import ScriptDirectory

from assetmix.persistence.migrate import configuration
from assetmix.persistence.record_rows import metadata
from assetmix.persistence.revisions import newest_revision
from tests.integration.conftest import Base


def tables(base: Base) -> set[str]:
    async def ask() -> set[str]:
        connection = await asyncpg.connect(base.url)
        rows = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        await connection.close()
        return {row["tablename"] for row in rows}

    return asyncio.run(ask())


def test_migrations_go_up_and_down_and_match_the_code(base: Base) -> None:
    applied = tables(base)
    assert {"tenants", "optimizations", "prices", "alembic_version"} <= applied

    drift = base.run("alembic", "check")
    assert drift.returncode == 0, drift.stdout + drift.stderr

    down = base.run("alembic", "downgrade", "base")
    assert down.returncode == 0, down.stderr
    assert tables(base) == {"alembic_version"}

    up = base.run("assetmix", "migrate")
    assert up.returncode == 0, up.stderr
    assert tables(base) == applied


def test_every_table_carries_its_tenant_and_keys_begin_with_it(base: Base) -> None:
    for table in metadata.sorted_tables:
        if table.name not in {"tenants", "workers", "pulse", "tallies", "nights"}:
            assert next(iter(table.primary_key.columns)).name == "tenant_id", table.name
            for key in table.foreign_key_constraints:
                assert key.column_keys[0] == "tenant_id", table.name


def test_the_newest_revision_by_file_name_is_alembics_head() -> None:
    head = ScriptDirectory.from_config(configuration()).get_current_head()

    assert newest_revision() == head
