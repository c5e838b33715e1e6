"""Which revision the code knows and which one the database is at; cheap, without alembic."""

from pathlib import Path

import asyncpg


def migrations_folder() -> Path:
    """Folder of the migrations: in the installed package, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parents[1] / "migrations"


def newest_revision() -> str:
    """Newest revision that this code knows: file names read `date_revision_title.py`, and sort."""
    return known_revisions()[-1]


def known_revisions() -> tuple[str, ...]:
    """Revisions that this code knows, oldest first."""
    files = sorted(file.name for file in (migrations_folder() / "versions").glob("*.py"))
    return tuple(name.split("_")[1] for name in files)


async def applied_revision(database_url: str) -> str | None:
    """Revision that a database is at; None where it was never migrated."""
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""), timeout=5)
    try:
        if await connection.fetchval("select to_regclass('alembic_version')") is None:
            return None
        revision: str | None = await connection.fetchval("select version_num from alembic_version")
        return revision
    finally:
        await connection.close()
