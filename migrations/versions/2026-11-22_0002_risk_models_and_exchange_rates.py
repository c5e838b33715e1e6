"""Risk models and exchange rates.

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("tenants", sa.Column("rate_revision", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "exchange_rates",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("rate", sa.Double(), nullable=False),
        sa.CheckConstraint("rate > 0 and rate < 'Infinity'", name=op.f("ck_exchange_rates_rate_positive")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_exchange_rates_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "currency", "quote", "date", name=op.f("pk_exchange_rates")),
    )
    op.create_table(
        "model_payloads",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.BYTEA(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_model_payloads_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "digest", name=op.f("pk_model_payloads")),
    )
    # figures do not compress; trying would take seconds for a large model
    op.execute("alter table model_payloads alter column payload set storage external")
    op.create_table(
        "risk_models",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "digest"],
            ["model_payloads.tenant_id", "model_payloads.digest"],
            name=op.f("fk_risk_models_tenant_id_digest"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_risk_models_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "name", name=op.f("pk_risk_models")),
    )
    op.create_index(
        "one_default_model", "risk_models", ["tenant_id"], unique=True, postgresql_where=sa.text("is_default")
    )
    op.create_index("models_by_digest", "risk_models", ["tenant_id", "digest"], unique=False)
    op.add_column("optimizations", sa.Column("model_digest", sa.Text(), nullable=True))
    op.add_column("optimizations", sa.Column("asked_model", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_optimizations_tenant_id_model_digest"),
        "optimizations",
        "model_payloads",
        ["tenant_id", "model_digest"],
        ["tenant_id", "digest"],
    )
    op.create_index(
        "runs_by_model",
        "optimizations",
        ["tenant_id", "model_digest"],
        unique=False,
        postgresql_where=sa.text("model_digest IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_index("runs_by_model", table_name="optimizations", postgresql_where=sa.text("model_digest IS NOT NULL"))
    op.drop_constraint(op.f("fk_optimizations_tenant_id_model_digest"), "optimizations", type_="foreignkey")
    op.drop_column("optimizations", "asked_model")
    op.drop_column("optimizations", "model_digest")
    op.drop_index("models_by_digest", table_name="risk_models")
    op.drop_index("one_default_model", table_name="risk_models", postgresql_where=sa.text("is_default"))
    op.drop_table("risk_models")
    op.drop_table("model_payloads")
    op.drop_table("exchange_rates")
    op.drop_column("tenants", "rate_revision")
