"""Tables: key columns that we query by, and the codec's JSON documents.

Every table carries its tenant and every key begins with it, so that no row can point at another
tenant's. Times are the database's own.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_NOW = sa.text("now()")


def _time(name: str, *, required: bool = True) -> sa.Column[object]:
    default = _NOW if required else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not required, server_default=default)


def _tenant() -> sa.Column[str]:
    return sa.Column("tenant_id", sa.Text, sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)


tenants = sa.Table(
    "tenants",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("settings", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    sa.Column("strategies_made", sa.Integer, nullable=False, server_default="0"),
    sa.Column("rate_revision", sa.BigInteger, nullable=False, server_default="0"),
    _time("created_at"),
    sa.CheckConstraint("name <> 'optimization'", name="reserved"),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    _tenant(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("hash", BYTEA, nullable=False),
    sa.Column("scopes", ARRAY(sa.Text), nullable=False),
    sa.Column("label", sa.Text, nullable=False, server_default=""),
    _time("created_at"),
    _time("expires_at", required=False),
    _time("revoked_at", required=False),
    sa.UniqueConstraint("id"),
)

instruments = sa.Table(
    "instruments",
    metadata,
    _tenant(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("price_revision", sa.BigInteger, nullable=False, server_default="0"),
    _time("updated_at"),
)

sa.Index("tags", instruments.c.document["tags"], postgresql_using="gin")

revisions = sa.Sequence("revisions", metadata=metadata)

prices = sa.Table(
    "prices",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("instrument_id", sa.Text, primary_key=True),
    sa.Column("date", sa.Date, primary_key=True),
    sa.Column("close", sa.Double, nullable=False),
    sa.Column("adjusted_close", sa.Double),
    sa.Column("open", sa.Double),
    sa.Column("high", sa.Double),
    sa.Column("low", sa.Double),
    sa.Column("volume", sa.Double),
    sa.ForeignKeyConstraint(
        ["tenant_id", "instrument_id"], ["instruments.tenant_id", "instruments.id"], ondelete="CASCADE"
    ),
    sa.CheckConstraint("close > 0 and close < 'Infinity'", name="close_positive"),
)

exchange_rates = sa.Table(
    "exchange_rates",
    metadata,
    _tenant(),
    sa.Column("currency", sa.Text, primary_key=True),
    sa.Column("quote", sa.Text, primary_key=True),
    sa.Column("date", sa.Date, primary_key=True),
    sa.Column("rate", sa.Double, nullable=False),
    sa.CheckConstraint("rate > 0 and rate < 'Infinity'", name="rate_positive"),
)

model_payloads = sa.Table(
    "model_payloads",
    metadata,
    _tenant(),
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("payload", BYTEA, nullable=False),
    _time("created_at"),
)

risk_models = sa.Table(
    "risk_models",
    metadata,
    _tenant(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    _time("updated_at"),
    sa.ForeignKeyConstraint(["tenant_id", "digest"], ["model_payloads.tenant_id", "model_payloads.digest"]),
)

sa.Index("one_default_model", risk_models.c.tenant_id, unique=True, postgresql_where=risk_models.c.is_default)
sa.Index("models_by_digest", risk_models.c.tenant_id, risk_models.c.digest)

strategies = sa.Table(
    "strategies",
    metadata,
    _tenant(),
    sa.Column("strategy_id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    _time("created_at"),
    _time("updated_at"),
    sa.UniqueConstraint("tenant_id", "name"),
)

strategy_versions = sa.Table(
    "strategy_versions",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("strategy_id", sa.Integer, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("document", JSONB, nullable=False),
    _time("created_at"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "strategy_id"], ["strategies.tenant_id", "strategies.strategy_id"], ondelete="CASCADE"
    ),
)

portfolios = sa.Table(
    "portfolios",
    metadata,
    _tenant(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("client_reference", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    _time("created_at"),
    _time("updated_at"),
    sa.UniqueConstraint("tenant_id", "client_reference"),
)

snapshots = sa.Table(
    "snapshots",
    metadata,
    _tenant(),
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("payload", BYTEA, nullable=False),
    _time("created_at"),
)

snapshot_keys = sa.Table(
    "snapshot_keys",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(["tenant_id", "digest"], ["snapshots.tenant_id", "snapshots.digest"], ondelete="CASCADE"),
)

optimizations = sa.Table(
    "optimizations",
    metadata,
    _tenant(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("portfolio_id", sa.Text),
    sa.Column("strategy_id", sa.Integer),
    sa.Column("status", sa.Text, nullable=False, server_default="queued"),
    sa.Column("kind", sa.Text, nullable=False, server_default="optimization"),
    sa.Column("progress", sa.Double, nullable=False, server_default="0"),
    sa.Column("what_if", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("optimization_hash", sa.Text, nullable=False),
    sa.Column("inputs", JSONB, nullable=False),
    sa.Column("snapshot_digest", sa.Text, nullable=False),
    sa.Column("model_digest", sa.Text),
    sa.Column("asked_model", sa.Text),
    sa.Column("time_limit_seconds", sa.Double, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("worker", sa.Text),
    _time("lease_until", required=False),
    sa.Column("cancel_requested", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("rings", sa.Integer, nullable=False, server_default="0"),
    _time("ring_at", required=False),
    _time("queued_at"),
    _time("requested_at"),
    _time("started_at", required=False),
    _time("finished_at", required=False),
    sa.Column("result", JSONB),
    sa.Column("error", JSONB),
    sa.Column("timings", JSONB),
    sa.ForeignKeyConstraint(
        ["tenant_id", "portfolio_id"], ["portfolios.tenant_id", "portfolios.id"], ondelete="CASCADE"
    ),
    sa.ForeignKeyConstraint(["tenant_id", "snapshot_digest"], ["snapshots.tenant_id", "snapshots.digest"]),
    sa.ForeignKeyConstraint(["tenant_id", "model_digest"], ["model_payloads.tenant_id", "model_payloads.digest"]),
    sa.CheckConstraint(
        "status in ('queued', 'running', 'succeeded', 'infeasible', 'failed', 'cancelled', 'superseded')",
        name="status",
    ),
    sa.CheckConstraint("kind in ('optimization', 'frontier', 'feasibility')", name="kind"),
)

sa.Index(
    "one_running_a_portfolio",
    optimizations.c.tenant_id,
    optimizations.c.portfolio_id,
    unique=True,
    postgresql_where=optimizations.c.status == "running",
)
sa.Index(
    "one_active_a_hash",
    optimizations.c.tenant_id,
    optimizations.c.optimization_hash,
    unique=True,
    postgresql_where=optimizations.c.status.in_(["queued", "running"]),
)
sa.Index("queue", optimizations.c.queued_at, postgresql_where=optimizations.c.status == "queued")
sa.Index("leases", optimizations.c.lease_until, postgresql_where=optimizations.c.status == "running")
sa.Index(
    "latest_of_portfolio", optimizations.c.tenant_id, optimizations.c.portfolio_id, optimizations.c.requested_at.desc()
)
sa.Index("same_inputs", optimizations.c.tenant_id, optimizations.c.optimization_hash)
sa.Index(
    "runs_by_model",
    optimizations.c.tenant_id,
    optimizations.c.model_digest,
    postgresql_where=optimizations.c.model_digest.is_not(None),
)
