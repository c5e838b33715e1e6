"""Batches: one strategy for many accounts, whose portfolios are kept in chunks and answered one by one.

Revision: 0019
Follows: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from assetmix.persistence.steps import grant, keyed, of_tenant, protect, refers

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

KINDS = "kind in ('optimization', 'frontier', 'feasibility', 'backtest'"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_constraint(op.f("ck_optimizations_kind"), "optimizations", type_="check")
    # what is there was checked by the narrower constraint; new rows are checked at once
    op.execute(f"alter table optimizations add constraint ck_optimizations_kind check ({KINDS}, 'batch')) not valid")
    op.create_table(
        "batch_chunks",
        *keyed("run_id"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("accounts", sa.Text(), nullable=False),
        of_tenant("batch_chunks"),
        refers("batch_chunks", "run_id", "optimizations"),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", "number", name=op.f("pk_batch_chunks")),
    )
    op.create_table(
        "batch_items",
        *keyed("run_id"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("portfolio_id", sa.Text(), nullable=False),
        sa.Column("client_reference", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("summary", postgresql.JSONB(), nullable=False),
        sa.Column("result", postgresql.BYTEA(), nullable=True),
        sa.Column("error", postgresql.JSONB(), nullable=True),
        of_tenant("batch_items"),
        refers("batch_items", "run_id", "optimizations"),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", "number", name=op.f("pk_batch_items")),
    )
    op.execute("alter table batch_items alter column result set storage external")  # it is packed already
    for table in ("batch_chunks", "batch_items"):
        protect(table)
    grant("select, insert", "batch_chunks", "app")
    grant("select", "batch_items", "app")
    grant("select", "batch_chunks", "worker")
    grant("select, insert", "batch_items", "worker")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("batch_items")
    op.drop_table("batch_chunks")
    op.execute("alter table optimizations no force row level security")
    op.execute("delete from optimizations where kind = 'batch'")
    op.execute("alter table optimizations force row level security")
    op.drop_constraint(op.f("ck_optimizations_kind"), "optimizations", type_="check")
    op.execute(f"alter table optimizations add constraint ck_optimizations_kind check ({KINDS})) not valid")
