"""Tables of versioned records, of what becomes due, and of messages to endpoints of callers.

A record is what a dialect keeps beside the portfolios: users, policies, transactions. Each change
makes a version; versions are never changed.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from assetmix.persistence.rows import metadata, tenant_column, time_column
from assetmix.persistence.run_rows import events, optimizations

records = sa.Table(
    "records",
    metadata,
    tenant_column(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("portfolio_id", sa.Text),
    sa.Column("external_id", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("is_deleted", sa.Boolean, nullable=False, server_default=sa.false()),
    time_column("created_at"),
    time_column("updated_at"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "portfolio_id"], ["portfolios.tenant_id", "portfolios.id"], ondelete="CASCADE"
    ),
    sa.CheckConstraint("kind in ('user', 'policy', 'transaction')", name="kind"),
)

sa.Index("records_by_kind", records.c.tenant_id, records.c.kind, records.c.id)
sa.Index("records_by_portfolio", records.c.tenant_id, records.c.portfolio_id)
sa.Index(
    "one_record_an_external_id",
    records.c.tenant_id,
    records.c.kind,
    records.c.external_id,
    unique=True,
    postgresql_where=sa.text("external_id is not null and not is_deleted and kind <> 'transaction'"),
)

record_versions = sa.Table(
    "record_versions",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("external_id", sa.Text),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("is_deleted", sa.Boolean, nullable=False),
    time_column("at"),
    sa.ForeignKeyConstraint(["tenant_id", "id"], ["records.tenant_id", "records.id"], ondelete="CASCADE"),
)

portfolio_versions = sa.Table(
    "portfolio_versions",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("details", JSONB, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("is_deleted", sa.Boolean, nullable=False),
    time_column("at"),
    sa.ForeignKeyConstraint(["tenant_id", "id"], ["portfolios.tenant_id", "portfolios.id"], ondelete="CASCADE"),
)

due = sa.Table(
    "due",
    metadata,
    tenant_column(),
    sa.Column("portfolio_id", sa.Text, primary_key=True),
    sa.Column("cause", sa.Text, nullable=False),
    time_column("at"),
)
"""Portfolios that the scheduler is to optimize; it sees those of all tenants, and nothing else of them."""

sa.Index("due_in_turn", due.c.at)

nights = sa.Table(
    "nights",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.CheckConstraint("id = 1", name="one_row"),
)
"""The day whose nightly sweep was begun last."""

owner_choices = sa.Table(
    "owner_choices",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("choice", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    time_column("at"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "run_id"], [optimizations.c.tenant_id, optimizations.c.id], ondelete="CASCADE"
    ),
)

webhooks = sa.Table(
    "webhooks",
    metadata,
    tenant_column(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("events", ARRAY(sa.Text)),
    sa.Column("generation", sa.Integer, nullable=False, server_default="1"),
    time_column("overlap_until", required=False),
    time_column("disabled_at", required=False),
    time_column("created_at"),
    sa.UniqueConstraint("tenant_id", "url"),
)
"""Endpoints of callers. Their secrets are made from the service's own and are stored nowhere."""

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("webhook_id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("answer", sa.Text),
    time_column("due_at"),
    time_column("ended_at", required=False),
    sa.ForeignKeyConstraint(["tenant_id", "event_id"], [events.c.tenant_id, events.c.id], ondelete="CASCADE"),
    sa.CheckConstraint("state in ('waiting', 'delivered', 'failed')", name="state"),
)
"""One row for each event and endpoint, written with the event."""

sa.Index("deliveries_in_turn", deliveries.c.due_at, postgresql_where=deliveries.c.state == "waiting")
sa.Index("deliveries_by_webhook", deliveries.c.tenant_id, deliveries.c.webhook_id)
