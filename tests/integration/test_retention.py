"""What is kept, and what is let go of."""

import asyncio

import asyncpg
import pytest

from assetmix.errors import Conflict
from assetmix.persistence import claims, optimizations, outcomes, retention, snapshots
from assetmix.persistence.claims import Claim
from assetmix.persistence.optimizations import NewRun
from assetmix.persistence.outcomes import Ending
from tests.integration.conftest import ROOM, Base, Bench, asked

LONG_AGO = "finished_at = now() - interval '11 days', requested_at = now() - interval '11 days'"
DONE = Ending(status="succeeded", result="{}")


async def age(base: Base, statement: str) -> None:
    connection = await asyncpg.connect(base.url)
    await connection.execute(statement)
    await connection.close()


async def count(base: Base, table: str) -> int:
    connection = await asyncpg.connect(base.url)
    found: int = await connection.fetchval(f"select count(*) from {table}")
    await connection.close()
    return found


async def test_ended_runs_go_with_their_events_and_what_only_they_named(base: Base, bench: Bench) -> None:
    tenant = await bench.tenant("one")
    await bench.run(tenant)
    ended = await bench.do(claims.claim, Claim("w", 30.0))
    await bench.do(outcomes.finish, ended, DONE)
    await bench.run(tenant)
    await age(
        base,
        f"update optimizations set {LONG_AGO} where finished_at is not null",
    )
    await age(base, "update audit set at = now() - interval '11 days'")

    kept = await bench.do(retention.purge, tenant, 12, 1)
    assert (kept, await count(base, "optimizations"), await count(base, "events")) == (0, 2, 1)
    gone = await bench.do(retention.purge, tenant, 10, 1)

    assert gone == 4  # the run, and the audit entries of its end and of both requests
    assert (await count(base, "optimizations"), await count(base, "events"), await count(base, "audit")) == (1, 0, 0)
    assert await count(base, "snapshots") == 1


async def test_a_snapshot_that_no_run_names_is_kept_for_a_day(base: Base, bench: Bench) -> None:
    tenant = await bench.tenant("one")

    await bench.do(retention.purge, tenant, 400, 1)
    assert await count(base, "snapshots") == 1
    await age(base, "update snapshots set created_at = now() - interval '2 days'")
    await bench.do(retention.purge, tenant, 400, 1)

    assert (await count(base, "snapshots"), await count(base, "snapshot_keys")) == (0, 0)


async def test_a_run_that_was_just_given_as_an_answer_is_kept(base: Base, bench: Bench) -> None:
    tenant = await bench.tenant("one")
    await bench.run(tenant)
    run = await bench.do(claims.claim, Claim("w", 30.0))
    await bench.do(outcomes.finish, run, DONE)
    await age(base, f"update optimizations set {LONG_AGO}")
    ended = await bench.do(optimizations.find_run, tenant, run.id)

    assert await bench.do(optimizations.ask_again, ended, None) is True
    await bench.do(retention.purge, tenant, 10, 10)

    assert await count(base, "optimizations") == 1


async def test_the_audit_trail_outlives_what_a_tenant_sets(base: Base, bench: Bench) -> None:
    tenant = await bench.tenant("one")
    await bench.run(tenant)
    run = await bench.do(claims.claim, Claim("w", 30.0))
    await bench.do(outcomes.finish, run, DONE)
    await age(base, "update audit set at = now() - interval '11 days'")

    await bench.do(retention.purge, tenant, 1, 400)
    assert await count(base, "audit") == 2  # of the request and of the end


async def test_what_waits_or_runs_is_never_purged(base: Base, bench: Bench) -> None:
    tenant = await bench.tenant("one")
    await bench.run(tenant)
    await bench.run(tenant)
    await bench.do(claims.claim, Claim("w", 30.0))
    await age(base, "update optimizations set queued_at = now() - interval '1000 days'")

    await bench.do(retention.purge, tenant, 1, 1)

    assert (await count(base, "optimizations"), await count(base, "jobs")) == (2, 2)


async def test_each_tenant_has_its_own_days(base: Base, bench: Bench) -> None:
    one, two = await bench.tenant("one"), await bench.tenant("two")
    await age(base, "update tenants set settings = '{\"retention_days\": 7}' where name = 'one'")

    found = dict(await bench.do(retention.retentions))

    assert found == {one: 7, two: None}


async def test_what_is_just_being_used_again_is_kept(base: Base, bench: Bench) -> None:
    tenant = await bench.tenant("one")
    await age(base, "update snapshots set created_at = now() - interval '2 days'")

    async with bench.open() as connection:
        assert await snapshots.find_digest(connection, tenant, "key") == "digest"
        purging = asyncio.create_task(bench.do(retention.purge, tenant, 400, 1))
        await waiting_for_a_lock(base)
        new = NewRun(
            id="O", portfolio_id=None, strategy_id=None, what_if=False, optimization_hash="h", inputs={},
            snapshot_digest="digest", time_limit_seconds=1.0,
        )  # fmt: skip
        await optimizations.add_run(connection, tenant, new, asked(new), ROOM)

    with pytest.raises(Conflict):
        await purging
    assert await count(base, "snapshots") == 1


async def waiting_for_a_lock(base: Base) -> None:
    connection = await asyncpg.connect(base.url)
    asked = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    async with asyncio.timeout(20):
        while not await connection.fetchval(asked):  # noqa: ASYNC110 - Postgres does not tell when one begins to wait
            await asyncio.sleep(0.01)
    await connection.close()


@pytest.mark.parametrize(("table", "kept"), [("optimizations", 1), ("audit", 2), ("idempotency_keys", 1)])
async def test_a_purge_of_one_tenant_leaves_the_others_alone(base: Base, bench: Bench, table: str, kept: int) -> None:
    one, two = await bench.tenant("one"), await bench.tenant("two")
    for tenant in (one, two):
        await bench.run(tenant)
        run = await bench.do(claims.claim, Claim("w", 30.0))
        await bench.do(outcomes.finish, run, DONE)
        await age(
            base,
            "insert into idempotency_keys (tenant_id, route, key, fingerprint, status, headers, body)"
            f" values ('{tenant}', 'r', 'k', 'f', 202, '{{}}', '')",
        )
    await age(
        base,
        f"update optimizations set {LONG_AGO}",
    )
    await age(base, "update audit set at = now() - interval '11 days'")
    await age(base, "update idempotency_keys set created_at = now() - interval '11 days'")

    await bench.do(retention.purge, one, 10, 1)

    assert await count(base, f"{table} where tenant_id = '{one}'") == 0
    assert await count(base, f"{table} where tenant_id = '{two}'") == kept
