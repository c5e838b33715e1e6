"""An index of the waiting runs in the order of their turn, a tenant at a time.

Revision: 0006
Follows: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_index(
        "waiting_in_turn",
        "jobs",
        ["tenant_id", "queued_at", "run_id"],
        postgresql_where=sa.text("state = 'queued'"),
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_index("waiting_in_turn", "jobs")
