"""Events of other things than the end of a run, with what they tell.

Revision: 0008
Follows: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    empty = sa.text("'{}'::jsonb")
    op.add_column("events", sa.Column("data", postgresql.JSONB(), server_default=empty, nullable=False))
    op.alter_column("events", "run_id", nullable=True)


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute("alter table events no force row level security")
    op.execute("delete from events where run_id is null")
    op.execute("alter table events force row level security")
    op.alter_column("events", "run_id", nullable=False)
    op.drop_column("events", "data")
