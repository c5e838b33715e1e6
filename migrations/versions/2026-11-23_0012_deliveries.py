"""Messages to endpoints of callers.

Revision: 0012
Follows: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "deliveries",
        *keyed("event_id", "webhook_id"),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        time("due_at"),
        time("ended_at", required=False),
        sa.CheckConstraint("state in ('waiting', 'delivered', 'failed')", name=op.f("ck_deliveries_state")),
        refers("event_id", "events"),
        # no foreign key to the endpoint: one that is removed must not fail what happens meanwhile
        sa.PrimaryKeyConstraint("tenant_id", "event_id", "webhook_id", name=op.f("pk_deliveries")),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("deliveries_in_turn", "deliveries", ["due_at"], postgresql_where=waiting)
    op.create_index("deliveries_by_webhook", "deliveries", ["tenant_id", "webhook_id"])
    protect("deliveries")
    grant("select, insert, update", "deliveries", "app")
    grant("insert", "deliveries", "worker")
    grant("select, insert, update", "deliveries", "scheduler")
    # what is to be sent next is decided across tenants; the row holds no more than whose it is
    op.execute(f"create policy scheduler on deliveries to {role_name('scheduler')} using (true)")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("deliveries")


def refers(column: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{table}.tenant_id", f"{table}.id"],
        name=op.f(f"fk_deliveries_tenant_id_{column}"),
        ondelete="CASCADE",
    )


def keyed(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in ("tenant_id", *names)]


def time(name: str, *, required: bool = True) -> sa.Column[object]:
    default = sa.text("now()") if required else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not required)


def protect(name: str) -> None:
    """Show rows of one tenant only, to the owner of the table as well."""
    visible = "tenant_id = (select nullif(current_setting('assetmix.tenant', true), ''))"
    op.execute(f"alter table {name} enable row level security")
    op.execute(f"alter table {name} force row level security")
    op.execute(f"create policy tenant on {name} using ({visible}) with check ({visible})")


def grant(privileges: str, tables: str, role: str) -> None:
    op.execute(f"grant {privileges} on {tables} to {role_name(role)}")


def role_name(name: str) -> str:
    """Roles belong to the whole server, so they are named after the database."""
    role = f"{op.get_bind().scalar(sa.text('select current_database()'))}_{name}"
    return op.get_bind().dialect.identifier_preparer.quote_identifier(role)
