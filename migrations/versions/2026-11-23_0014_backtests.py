"""Backtests: runs of a kind of their own, stored part by part.

Revision: 0014
Follows: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from assetmix.persistence.steps import grant, keyed, of_tenant, protect, refers, time

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KINDS = "kind in ('optimization', 'frontier', 'feasibility'"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_constraint(op.f("ck_optimizations_kind"), "optimizations", type_="check")
    # what is there was checked by the narrower constraint; new rows are checked at once
    op.execute(f"alter table optimizations add constraint ck_optimizations_kind check ({KINDS}, 'backtest')) not valid")
    op.create_table(
        "backtest_parts",
        *keyed("run_id"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("path", postgresql.BYTEA(), nullable=False),
        sa.Column("decisions", postgresql.JSONB(), nullable=False),
        time("at"),
        of_tenant("backtest_parts"),
        refers("backtest_parts", "run_id", "optimizations"),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", "number", name=op.f("pk_backtest_parts")),
    )
    protect("backtest_parts")
    grant("select", "backtest_parts", "app")
    grant("select, insert", "backtest_parts", "worker")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("backtest_parts")
    op.execute("alter table optimizations no force row level security")
    op.execute("delete from optimizations where kind = 'backtest'")
    op.execute("alter table optimizations force row level security")
    op.drop_constraint(op.f("ck_optimizations_kind"), "optimizations", type_="check")
    op.execute(f"alter table optimizations add constraint ck_optimizations_kind check ({KINDS}))")
