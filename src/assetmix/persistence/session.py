"""Engine and transactions: the only commit in the house."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from assetmix.errors import Unavailable

Connection: TypeAlias = AsyncConnection
"""A connection inside a transaction; what repositories are given."""

STATEMENT_SECONDS = 30
LOCK_SECONDS = 10


class Database:
    """A pool of connections; every use is one transaction."""

    def __init__(self, url: str, pool_size: int) -> None:
        self._engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=True,
            connect_args={
                "timeout": 5,
                "server_settings": {
                    "application_name": "assetmix",
                    "statement_timeout": f"{STATEMENT_SECONDS}s",
                    "lock_timeout": f"{LOCK_SECONDS}s",
                    "idle_in_transaction_session_timeout": "60s",
                    "jit": "off",
                },
            },
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Run the block in one transaction, committed when it ends without an exception.

        Raises
        ------
        Unavailable
            when the database cannot be reached, or goes away inside the block
        """
        try:
            async with self._engine.begin() as connection:
                yield connection
        except (InterfaceError, PoolTimeout, OSError, TimeoutError) as error:
            raise Unavailable("the database cannot be reached") from error
        except DBAPIError as error:
            if error.connection_invalidated or isinstance(error, OperationalError):
                raise Unavailable("the database cannot be reached") from error
            raise

    async def ping(self) -> None:
        """Ask the database for a sign of life."""
        async with self.transaction() as connection:
            await connection.execute(sa.text("select 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()
