"""Tenants apart: row level security, roles of least privilege, jobs, events, audit.

Revision: 0004
Follows: 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from assetmix.persistence.steps import keyed, of_tenant, refers, time

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('assetmix.tenant', true), '')"
"""The tenant of the transaction; nothing, which no row has, where none is set."""

OLDER = (
    "api_keys",
    "instruments",
    "prices",
    "exchange_rates",
    "model_payloads",
    "risk_models",
    "strategies",
    "strategy_versions",
    "portfolios",
    "snapshots",
    "snapshot_keys",
    "optimizations",
)
NEWER = ("jobs", "events", "audit", "idempotency_keys")

ROLES = ("app", "worker", "metrics")
GRANTS = {
    "app": {
        "select, insert, update, delete": "risk_models, strategies, portfolios, jobs",
        "select, insert, update": "tenants, api_keys, instruments, prices, exchange_rates, optimizations",
        "select, insert, delete": "model_payloads",
        "select, insert": "strategy_versions, snapshots, snapshot_keys, events, audit, idempotency_keys",
        # who may lock a row must be able to change some of it
        "update (created_at)": "snapshots",
        "select": "workers, pulse, alembic_version",
        "usage": "sequence revisions",
    },
    "worker": {
        "select, insert, update, delete": "jobs, workers, pulse",
        "select, update, delete": "optimizations",
        "select, insert, delete": "events, audit",
        "select, delete": "snapshots, snapshot_keys, model_payloads, idempotency_keys",
        "select (id, settings)": "tenants",
        "select": "risk_models, alembic_version",
    },
    "metrics": {"select": "jobs, workers, pulse"},
}
"""What each role needs and no more; nobody but the owner of the tables changes them."""


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    create_tables()
    move_jobs()
    for name in (*OLDER, *NEWER):
        protect(name, f"tenant_id = (select {TENANT})")
    named = "name = (select nullif(current_setting('assetmix.tenant_name', true), ''))"
    by_key = "id = (select k.tenant_id from api_keys k where k.id = nullif(current_setting('assetmix.key', true), ''))"
    protect("tenants", f"id = (select {TENANT}) or {named} or {by_key}", f"id = (select {TENANT})")
    op.execute(
        "create policy by_key on api_keys for select using"
        " (id = (select nullif(current_setting('assetmix.key', true), '')))"
    )
    create_lookup()
    create_roles()


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    drop_roles()
    op.execute("drop function find_key(text)")
    op.execute("drop policy by_key on api_keys")
    for name in (*OLDER, *NEWER, "tenants"):
        op.execute(f"drop policy tenant on {name}")
        op.execute(f"alter table {name} no force row level security")
        op.execute(f"alter table {name} disable row level security")
    restore_jobs()
    for name in ("pulse", "workers", *reversed(NEWER)):
        op.drop_table(name)


def create_tables() -> None:
    op.add_column("api_keys", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("api_keys", sa.Column("created_by", sa.Text(), server_default="", nullable=False))
    op.add_column("optimizations", sa.Column("request_id", sa.Text(), nullable=True))
    op.create_index("ended", "optimizations", ["tenant_id", "finished_at"])
    op.create_index("runs_by_snapshot", "optimizations", ["tenant_id", "snapshot_digest"])
    op.create_index("keys_by_snapshot", "snapshot_keys", ["tenant_id", "digest"])
    op.create_table(
        "jobs",
        *keyed("run_id"),
        sa.Column("portfolio_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("losses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("rings", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ring_at", sa.DateTime(timezone=True), nullable=True),
        time("queued_at"),
        sa.CheckConstraint("state in ('queued', 'running')", name=op.f("ck_jobs_state")),
        of_tenant("jobs"),
        refers("jobs", "run_id", "optimizations"),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", name=op.f("pk_jobs")),
    )
    op.create_table(
        "events",
        *keyed("id"),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        time("at"),
        of_tenant("events"),
        refers("events", "run_id", "optimizations"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_events")),
        sa.UniqueConstraint("tenant_id", "run_id", name=op.f("uq_events_tenant_id_run_id")),
    )
    op.create_table(
        "audit",
        *keyed("id"),
        time("at"),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        of_tenant("audit"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_audit")),
    )
    op.create_index("audit_by_time", "audit", ["tenant_id", "at"])
    op.create_table(
        "idempotency_keys",
        *keyed("route", "key"),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", postgresql.JSONB(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        time("created_at"),
        of_tenant("idempotency_keys"),
        sa.PrimaryKeyConstraint("tenant_id", "route", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("keys_by_time", "idempotency_keys", ["tenant_id", "created_at"])
    op.create_table(
        "workers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("processes", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        time("started_at"),
        time("seen_at"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    op.create_table(
        "pulse",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("queued", sa.Integer(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column("processes", sa.Integer(), nullable=False),
        sa.Column("oldest_seconds", sa.Double(), nullable=False),
        time("at"),
        sa.CheckConstraint("id = 1", name=op.f("ck_pulse_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pulse")),
    )


def move_jobs() -> None:
    """Runs that have not ended take their place in the new queue; those that run are queued again."""
    op.drop_index("one_running_a_portfolio", table_name="optimizations")
    op.drop_index("queue", table_name="optimizations")
    op.drop_index("leases", table_name="optimizations")
    op.execute(
        "insert into jobs (tenant_id, run_id, portfolio_id, attempt, cancel_requested, ring_at, queued_at)"
        " select tenant_id, id, portfolio_id, attempt, cancel_requested, now(), queued_at"
        " from optimizations where status in ('queued', 'running')"
    )
    op.execute("update optimizations set status = 'queued' where status = 'running'")
    op.execute(
        "insert into events (tenant_id, id, run_id, kind, at)"
        " select tenant_id, id, id, 'optimization.' || status, coalesce(finished_at, now())"
        " from optimizations where status not in ('queued', 'running')"
    )
    for column in ("lease_until", "cancel_requested", "rings", "ring_at"):
        op.drop_column("optimizations", column)
    op.create_index(
        "one_running_a_portfolio",
        "jobs",
        ["tenant_id", "portfolio_id"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index("waiting", "jobs", ["queued_at"], postgresql_where=sa.text("state = 'queued'"))
    op.create_index("leases", "jobs", ["lease_until"], postgresql_where=sa.text("state = 'running'"))


def restore_jobs() -> None:
    op.drop_index("leases", table_name="jobs")
    op.drop_index("waiting", table_name="jobs")
    op.drop_index("one_running_a_portfolio", table_name="jobs")
    op.add_column("optimizations", sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("optimizations", sa.Column("ring_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("optimizations", sa.Column("rings", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "optimizations", sa.Column("cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.execute(
        "update optimizations o set status = 'queued', cancel_requested = j.cancel_requested, ring_at = now()"
        " from jobs j where j.tenant_id = o.tenant_id and j.run_id = o.id"
    )
    waiting, running = sa.text("status = 'queued'"), sa.text("status = 'running'")
    op.create_index("queue", "optimizations", ["queued_at"], postgresql_where=waiting)
    op.create_index("leases", "optimizations", ["lease_until"], postgresql_where=running)
    portfolio = ["tenant_id", "portfolio_id"]
    op.create_index("one_running_a_portfolio", "optimizations", portfolio, unique=True, postgresql_where=running)
    op.drop_index("keys_by_snapshot", table_name="snapshot_keys")
    op.drop_index("runs_by_snapshot", table_name="optimizations")
    op.drop_index("ended", table_name="optimizations")
    op.drop_column("optimizations", "request_id")
    op.drop_column("api_keys", "created_by")
    op.drop_column("api_keys", "last_used_at")


def protect(name: str, visible: str, writable: str | None = None) -> None:
    """Show rows of one tenant only, to the owner of the table as well."""
    op.execute(f"alter table {name} enable row level security")
    op.execute(f"alter table {name} force row level security")
    op.execute(f"create policy tenant on {name} using ({visible}) with check ({writable or visible})")


def create_lookup() -> None:
    """A key is looked up before its tenant is known: the function shows the one row that is asked for."""
    op.execute("""
        create function find_key(given text)
        returns table (tenant_id text, tenant text, hash bytea, scopes text[], settings jsonb, idle boolean)
        language plpgsql volatile security invoker as $$
        begin
            perform set_config('assetmix.key', given, true);
            return query
                select k.tenant_id, t.name, k.hash, k.scopes, t.settings,
                    coalesce(k.last_used_at < now() - interval '1 minute', true)
                from api_keys k join tenants t on t.id = k.tenant_id
                where k.id = given and k.revoked_at is null and (k.expires_at is null or k.expires_at > now());
        end $$
    """)


def create_roles() -> None:
    """Make the roles unless an administrator has; they cannot log in before they are given passwords."""
    for name in ROLES:
        role = role_name(name)
        exists = sa.text("select 1 from pg_roles where rolname = :name")
        if op.get_bind().scalar(exists, {"name": role}) is None:
            op.execute(f"create role {quoted(role)} nologin")
        op.execute(f"grant usage on schema public to {quoted(role)}")
        for privileges, tables in GRANTS[name].items():
            op.execute(f"grant {privileges} on {tables} to {quoted(role)}")
    for name in ("worker", "metrics"):
        # who is next is decided across tenants; a job holds nothing of what was asked
        visible = f"to {quoted(role_name(name))} using (true)"
        op.execute(f"create policy {name} on jobs {'for select ' if name == 'metrics' else ''}{visible}")
    op.execute(f"create policy worker on tenants for select to {quoted(role_name('worker'))} using (true)")


def drop_roles() -> None:
    op.execute("drop policy worker on tenants")
    op.execute("drop policy metrics on jobs")
    op.execute("drop policy worker on jobs")
    for name in ROLES:
        # not "drop owned", which only a member of the role may do
        role = quoted(role_name(name))
        op.execute(f"revoke all on all tables in schema public from {role}")
        op.execute(f"revoke all on all sequences in schema public from {role}")
        op.execute(f"revoke all on schema public from {role}")
        op.execute(f"drop role {role}")


def role_name(name: str) -> str:
    """Roles belong to the whole server, so they are named after the database."""
    return f"{op.get_bind().scalar(sa.text('select current_database()'))}_{name}"


def quoted(name: str) -> str:
    return op.get_bind().dialect.identifier_preparer.quote_identifier(name)
