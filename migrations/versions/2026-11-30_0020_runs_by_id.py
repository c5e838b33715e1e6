"""A run by its id in one round trip: a function that sees the rows of the tenant it is told of, and no others.

Revision: 0020
Follows: 0019
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # of the caller's own rights: what it may see is decided by the policies, as everywhere
    op.execute("""
        create function run_of(of_tenant text, of_run text) returns setof optimizations
        language plpgsql volatile security invoker as $$
        begin
            perform set_config('assetmix.tenant', of_tenant, true);
            return query select * from optimizations where tenant_id = of_tenant and id = of_run;
        end
        $$
    """)


def downgrade() -> None:
    op.execute("drop function run_of(text, text)")
