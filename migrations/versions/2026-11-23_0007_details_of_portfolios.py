"""What a dialect knows of a portfolio beside its holdings.

Revision: 0007
Follows: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    empty = sa.text("'{}'::jsonb")
    op.add_column("portfolios", sa.Column("details", postgresql.JSONB(), server_default=empty, nullable=False))
    op.add_column("portfolios", sa.Column("author", sa.Text(), server_default="", nullable=False))
    op.add_column("portfolios", sa.Column("is_deleted", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute("delete from portfolios where is_deleted")
    for name in ("is_deleted", "author", "details"):
        op.drop_column("portfolios", name)
