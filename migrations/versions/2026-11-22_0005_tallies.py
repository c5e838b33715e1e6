"""Tallies, and the trace that a run belongs to.

Revision: 0005
Follows: 0004
"""

import sqlalchemy as sa
from alembic import op

from assetmix.persistence.steps import role_name

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

GRANTS = {"app": "select, insert, update", "worker": "select, insert, update", "metrics": "select"}


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("optimizations", sa.Column("traceparent", sa.Text(), nullable=True))
    op.create_table(
        "tallies",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", "label", "slot", name=op.f("pk_tallies")),
    )
    for role, privileges in GRANTS.items():
        op.execute(f"grant {privileges} on tallies to {role_name(role)}")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("tallies")
    op.drop_column("optimizations", "traceparent")
