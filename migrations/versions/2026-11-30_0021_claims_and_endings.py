"""A claim and an ending in one round trip each: functions of the caller's own rights.

Revision: 0021
Follows: 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

WHOSE_TURN = """
    with recursive waiting as (  -- one step through the index for each tenant, whatever the number of runs
        (select tenant_id from jobs where state = 'queued' order by tenant_id limit 1)
        union all
        select (select j.tenant_id from jobs j where j.state = 'queued' and j.tenant_id > w.tenant_id
                order by j.tenant_id limit 1)
        from waiting w where w.tenant_id is not null
    ), busy as (
        select tenant_id, count(*) as running from jobs where state = 'running' group by tenant_id
    ), shared as (
        select ceil(share * sum(processes)) as processes from workers where seen_at > now() - alive
    ), capped as (  -- the smaller of what a tenant sets itself and of its share; what is not known does not count
        select t.id as tenant_id, coalesce(b.running, 0) as running,
            least((t.settings ->> 'concurrent_runs')::int, (select processes from shared), 2147483647) as cap
        from waiting w join tenants t on t.id = w.tenant_id left join busy b on b.tenant_id = w.tenant_id
    )
    select c.tenant_id, c.cap
    from capped c cross join lateral (
        select j.queued_at from jobs j
        where j.tenant_id = c.tenant_id and j.state = 'queued' and not exists (
            select from jobs o
            where o.tenant_id = j.tenant_id and o.portfolio_id = j.portfolio_id and o.state = 'running'
        )
        order by j.queued_at, j.run_id limit 1
    ) head
    where c.running < c.cap
    order by c.running, head.queued_at, c.tenant_id
    limit 1
    into whose, most
"""

TAKE = """
    update jobs set state = 'running', attempt = attempt + 1, worker = by_worker, lease_until = now() + lease,
        ring_at = null
    where tenant_id = whose
        and run_id = (
            select j.run_id from jobs j
            where j.tenant_id = whose and j.state = 'queued' and not exists (
                select from jobs o
                where o.tenant_id = j.tenant_id and o.portfolio_id = j.portfolio_id and o.state = 'running'
            )
            order by j.queued_at, j.run_id limit 1 for update skip locked
        )
        and most > (select count(*) from jobs o where o.tenant_id = whose and o.state = 'running')
    returning run_id, attempt into taken
"""

START = """
    with started as (
        update optimizations set status = 'running', attempt = taken.attempt, worker = by_worker,
            started_at = coalesce(started_at, clock_timestamp())
        where tenant_id = whose and id = taken.run_id
        returning *
    ), waited as (  -- of a first attempt
        select extract(epoch from started_at - queued_at)::float as seconds from started where attempt = 1
    ), counts as (
        select 'attempts' as name, '' as label, 1.0::float as value from started
        union all
        select 'queue_wait_bucket', labels[1 + width_bucket(seconds, bounds)], 1.0 from waited
        union all
        select 'queue_wait_sum', '', seconds from waited
    ), counted as (
        insert into tallies (name, label, slot, value)
        select name, label, in_slot, value from counts order by name
        on conflict (name, label, slot) do update set value = tallies.value + excluded.value
    )
    select * from started
"""

HOW = """
    language plpgsql volatile security invoker
    set plan_cache_mode = force_generic_plan set enable_seqscan = off
"""
"""With plans that are kept, for planning takes longer than carrying out. A plan may come from a time when nothing
waited, and reading a whole table cost nothing: so it keeps to the indexes."""

TELL = """
    with e as (
        insert into events (tenant_id, id, run_id, kind, data)
        select o.tenant_id, event_id, o.id, event_kind,
            case when o.what_if or o.kind <> 'optimization' or p.id is null then '{}'::jsonb
            else jsonb_build_object(
                'id', o.id, 'portfolio_id', p.id,
                'external_id', coalesce(p.details ->> 'external_id', nullif(p.client_reference, p.id)),
                'is_recommended', recommended, 'value', o.status)
            end
        from optimizations o left join portfolios p on p.tenant_id = o.tenant_id and p.id = o.portfolio_id
        where o.tenant_id = of_tenant and o.id = of_run
        returning tenant_id, id, data
    )
    insert into deliveries (tenant_id, event_id, webhook_id)
    select w.tenant_id, e.id, w.id from e join webhooks w on w.tenant_id = e.tenant_id
    where e.data <> '{}'::jsonb and w.disabled_at is null and (w.events is null or event_name = any(w.events))
"""

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
"""


def upgrade() -> None:
    op.execute(f"""
        create function claim_run(
            by_worker text, lease interval, share float, alive interval,
            in_slot smallint, bounds float[], labels text[]
        ) returns setof optimizations {HOW} as $$
        declare
            whose text;
            most float;
            taken record;
            nothing optimizations;
        begin
            {WHOSE_TURN};
            if not found then
                return;
            end if;
            -- from here on the tenant's rows are seen, and its claims go on one at a time: only then counts hold
            perform set_config('assetmix.tenant', whose, true);
            perform pg_advisory_xact_lock(hashtextextended(whose, 4));
            {TAKE};
            if not found then
                return next nothing;  -- a row of nulls: others have just claimed runs of the same tenant
                return;
            end if;
            return query {START};
        end
        $$
    """)
    # the one event of a run, that it ended and how; endpoints hear of those that may become the latest
    op.execute(f"""
        create function tell_end(
            of_tenant text, of_run text, recommended boolean, event_id text, event_kind text, event_name text
        ) returns void {HOW} as $$
        begin
            {TELL};
        end
        $$
    """)
    # the run, the notice to those who wait, the audit entry, the event, its deliveries and the counts. With an attempt
    # only if it still holds the job, whose row goes: that decides who ends a run. Without one the job is gone already
    op.execute(f"""
        create function end_run(
            of_tenant text, of_run text, of_attempt int,
            as_status text, the_result jsonb, the_error jsonb, the_timings jsonb, is_answered boolean,
            entry_id text, entry_actor text, entry_action text, entry_request_id text, entry_details jsonb,
            recommended boolean, event_id text, event_kind text, event_name text,
            in_slot smallint, names text[], labels text[], counted float[]
        ) returns boolean {HOW} as $$
        declare
            ended text;
        begin
            {END}
            return true;
        end
        $$
    """)


def downgrade() -> None:
    op.execute(
        "drop function end_run(text, text, int, text, jsonb, jsonb, jsonb, boolean, text, text, text, text, jsonb, "
        "boolean, text, text, text, smallint, text[], text[], float[])"
    )
    op.execute("drop function tell_end(text, text, boolean, text, text, text)")
    op.execute("drop function claim_run(text, interval, float, interval, smallint, float[], text[])")
