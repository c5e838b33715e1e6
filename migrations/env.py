"""Runs migrations on an async engine, one process at a time."""

import asyncio
from logging.config import fileConfig
from pathlib import Path

import sqlalchemy as sa
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

from assetmix.persistence.record_rows import metadata
from assetmix.settings import settings

ONE_AT_A_TIME = 7_205_759_403_792_794
"""Advisory lock that two migrating processes share."""

if context.config.config_file_name is not None and Path(context.config.config_file_name).exists():
    fileConfig(context.config.config_file_name, disable_existing_loggers=False)


def run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection, target_metadata=metadata, compare_type=True, transaction_per_migration=True
    )
    with context.begin_transaction():
        connection.execute(sa.text(f"select pg_advisory_xact_lock({ONE_AT_A_TIME})"))
        context.run_migrations()


async def run_online() -> None:
    engine = create_async_engine(settings().async_database_url, poolclass=sa.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


asyncio.run(run_online())
