"""The API may delete instruments and their prices.

Revision: 0017
Follows: 0016
"""

from alembic import op

from assetmix.persistence.steps import grant, role_name

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    grant("delete", "instruments, prices", "app")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute(f"revoke delete on instruments, prices from {role_name('app')}")
