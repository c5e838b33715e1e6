"""Versions of portfolios, their transactions, and those that are due.

Revision: 0010
Follows: 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from assetmix.persistence.steps import grant, keyed, of_tenant, protect, refers, role_name, time

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

GRANTS = {
    "app": {"select, insert": "portfolio_versions", "select, insert, delete": "due"},
    "worker": {"select (tenant_id, id, client_reference, details)": "portfolios"},
    "scheduler": {"select, insert, update, delete": "due"},
}


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "portfolio_versions",
        *keyed("id"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        time("at"),
        refers("portfolio_versions", "id", "portfolios"),
        sa.PrimaryKeyConstraint("tenant_id", "id", "version", name=op.f("pk_portfolio_versions")),
    )
    op.create_table(
        "due",
        *keyed("portfolio_id"),
        sa.Column("cause", sa.Text(), nullable=False),
        time("at"),
        # no foreign key: what is due must not wait for, nor fail with, a portfolio that is deleted meanwhile
        of_tenant("due"),
        sa.PrimaryKeyConstraint("tenant_id", "portfolio_id", name=op.f("pk_due")),
    )
    op.create_index("due_in_turn", "due", ["at"])
    op.create_foreign_key(
        op.f("fk_records_tenant_id_portfolio_id"),
        "records",
        "portfolios",
        ["tenant_id", "portfolio_id"],
        ["tenant_id", "id"],
        ondelete="CASCADE",
    )
    for name in ("portfolio_versions", "due"):
        protect(name)
    for name, privileges in GRANTS.items():
        for privilege, tables in privileges.items():
            grant(privilege, tables, name)
    # who is due is decided across tenants; the row holds no more than whose it is
    op.execute(f"create policy scheduler on due to {role_name('scheduler')} using (true)")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_constraint(op.f("fk_records_tenant_id_portfolio_id"), "records", type_="foreignkey")
    op.drop_table("due")
    op.drop_table("portfolio_versions")
