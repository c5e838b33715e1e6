"""Brings the database's tables up to this version of the code."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from assetmix.persistence.session import Connection


def migrations_folder() -> Path:
    """Folder of the migrations: in the installed package, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parents[1] / "migrations"


def configuration() -> Config:
    """Configuration for alembic's commands that needs no file."""
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    config.set_main_option("path_separator", "os")
    return config


def head() -> str:
    """Newest revision that this code knows."""
    return str(ScriptDirectory.from_config(configuration()).get_current_head())


def upgrade(revision: str = "head") -> None:
    """Apply migrations up to a revision; nothing happens where they are applied already."""
    command.upgrade(configuration(), revision)


def downgrade(revision: str) -> None:
    """Take migrations back down to a revision."""
    command.downgrade(configuration(), revision)


async def applied(connection: Connection) -> str | None:
    """Give the revision that the database is at; None where it was never migrated."""
    exists = await connection.execute(sa.select(sa.func.to_regclass("alembic_version")))
    if exists.scalar_one() is None:
        return None
    return (await connection.execute(sa.text("select version_num from alembic_version"))).scalar_one_or_none()
