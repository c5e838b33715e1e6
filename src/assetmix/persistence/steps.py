"""Steps that migrations share: columns, references, protection and grants.

Migrations that ran long ago use them too, so their effects never change; a new need is a new step.
"""

import sqlalchemy as sa
from alembic import op

_VISIBLE = "tenant_id = (select nullif(current_setting('assetmix.tenant', true), ''))"
"""Rows of the transaction's tenant; none where none is set."""


def keyed(*names: str) -> list[sa.Column[str]]:
    """Text columns of a primary key, which begins with the tenant."""
    return [sa.Column(name, sa.Text(), nullable=False) for name in ("tenant_id", *names)]


def time(name: str, *, required: bool = True) -> sa.Column[object]:
    """A moment, by default that of the transaction; one that is not required has no default."""
    default = sa.text("now()") if required else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not required)


def of_tenant(table: str) -> sa.ForeignKeyConstraint:
    """The reference of a table's rows to their tenant; they go with it."""
    return sa.ForeignKeyConstraint(
        ["tenant_id"], ["tenants.id"], name=op.f(f"fk_{table}_tenant_id"), ondelete="CASCADE"
    )


def refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    """The reference of a table's rows to rows of the same tenant; they go with them."""
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{target}.tenant_id", f"{target}.id"],
        name=op.f(f"fk_{table}_tenant_id_{column}"),
        ondelete="CASCADE",
    )


def protect(name: str) -> None:
    """Show rows of one tenant only, to the owner of the table as well."""
    op.execute(f"alter table {name} enable row level security")
    op.execute(f"alter table {name} force row level security")
    op.execute(f"create policy tenant on {name} using ({_VISIBLE}) with check ({_VISIBLE})")


def grant(privileges: str, tables: str, role: str) -> None:
    """Let a role of the service do something with tables."""
    op.execute(f"grant {privileges} on {tables} to {role_name(role)}")


def role_name(name: str) -> str:
    """Name of a role, quoted: roles belong to the whole server, so they are named after the database."""
    role = f"{op.get_bind().scalar(sa.text('select current_database()'))}_{name}"
    return op.get_bind().dialect.identifier_preparer.quote_identifier(role)
