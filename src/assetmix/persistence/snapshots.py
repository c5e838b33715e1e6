"""Snapshots: immutable, named by the hash of their content, shared between runs."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from assetmix.persistence.run_rows import snapshot_keys, snapshots
from assetmix.persistence.session import Connection

_SAME = (snapshots.c.tenant_id == snapshot_keys.c.tenant_id) & (snapshots.c.digest == snapshot_keys.c.digest)
DIGEST = (
    sa.select(snapshot_keys.c.digest)
    .join(snapshots, _SAME)
    .where(snapshot_keys.c.tenant_id == sa.bindparam("tenant_id"), snapshot_keys.c.key == sa.bindparam("key"))
    .with_for_update(read=True, key_share=True, of=snapshots)
)
"""The content hash of the snapshot that was built for a key; it stays until the transaction ends."""


async def find_digest(connection: Connection, tenant_id: str, key: str) -> str | None:
    """Give the content hash of the snapshot that was built for a key; it stays until the transaction ends."""
    found = await connection.execute(DIGEST, {"tenant_id": tenant_id, "key": key})
    return found.scalar_one_or_none()


async def put_snapshot(connection: Connection, tenant_id: str, key: str, digest: str, payload: bytes) -> None:
    """Store a snapshot under its hash and remember the key that it was built for."""
    content = insert(snapshots).values(tenant_id=tenant_id, digest=digest, payload=payload)
    await connection.execute(content.on_conflict_do_nothing())
    name = insert(snapshot_keys).values(tenant_id=tenant_id, key=key, digest=digest)
    await connection.execute(name.on_conflict_do_nothing())


async def get_payload(connection: Connection, tenant_id: str, digest: str) -> bytes:
    """Give the bytes of a snapshot."""
    mine = (snapshots.c.tenant_id == tenant_id) & (snapshots.c.digest == digest)
    return bytes((await connection.execute(sa.select(snapshots.c.payload).where(mine))).scalar_one())
