"""Brings the database's tables up to this version of the code."""

from alembic import command
from alembic.config import Config

from assetmix.persistence.revisions import migrations_folder


def configuration() -> Config:
    """Configuration for alembic's commands that needs no file."""
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(revision: str = "head") -> None:
    """Apply migrations up to a revision; nothing happens where they are applied already."""
    command.upgrade(configuration(), revision)
