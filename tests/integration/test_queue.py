"""The queue in Postgres: claimed once, fair, fenced, taken back, given up."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import text

from assetmix.persistence import optimizations, queue
from assetmix.persistence.optimizations import Run
from assetmix.persistence.queue import Ending
from tests.integration.conftest import Bench

DONE = Ending(status="succeeded", result='{"a": 1}', timings={"total_ms": 1.0})


async def claim(bench: Bench, worker: str = "w", lease: float = 30.0) -> Run | None:
    return await bench.do(queue.claim, worker, lease)


async def test_many_workers_claim_each_run_once(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    ids = {(await bench.run(tenant)).id for _ in range(20)}

    claimed = await asyncio.gather(*(claim(bench, f"w{i}") for i in range(30)))

    taken = [run.id for run in claimed if run is not None]
    while (run := await claim(bench)) is not None:
        taken.append(run.id)
    assert Counter(taken) == Counter(ids)


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
    written = await bench.do(queue.finish, running, DONE)
    waiting = await claim(bench)

    assert (running.id, nothing, waiting.id) == (first.id, None, second.id)
    assert written.unblocks is True


async def test_only_the_attempt_that_holds_the_lease_may_write(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    await bench.run(tenant)
    lost = await claim(bench, "slow", lease=-1.0)
    await bench.do(queue.sweep, 3, (1.0, 2.0))
    owner = await claim(bench, "quick")

    assert await bench.do(queue.keep_alive, lost, 30.0) == "lost"
    assert (await bench.do(queue.finish, lost, DONE)).done is False
    assert await bench.do(queue.give_back, lost) is False
    assert await bench.do(queue.keep_alive, owner, 30.0) == "mine"
    assert (await bench.do(queue.finish, owner, DONE)).done is True
    assert (await bench.do(queue.finish, owner, DONE)).done is False
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
            await connection.execute(
                text("select rings, extract(epoch from ring_at - now()) as pause from optimizations")
            )
        ).one()
    assert row.rings == 1
    assert float(row.pause) == pytest.approx(60.0, abs=5.0)


async def test_a_backlog_does_not_flood_the_queue(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    for _ in range(queue.MOST_RINGS + 5):
        await bench.run(tenant)

    found = await bench.do(queue.sweep, 3, (60.0, 600.0))

    assert found.rings == queue.MOST_RINGS


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

    asked = await bench.do(optimizations.ask_to_cancel, tenant, running.id)
    ended = await bench.do(optimizations.ask_to_cancel, tenant, queued.id)

    assert (asked.status, asked.cancel_requested) == ("running", True)
    assert ended.status == "cancelled"
    assert await bench.do(queue.keep_alive, asked, 30.0) == "cancel"
    assert await bench.do(optimizations.ask_to_cancel, tenant, queued.id) is None
    assert await claim(bench) is None
