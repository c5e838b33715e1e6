"""Tables of what callers keep here: key columns that we query by, and the codec's JSON documents.

Every table carries its tenant and every key begins with it, so that no row can point at another
tenant's; row level security shows a transaction the rows of one tenant only. Times are the database's own.
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


def time_column(name: str, *, required: bool = True) -> sa.Column[object]:
    """Make a column that holds a moment; a required one is the present unless said otherwise."""
    default = _NOW if required else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not required, server_default=default)


def tenant_column() -> sa.Column[str]:
    """Make the column that says whose a row is; every key begins with it."""
    return sa.Column("tenant_id", sa.Text, sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)


tenants = sa.Table(
    "tenants",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("settings", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    sa.Column("strategies_made", sa.Integer, nullable=False, server_default="0"),
    sa.Column("rate_revision", sa.BigInteger, nullable=False, server_default="0"),
    time_column("created_at"),
    sa.CheckConstraint("name <> 'optimization'", name="reserved"),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    tenant_column(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("hash", BYTEA, nullable=False),
    sa.Column("scopes", ARRAY(sa.Text), nullable=False),
    sa.Column("label", sa.Text, nullable=False, server_default=""),
    time_column("created_at"),
    time_column("expires_at", required=False),
    time_column("revoked_at", required=False),
    time_column("last_used_at", required=False),
    sa.Column("created_by", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("id"),
)

instruments = sa.Table(
    "instruments",
    metadata,
    tenant_column(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("price_revision", sa.BigInteger, nullable=False, server_default="0"),
    time_column("updated_at"),
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
    tenant_column(),
    sa.Column("currency", sa.Text, primary_key=True),
    sa.Column("quote", sa.Text, primary_key=True),
    sa.Column("date", sa.Date, primary_key=True),
    sa.Column("rate", sa.Double, nullable=False),
    sa.CheckConstraint("rate > 0 and rate < 'Infinity'", name="rate_positive"),
)

model_payloads = sa.Table(
    "model_payloads",
    metadata,
    tenant_column(),
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("payload", BYTEA, nullable=False),
    time_column("created_at"),
)

risk_models = sa.Table(
    "risk_models",
    metadata,
    tenant_column(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    time_column("updated_at"),
    sa.ForeignKeyConstraint(["tenant_id", "digest"], ["model_payloads.tenant_id", "model_payloads.digest"]),
)

sa.Index("one_default_model", risk_models.c.tenant_id, unique=True, postgresql_where=risk_models.c.is_default)
sa.Index("models_by_digest", risk_models.c.tenant_id, risk_models.c.digest)

strategies = sa.Table(
    "strategies",
    metadata,
    tenant_column(),
    sa.Column("strategy_id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("details", JSONB(none_as_null=True)),
    sa.Column("digest", sa.Text, nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    sa.UniqueConstraint("tenant_id", "name"),
)

strategy_versions = sa.Table(
    "strategy_versions",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("strategy_id", sa.Integer, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("details", JSONB(none_as_null=True)),
    time_column("created_at"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "strategy_id"], ["strategies.tenant_id", "strategies.strategy_id"], ondelete="CASCADE"
    ),
)

portfolios = sa.Table(
    "portfolios",
    metadata,
    tenant_column(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("client_reference", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("details", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    sa.Column("author", sa.Text, nullable=False, server_default=""),
    sa.Column("is_deleted", sa.Boolean, nullable=False, server_default=sa.false()),
    time_column("created_at"),
    time_column("updated_at"),
    sa.UniqueConstraint("tenant_id", "client_reference"),
)
