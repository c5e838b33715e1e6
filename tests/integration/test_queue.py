"""The queue in Postgres: claimed once, fair, fenced, taken back, given up."""

import asyncio
from collections import Counter
from contextlib import suppress

import asyncpg
import pytest
from sqlalchemy import text

from assetmix.errors import Conflict
from assetmix.persistence import claims, optimizations, outcomes, queue
from assetmix.persistence.claims import Claim
from assetmix.persistence.optimizations import Run
from assetmix.persistence.outcomes import Actor, Ending
from tests.integration.conftest import Base, Bench

DONE = Ending(status="succeeded", result='{"a": 1}', timings={"total_ms": 1.0})


CALLER = Actor("key", "request")


async def claim(bench: Bench, worker: str = "w", lease: float = 30.0) -> Run | None:
    while True:
        with suppress(Conflict):  # others claimed at the same moment: look again
            return await bench.do(claims.claim, Claim(worker, lease))


async def test_many_workers_claim_each_run_once(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    ids = {(await bench.run(tenant)).id for _ in range(20)}

    claimed = await asyncio.gather(*(claim(bench, f"w{i}") for i in range(30)))

    taken = [run.id for run in claimed if run is not None]
    while (run := await claim(bench)) is not None:
        taken.append(run.id)
    assert Counter(taken) == Counter(ids)


async def test_a_plan_made_while_nothing_waited_reads_no_more_when_much_does(bench: Bench) -> None:
    """Postgres' own counts of rows read: none one after the other, a handful through indexes, whatever waits."""
    tenant = await bench.tenant("one")
    counts = text("select seq_tup_read, idx_tup_fetch from pg_stat_xact_user_tables where relname = 'jobs'")
    read = {}
    for waiting in (0, 5, 200):
        for _ in range(waiting):
            await bench.run(tenant)
        for _ in range(6):  # the driver prepares, and Postgres keeps a plan
            async with bench.database.transaction() as connection:
                before = (await connection.execute(counts)).one()
                await claims.claim(connection, Claim("w", 30.0))
                after = (await connection.execute(counts)).one()
                read[waiting] = [later - earlier for earlier, later in zip(before, after, strict=True)]

    assert [rows for rows, _ in read.values()] == [0, 0, 0]
    assert 0 < read[200][1] < 100  # those that run are read too


async def test_the_tenant_with_the_fewest_running_comes_first(bench: Bench) -> None:
    crowd, single = await bench.tenant("crowd"), await bench.tenant("single")
    for _ in range(5):
        await bench.run(crowd)
    await bench.run(single)

    first, second = await claim(bench), await claim(bench)

    assert [first.tenant_id, second.tenant_id] == [crowd, single]


async def test_a_portfolio_runs_one_at_a_time(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    portfolio = await bench.portfolio(tenant, "ada")
    first, second = await bench.run(tenant, portfolio), await bench.run(tenant, portfolio)

    running = await claim(bench)
    nothing = await claim(bench)
    written = await bench.do(outcomes.finish, running, DONE)
    blocked = await bench.do(outcomes.others_wait, tenant)
    waiting = await claim(bench)

    assert (running.id, nothing, waiting.id) == (first.id, None, second.id)
    assert written
    assert blocked
    assert not await bench.do(outcomes.others_wait, tenant)


async def test_only_the_attempt_that_holds_the_lease_may_write(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    await bench.run(tenant)
    lost = await claim(bench, "slow", lease=-1.0)
    await bench.do(queue.sweep, 3, (1.0, 2.0))
    owner = await claim(bench, "quick")

    assert await bench.do(queue.keep_alive, lost, 30.0) == "lost"
    assert await bench.do(outcomes.finish, lost, DONE) is False
    assert await bench.do(queue.give_back, lost, 3) is False
    assert await bench.do(queue.keep_alive, owner, 30.0) == "mine"
    assert await bench.do(outcomes.finish, owner, DONE) is True
    assert await bench.do(outcomes.finish, owner, DONE) is False
    ended = await bench.do(optimizations.find_run, tenant, owner.id)
    assert (ended.status, ended.attempt, ended.result) == ("succeeded", 2, {"a": 1})


async def test_runs_of_lost_workers_are_given_up_after_their_attempts(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    new = await bench.run(tenant)

    sweeps = []
    for _ in range(3):
        await claim(bench, lease=-1.0)
        sweeps.append(await bench.do(queue.sweep, 3, (0.0, 0.0)))

    assert [(one.requeued, one.failed) for one in sweeps] == [(1, 0), (1, 0), (0, 1)]
    ended = await bench.do(optimizations.find_run, tenant, new.id)
    assert ended.status == "failed"
    assert ended.error["type"] == "/problems/worker-lost"


async def test_bells_are_rung_again_with_growing_pauses(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    await bench.run(tenant)

    first = await bench.do(queue.sweep, 3, (60.0, 600.0))
    second = await bench.do(queue.sweep, 3, (60.0, 600.0))

    assert (first.rings, second.rings) == (1, 0)
    async with bench.open() as connection:
        row = (
            await connection.execute(text("select rings, extract(epoch from ring_at - now()) as pause from jobs"))
        ).one()
    assert row.rings == 1
    assert float(row.pause) == pytest.approx(60.0, abs=5.0)


async def test_a_backlog_does_not_flood_the_queue(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    for _ in range(queue.MOST_AT_ONCE + 5):
        await bench.run(tenant)

    found = await bench.do(queue.sweep, 3, (60.0, 600.0))

    assert found.rings == queue.MOST_AT_ONCE


async def test_two_active_runs_never_have_the_same_inputs(bench: Bench) -> None:
    tenant, other = await bench.tenant("one"), await bench.tenant("two")

    first = await bench.run(tenant, optimization_hash="same")
    twin = await bench.run(tenant, optimization_hash="same")
    elsewhere = await bench.run(other, optimization_hash="same")

    assert first is not None
    assert twin is None
    assert elsewhere is not None


async def test_cancelling_ends_what_is_queued_and_asks_what_runs(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    running = await bench.run(tenant)
    await claim(bench)
    queued = await bench.run(tenant)

    asked = await bench.do(outcomes.cancel, tenant, running.id, CALLER)
    ended = await bench.do(outcomes.cancel, tenant, queued.id, CALLER)

    assert (asked, ended) == (True, True)
    held = await bench.do(optimizations.find_run, tenant, running.id)
    assert held.status == "running"
    assert await bench.do(queue.keep_alive, held, 30.0) == "cancel"
    assert (await bench.do(optimizations.find_run, tenant, queued.id)).status == "cancelled"
    assert await bench.do(outcomes.cancel, tenant, queued.id, CALLER) is False
    assert await claim(bench) is None


async def test_a_tenant_never_has_more_runs_worked_on_than_its_cap(base: Base, bench: Bench) -> None:
    crowd, single = await bench.tenant("crowd"), await bench.tenant("single")
    await execute(base, "update tenants set settings = '{\"concurrent_runs\": 2}' where name = 'crowd'")
    for _ in range(8):
        await bench.run(crowd)
    await bench.run(single)

    claimed = [run for run in await asyncio.gather(*(claim(bench, f"w{i}") for i in range(12))) if run is not None]
    while (run := await claim(bench)) is not None:
        claimed.append(run)

    assert Counter(run.tenant_id for run in claimed) == {crowd: 2, single: 1}
    one = next(run for run in claimed if run.tenant_id == crowd)
    assert await bench.do(outcomes.finish, one, DONE)
    assert await bench.do(outcomes.others_wait, crowd) is True
    assert (await claim(bench)).tenant_id == crowd
    assert await claim(bench) is None


async def test_without_a_cap_of_its_own_a_tenant_has_its_share_of_the_workers(base: Base, bench: Bench) -> None:
    tenant = await bench.tenant("one")
    await execute(base, "insert into workers (name, processes, version) values ('a:1', 2, 'v'), ('b:1', 2, 'v')")
    await execute(
        base, "insert into workers (name, processes, version, seen_at) values ('c:1', 9, 'v', now() - interval '1 day')"
    )
    for _ in range(6):
        await bench.run(tenant)

    claimed = [await bench.do(claims.claim, Claim("w", 30.0, share=0.75)) for _ in range(6)]
    await execute(base, "delete from workers")

    assert sum(run is not None for run in claimed) == 3


async def test_a_worker_that_leaves_gives_back_its_runs_without_blame(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    await bench.run(tenant)
    run = await claim(bench, "host:1:7")

    for _ in range(5):
        assert await bench.do(queue.release, "host:1") == 1
        assert await bench.do(queue.release, "host:1") == 0
        assert await bench.do(queue.keep_alive, run, 30.0) == "lost"
        run = await claim(bench, "host:1:7")

    assert run.attempt == 6
    assert await bench.do(queue.release, "host:10") == 0


async def test_a_tenant_cannot_lift_its_own_share(base: Base, bench: Bench) -> None:
    tenant = await bench.tenant("one")
    await execute(base, "update tenants set settings = '{\"concurrent_runs\": 1000}'")
    await execute(base, "insert into workers (name, processes, version) values ('a:1', 4, 'v')")
    for _ in range(6):
        await bench.run(tenant)

    claimed = [await bench.do(claims.claim, Claim("w", 30.0, share=0.75)) for _ in range(6)]
    await execute(base, "delete from workers")

    assert sum(run is not None for run in claimed) == 3


async def test_a_run_that_was_cancelled_is_not_worked_on_again_when_its_worker_is_lost(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    for lose in ("sweep", "give back"):
        new = await bench.run(tenant)
        run = await claim(bench, lease=-1.0)
        await bench.do(outcomes.cancel, tenant, new.id, CALLER)
        if lose == "sweep":
            await bench.do(queue.sweep, 3, (0.0, 0.0))
        else:
            assert await bench.do(queue.give_back, run, 3) is True
        assert (await bench.do(optimizations.find_run, tenant, new.id)).status == "cancelled"


async def test_who_asks_for_a_run_that_is_being_cancelled_wants_it_after_all(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    new = await bench.run(tenant)
    run = await claim(bench)
    await bench.do(outcomes.cancel, tenant, new.id, CALLER)

    assert await bench.do(optimizations.ask_again, run, None) is True
    assert await bench.do(queue.keep_alive, run, 30.0) == "mine"
    await bench.do(outcomes.finish, run, DONE)
    assert await bench.do(optimizations.ask_again, run, None) is False


async def test_what_waited_for_a_run_that_is_given_up_is_rung_for_at_once(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    portfolio = await bench.portfolio(tenant, "ada")
    for _ in range(2):
        await bench.run(tenant, portfolio)
    await bench.do(queue.sweep, 3, (60.0, 60.0))
    await claim(bench, lease=-1.0)

    found = await bench.do(queue.sweep, 1, (60.0, 60.0))

    assert (found.failed, found.rings) == (1, 1)


async def execute(base: Base, statement: str) -> None:
    connection = await asyncpg.connect(base.url)
    await connection.execute(statement)
    await connection.close()
