"""Leaves one row, and a role that may count it, as often as it is run."""

import asyncio
import os
from contextlib import suppress

import asyncpg

from assetmix.persistence.roles import ROLES, allow_logins


async def migrate():
    url = os.environ["DATABASE_URL"]
    connection = await asyncpg.connect(url)
    await connection.execute("create table if not exists migrated (version integer primary key)")
    await connection.execute("insert into migrated values (1) on conflict do nothing")
    for role in ROLES:
        with suppress(asyncpg.DuplicateObjectError):
            await connection.execute(f"create role assetmix_{role}")
    await connection.execute("grant select on migrated to assetmix_app")
    await connection.close()
    await allow_logins(url, {role: os.environ[f"ASSETMIX_{role.upper()}_PASSWORD"] for role in ROLES})


asyncio.run(migrate())
