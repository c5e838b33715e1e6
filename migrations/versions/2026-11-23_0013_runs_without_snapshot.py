"""Runs that could not be asked for: they have no snapshot.

Revision: 0013
Follows: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.alter_column("optimizations", "snapshot_digest", nullable=True)


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute("alter table optimizations no force row level security")
    op.execute("delete from optimizations where snapshot_digest is null")
    op.execute("alter table optimizations force row level security")
    op.alter_column("optimizations", "snapshot_digest", nullable=False)
