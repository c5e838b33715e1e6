"""What a backtest has walked so far: stored part by part, read again where it goes on."""

from assetmix.codec.backtests import join_paths
from assetmix.jobs.frames import Frame
from assetmix.persistence import backtests
from assetmix.persistence.backtests import StoredPart
from assetmix.persistence.session import Connection


async def walked(connection: Connection, tenant_id: str, run_id: str) -> bytes:
    """Give what earlier attempts have walked; nothing where there is no part."""
    paths = await backtests.paths_of(connection, tenant_id, run_id)
    return join_paths(paths) if paths else b""


def part_of(frame: Frame) -> StoredPart:
    """Read a part as the solver process hands it over."""
    told, end = frame.header["part"], frame.header["part"]["path"]
    return StoredPart(
        number=told["number"],
        first=told["first"],
        count=told["count"],
        path=frame.body[:end],
        decisions=frame.body[end:].decode(),
    )
