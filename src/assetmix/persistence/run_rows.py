"""Tables of runs: what they were asked, what waits, how they ended, who did what.

`jobs` is the queue: a narrow row for each run that has not ended, which workers see for all
tenants. Everything else shows a transaction the rows of one tenant only.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSON, JSONB

from assetmix.persistence.rows import metadata, tenant_column, time_column

snapshots = sa.Table(
    "snapshots",
    metadata,
    tenant_column(),
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("payload", BYTEA, nullable=False),
    time_column("created_at"),
)

snapshot_keys = sa.Table(
    "snapshot_keys",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(["tenant_id", "digest"], ["snapshots.tenant_id", "snapshots.digest"], ondelete="CASCADE"),
)

sa.Index("keys_by_snapshot", snapshot_keys.c.tenant_id, snapshot_keys.c.digest)

optimizations = sa.Table(
    "optimizations",
    metadata,
    tenant_column(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("portfolio_id", sa.Text),
    sa.Column("strategy_id", sa.Integer),
    sa.Column("status", sa.Text, nullable=False, server_default="queued"),
    sa.Column("kind", sa.Text, nullable=False, server_default="optimization"),
    sa.Column("progress", sa.Double, nullable=False, server_default="0"),
    sa.Column("what_if", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("optimization_hash", sa.Text, nullable=False),
    sa.Column("inputs", JSON, nullable=False),
    sa.Column("snapshot_digest", sa.Text),
    sa.Column("model_digest", sa.Text),
    sa.Column("asked_model", sa.Text),
    sa.Column("time_limit_seconds", sa.Double, nullable=False),
    sa.Column("request_id", sa.Text),
    sa.Column("traceparent", sa.Text),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("worker", sa.Text),
    time_column("queued_at"),
    time_column("requested_at"),
    time_column("started_at", required=False),
    time_column("finished_at", required=False),
    sa.Column("result", JSON(none_as_null=True)),
    sa.Column("error", JSONB(none_as_null=True)),
    sa.Column("timings", JSONB(none_as_null=True)),
    sa.ForeignKeyConstraint(
        ["tenant_id", "portfolio_id"], ["portfolios.tenant_id", "portfolios.id"], ondelete="CASCADE"
    ),
    sa.ForeignKeyConstraint(["tenant_id", "snapshot_digest"], ["snapshots.tenant_id", "snapshots.digest"]),
    sa.ForeignKeyConstraint(["tenant_id", "model_digest"], ["model_payloads.tenant_id", "model_payloads.digest"]),
    sa.CheckConstraint(
        "status in ('queued', 'running', 'succeeded', 'infeasible', 'failed', 'cancelled', 'superseded')",
        name="status",
    ),
    sa.CheckConstraint("kind in ('optimization', 'frontier', 'feasibility', 'backtest', 'batch')", name="kind"),
)

sa.Index(
    "one_active_a_hash",
    optimizations.c.tenant_id,
    optimizations.c.optimization_hash,
    unique=True,
    postgresql_where=optimizations.c.status.in_(["queued", "running"]),
)
sa.Index(
    "latest_of_portfolio", optimizations.c.tenant_id, optimizations.c.portfolio_id, optimizations.c.requested_at.desc()
)
sa.Index("same_inputs", optimizations.c.tenant_id, optimizations.c.optimization_hash)
sa.Index("ended", optimizations.c.tenant_id, optimizations.c.finished_at)
sa.Index("runs_by_snapshot", optimizations.c.tenant_id, optimizations.c.snapshot_digest)
sa.Index(
    "runs_by_model",
    optimizations.c.tenant_id,
    optimizations.c.model_digest,
    postgresql_where=optimizations.c.model_digest.is_not(None),
)


def of_run() -> sa.ForeignKeyConstraint:
    """What makes a table's rows those of a run, and lets them go with it."""
    return sa.ForeignKeyConstraint(
        ["tenant_id", "run_id"], ["optimizations.tenant_id", "optimizations.id"], ondelete="CASCADE"
    )


jobs = sa.Table(
    "jobs",
    metadata,
    tenant_column(),
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("portfolio_id", sa.Text),
    sa.Column("state", sa.Text, nullable=False, server_default="queued"),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("losses", sa.Integer, nullable=False, server_default="0"),
    sa.Column("worker", sa.Text),
    time_column("lease_until", required=False),
    sa.Column("cancel_requested", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("rings", sa.Integer, nullable=False, server_default="0"),
    time_column("ring_at", required=False),
    time_column("queued_at"),
    of_run(),
    sa.CheckConstraint("state in ('queued', 'running')", name="state"),
)

sa.Index(
    "one_running_a_portfolio",
    jobs.c.tenant_id,
    jobs.c.portfolio_id,
    unique=True,
    postgresql_where=jobs.c.state == "running",
)
sa.Index(
    "waiting_in_turn",
    jobs.c.tenant_id,
    jobs.c.queued_at,
    jobs.c.run_id,
    postgresql_where=jobs.c.state == "queued",
)
sa.Index("waiting", jobs.c.queued_at, postgresql_where=jobs.c.state == "queued")
sa.Index("leases", jobs.c.lease_until, postgresql_where=jobs.c.state == "running")

backtest_parts = sa.Table(
    "backtest_parts",
    metadata,
    tenant_column(),
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("first", sa.Integer, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("path", BYTEA, nullable=False),
    sa.Column("decisions", JSONB, nullable=False),
    time_column("at"),
    of_run(),
)
"""What was walked so far: the next attempt goes on from there, and pages of decisions are read from it."""

backtest_tasks = sa.Table(
    "backtest_tasks",
    metadata,
    tenant_column(),
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("first", sa.Integer, nullable=False),
    sa.Column("last", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="open"),
    sa.Column("worker", sa.Text),
    time_column("lease_until", required=False),
    of_run(),
    sa.CheckConstraint("state in ('open', 'taken', 'done')", name="state"),
)
"""Ranges of decisions that any worker may make; workers see those of all tenants, and nothing else of them."""

sa.Index(
    "tasks_in_turn", backtest_tasks.c.run_id, backtest_tasks.c.number, postgresql_where=backtest_tasks.c.state != "done"
)

batch_chunks = sa.Table(
    "batch_chunks",
    metadata,
    tenant_column(),
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("first", sa.Integer, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("accounts", sa.Text, nullable=False),
    of_run(),
)
batch_items = sa.Table(
    "batch_items",
    metadata,
    tenant_column(),
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("portfolio_id", sa.Text, nullable=False),
    sa.Column("client_reference", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("summary", JSONB, nullable=False),
    sa.Column("result", BYTEA),
    sa.Column("error", JSONB(none_as_null=True)),
    of_run(),
)
backtest_decisions = sa.Table(
    "backtest_decisions",
    metadata,
    tenant_column(),
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("payload", BYTEA, nullable=False),
    of_run(),
)
"""What was decided in a range, until the backtest has ended."""

events = sa.Table(
    "events",
    metadata,
    tenant_column(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("data", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    time_column("at"),
    of_run(),
    # a run ends once: the database itself refuses a second event
    sa.UniqueConstraint("tenant_id", "run_id"),
)

audit = sa.Table(
    "audit",
    metadata,
    tenant_column(),
    sa.Column("id", sa.Text, primary_key=True),
    time_column("at"),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text),
    sa.Column("details", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
)

sa.Index("audit_by_time", audit.c.tenant_id, audit.c.at)

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    tenant_column(),
    sa.Column("route", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("headers", JSONB, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    time_column("created_at"),
)

sa.Index("keys_by_time", idempotency_keys.c.tenant_id, idempotency_keys.c.created_at)

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("processes", sa.Integer, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    time_column("started_at"),
    time_column("seen_at"),
)

pulse = sa.Table(
    "pulse",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("queued", sa.Integer, nullable=False),
    sa.Column("running", sa.Integer, nullable=False),
    sa.Column("processes", sa.Integer, nullable=False),
    sa.Column("oldest_seconds", sa.Double, nullable=False),
    time_column("at"),
    sa.CheckConstraint("id = 1", name="one_row"),
)

tallies = sa.Table(
    "tallies",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("label", sa.Text, primary_key=True),
    sa.Column("slot", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("value", sa.Double, nullable=False),
)
