"""Backtests divided between workers: ranges of decisions, and what was decided.

Revision: 0018
Follows: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from assetmix.persistence.steps import grant, keyed, of_tenant, protect, refers, role_name, time

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "backtest_tasks",
        *keyed("run_id"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        time("lease_until", required=False),
        sa.CheckConstraint("state in ('open', 'taken', 'done')", name=op.f("ck_backtest_tasks_state")),
        of_tenant("backtest_tasks"),
        refers("backtest_tasks", "run_id", "optimizations"),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", "number", name=op.f("pk_backtest_tasks")),
    )
    left = sa.text("state <> 'done'")
    op.create_index("tasks_in_turn", "backtest_tasks", ["run_id", "number"], postgresql_where=left)
    op.create_table(
        "backtest_decisions",
        *keyed("run_id"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("payload", postgresql.BYTEA(), nullable=False),
        of_tenant("backtest_decisions"),
        refers("backtest_decisions", "run_id", "optimizations"),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", "number", name=op.f("pk_backtest_decisions")),
    )
    for table in ("backtest_tasks", "backtest_decisions"):
        protect(table)
        grant("select", table, "app")
        grant("select, insert, update, delete", table, "worker")
    # whose turn it is to help is seen across tenants; the row holds no more than whose it is
    op.execute(f"create policy worker on backtest_tasks to {role_name('worker')} using (true)")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("backtest_decisions")
    op.drop_table("backtest_tasks")
