"""What owners choose to do with a recommendation.

Revision: 0011
Follows: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "owner_choices",
        *keyed("run_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        time("at"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id"],
            ["optimizations.tenant_id", "optimizations.id"],
            name=op.f("fk_owner_choices_tenant_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "run_id", "version", name=op.f("pk_owner_choices")),
    )
    protect("owner_choices")
    grant("select, insert", "owner_choices", "app")
    grant("select", "owner_choices", "scheduler")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("owner_choices")


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
