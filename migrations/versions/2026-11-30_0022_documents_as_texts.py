"""Inputs and results of runs are kept as the texts that they came as: nothing looks into them in the database.

To take such documents apart and to put them together again took Postgres a tenth of a millisecond and more
a run, and numbers came back otherwise than they were written. The table's rows are written anew, and
nothing else can use it meanwhile: workers of the version before end first, for what they call to end a run
is gone.

Revision: 0022
Follows: 0021
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

SIGNATURE = (
    "text, text, int, text, {0}, jsonb, jsonb, boolean, text, text, text, text, jsonb, "
    "boolean, text, text, text, smallint, text[], text[], float[]"
)

END = """
    perform set_config('assetmix.tenant', of_tenant, true);
    if of_attempt is not null then
        delete from jobs where tenant_id = of_tenant and run_id = of_run and attempt = of_attempt
            and state = 'running';
        if not found then
            return false;
        end if;
    end if;
    update optimizations set status = as_status, result = the_result, error = the_error, timings = the_timings,
        finished_at = clock_timestamp(), progress = case when is_answered then 1.0 else progress end
    where tenant_id = of_tenant and id = of_run
    returning kind into ended;
    if found then
        perform pg_notify('optimizations', of_run);
        insert into audit (tenant_id, id, actor, action, subject, request_id, details)
        values (of_tenant, entry_id, entry_actor, entry_action, of_run, entry_request_id, entry_details);
        perform tell_end(of_tenant, of_run, recommended, event_id, event_kind, event_name);
    end if;
    if of_attempt is not null and ended in ('backtest', 'batch') then
        delete from backtest_tasks where tenant_id = of_tenant and run_id = of_run;
        delete from backtest_decisions where tenant_id = of_tenant and run_id = of_run;
    end if;
    insert into tallies (name, label, slot, value)
    select g.name, g.label, in_slot, g.value from unnest(names, labels, counted) g (name, label, value)
    order by g.name, g.label
    on conflict (name, label, slot) do update set value = tallies.value + excluded.value;
    return true;
"""
"""As before, but for the type of the result; whole, for this is where the function's text is to be found."""


def upgrade() -> None:
    _change("jsonb", "json")


def downgrade() -> None:
    _change("json", "jsonb")


def _change(before: str, after: str) -> None:
    op.execute(f"drop function end_run({SIGNATURE.format(before)})")
    op.execute(f"""
        alter table optimizations
            alter column inputs type {after} using inputs::{after},
            alter column result type {after} using result::{after}
    """)
    op.execute(f"""
        create function end_run(
            of_tenant text, of_run text, of_attempt int,
            as_status text, the_result {after}, the_error jsonb, the_timings jsonb, is_answered boolean,
            entry_id text, entry_actor text, entry_action text, entry_request_id text, entry_details jsonb,
            recommended boolean, event_id text, event_kind text, event_name text,
            in_slot smallint, names text[], labels text[], counted float[]
        ) returns boolean
        language plpgsql volatile security invoker
        set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
        declare
            ended text;
        begin
            {END}
        end
        $$
    """)
