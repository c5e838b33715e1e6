"""Figures of the service as a whole, from the database: true when Redis is away too."""

from dataclasses import dataclass

from assetmix.persistence import pulse, tallies
from assetmix.persistence.pulse import Pulse
from assetmix.persistence.session import Database


@dataclass(frozen=True, slots=True)
class Figures:
    """What there is now, and what was counted since the tables were made."""

    now: Pulse
    counts: dict[tuple[str, str], float]


async def figures(database: Database) -> Figures:
    """Read the figures as the role that sees figures only."""
    async with database.transaction() as connection:
        return Figures(await pulse.count_now(connection), await tallies.read(connection))
