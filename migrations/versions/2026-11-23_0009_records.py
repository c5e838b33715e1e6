"""Versioned records, endpoints of callers, nights, and a role for the scheduler.

Revision: 0009
Follows: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from assetmix.persistence.steps import grant, keyed, of_tenant, protect, role_name, time

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

GRANTS = {
    "app": {
        "select, insert, update": "records",
        "select, insert": "record_versions",
        "select, insert, update, delete": "webhooks",
    },
    "worker": {"select": "webhooks"},
    "scheduler": {
        "select, insert, update, delete": "jobs, workers, pulse, optimizations",
        "select, insert, delete": "events, audit, snapshots, snapshot_keys",
        "update (created_at)": "snapshots",
        "select, delete": "model_payloads, idempotency_keys",
        "select, insert, update": "tallies, nights",
        "update (disabled_at)": "webhooks",
        "select": "webhooks, portfolios, strategies, instruments, prices, exchange_rates, risk_models, records",
        "select (version_num)": "alembic_version",
        "update (updated_at)": "portfolios",
        "select (id, name, settings, rate_revision)": "tenants",
    },
}
"""The scheduler does what workers do to runs that are lost, and asks for runs of its own by night."""

POLICIES = {"jobs": "", "tenants": "for select "}
"""What the scheduler sees of all tenants: who is next, and who there is."""


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    create_tables()
    for name in ("records", "record_versions", "webhooks"):
        protect(name)
    role = role_name("scheduler")
    exists = sa.text("select 1 from pg_roles where rolname = current_database() || '_scheduler'")
    if op.get_bind().scalar(exists) is None:
        op.execute(f"create role {role} nologin")
    op.execute(f"grant usage on schema public to {role}")
    for name, privileges in GRANTS.items():
        for privilege, tables in privileges.items():
            grant(privilege, tables, name)
    for table, kind in POLICIES.items():
        op.execute(f"create policy scheduler on {table} {kind}to {role} using (true)")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    role = role_name("scheduler")
    for table in POLICIES:
        op.execute(f"drop policy scheduler on {table}")
    op.execute(f"revoke all on all tables in schema public from {role}")
    op.execute(f"revoke all on schema public from {role}")
    op.execute(f"drop role {role}")
    for name in ("nights", "webhooks", "record_versions", "records"):
        op.drop_table(name)


def create_tables() -> None:
    op.create_table(
        "records",
        *keyed("id"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("portfolio_id", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), server_default=sa.false(), nullable=False),
        time("created_at"),
        time("updated_at"),
        sa.CheckConstraint("kind in ('user', 'policy', 'transaction')", name=op.f("ck_records_kind")),
        of_tenant("records"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_records")),
    )
    op.create_index("records_by_kind", "records", ["tenant_id", "kind", "id"])
    op.create_index("records_by_portfolio", "records", ["tenant_id", "portfolio_id"])
    op.create_index(
        "one_record_an_external_id",
        "records",
        ["tenant_id", "kind", "external_id"],
        unique=True,
        postgresql_where=sa.text("external_id is not null and not is_deleted and kind <> 'transaction'"),
    )
    op.create_table(
        "record_versions",
        *keyed("id"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        time("at"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "id"],
            ["records.tenant_id", "records.id"],
            name=op.f("fk_record_versions_tenant_id_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", "version", name=op.f("pk_record_versions")),
    )
    op.create_table(
        "webhooks",
        *keyed("id"),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("generation", sa.Integer(), server_default="1", nullable=False),
        time("overlap_until", required=False),
        time("disabled_at", required=False),
        time("created_at"),
        of_tenant("webhooks"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("tenant_id", "url", name=op.f("uq_webhooks_tenant_id_url")),
    )
    op.create_table(
        "nights",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_nights_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nights")),
    )
