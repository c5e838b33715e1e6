"""Messages to endpoints of callers.

Revision: 0012
Follows: 0011
"""

import sqlalchemy as sa
from alembic import op

from assetmix.persistence.steps import grant, keyed, protect, refers, role_name, time

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "deliveries",
        *keyed("event_id", "webhook_id"),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        time("due_at"),
        time("ended_at", required=False),
        sa.CheckConstraint("state in ('waiting', 'delivered', 'failed')", name=op.f("ck_deliveries_state")),
        refers("deliveries", "event_id", "events"),
        # no foreign key to the endpoint: one that is removed must not fail what happens meanwhile
        sa.PrimaryKeyConstraint("tenant_id", "event_id", "webhook_id", name=op.f("pk_deliveries")),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("deliveries_in_turn", "deliveries", ["due_at"], postgresql_where=waiting)
    op.create_index("deliveries_by_webhook", "deliveries", ["tenant_id", "webhook_id"])
    protect("deliveries")
    grant("select, insert, update", "deliveries", "app")
    grant("insert", "deliveries", "worker")
    grant("select, insert, update", "deliveries", "scheduler")
    # what is to be sent next is decided across tenants; the row holds no more than whose it is
    op.execute(f"create policy scheduler on deliveries to {role_name('scheduler')} using (true)")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("deliveries")
