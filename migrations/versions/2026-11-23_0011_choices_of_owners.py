"""What owners choose to do with a recommendation.

Revision: 0011
Follows: 0010
"""

import sqlalchemy as sa
from alembic import op

from assetmix.persistence.steps import grant, keyed, protect, time

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "owner_choices",
        *keyed("run_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        time("at"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id"],
            ["optimizations.tenant_id", "optimizations.id"],
            name=op.f("fk_owner_choices_tenant_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", "version", name=op.f("pk_owner_choices")),
    )
    protect("owner_choices")
    grant("select, insert", "owner_choices", "app")
    grant("select", "owner_choices", "scheduler")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("owner_choices")
