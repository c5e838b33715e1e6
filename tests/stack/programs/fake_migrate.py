"""Leaves one row, as often as it is run."""

import asyncio
import os

import asyncpg


async def migrate():
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    await connection.execute("create table if not exists migrated (version integer primary key)")
    await connection.execute("insert into migrated values (1) on conflict do nothing")
    await connection.close()


asyncio.run(migrate())
