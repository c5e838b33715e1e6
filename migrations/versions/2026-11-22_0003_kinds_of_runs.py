"""Runs of several kinds, with their progress.

Revision: 0003
Follows: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("optimizations", sa.Column("kind", sa.Text(), server_default="optimization", nullable=False))
    op.add_column("optimizations", sa.Column("progress", sa.Double(), server_default="0", nullable=False))
    op.create_check_constraint(
        op.f("ck_optimizations_kind"), "optimizations", "kind in ('optimization', 'frontier', 'feasibility')"
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_constraint(op.f("ck_optimizations_kind"), "optimizations", type_="check")
    op.drop_column("optimizations", "progress")
    op.drop_column("optimizations", "kind")
