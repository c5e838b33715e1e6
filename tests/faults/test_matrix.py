"""The fault matrix, row by row: whatever dies, hangs or lies, an accepted run ends once and nobody else notices."""

import asyncio
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import asyncpg
import httpx
import psutil
import pytest
from redis import Redis

from tests.faults import solver, worker
from tests.faults.stack import SCHEDULERS, SHORT, WORKERS, Hurtable, hurtable, tracked

AMOUNTS = itertools.count(1)


@pytest.fixture(scope="module")
def hurt() -> Iterator[Hurtable]:
    with hurtable(SHORT) as service:
        yield service


@pytest.fixture(scope="module")
def client(hurt: Hurtable) -> Iterator[httpx.Client]:
    with tracked(hurt, "matrix") as made:
        yield made


@pytest.fixture(autouse=True)
def _whole(hurt: Hurtable) -> Iterator[None]:
    """Every test begins and ends with a stack on which nothing is wrong."""
    yield
    hurt.redis.behave()
    hurt.postgres.behave()
    hurt.until(lambda: all(hurt.alive(name) for name in (*WORKERS, *SCHEDULERS, "api")) and _ready(hurt))


def _ready(hurt: Hurtable) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{hurt.base_url}/readyz", trust_env=False, timeout=5).json()["status"] == "ready"
    return False


def put(client: httpx.Client, reference: str) -> None:
    held = {"base_currency": "USD", "holdings": {"$USD": 10_000}}
    client.put(f"/v1/portfolios/{reference}", json=held).raise_for_status()


def body_of(reference: str, deed: float = 0.0, **fields: Any) -> dict[str, Any]:
    """A request of its own: the whole dollars differ, the fraction says what goes wrong."""
    return {"portfolio": reference, "strategy": "track", "cash_flow": next(AMOUNTS) + deed} | fields


def ask(client: httpx.Client, reference: str, deed: float = 0.0, **fields: Any) -> str:
    put(client, reference)
    response = client.post("/v1/optimizations", json=body_of(reference, deed, **fields))
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


def stubborn(hurt: Hurtable, client: httpx.Client, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    """Send a request again and again, as a client with an idempotency key does, until it is accepted."""

    def sent() -> httpx.Response | None:
        try:
            response = client.post("/v1/optimizations", json=body, headers=headers)
        except httpx.HTTPError:
            headers.pop("X-Die", None)
            return None
        return response if response.status_code == 202 else None

    return hurt.until(sent)


def check_once(hurt: Hurtable, *ids: str) -> None:
    """Each run has ended once: one event, one entry of its end, no job, a result where it should have one."""
    for run_id in ids:
        (row,) = hurt.sql(
            "select status, result is not null as answered,"
            " (select count(*) from events where run_id = o.id) as events,"
            " (select count(*) from audit where subject = o.id and action = 'optimization.end') as ends,"
            " (select count(*) from jobs where run_id = o.id) as jobs from optimizations o where id = $1",
            run_id,
        )
        assert (row["events"], row["ends"], row["jobs"]) == (1, 1, 0), dict(row)
        assert row["answered"] == (row["status"] in {"succeeded", "infeasible"}), dict(row)


def held_by(hurt: Hurtable, run_id: str) -> int:
    """Wait until a run is being worked on; gives its pool child."""

    def look() -> int | None:
        rows = hurt.sql("select worker from jobs where run_id = $1 and state = 'running'", run_id)
        return int(rows[0]["worker"].rpartition(":")[2]) if rows else None

    return hurt.until(look)


def test_2_a_killed_worker_is_replaced_and_its_run_is_claimed_again(hurt: Hurtable, client: httpx.Client) -> None:
    run_id = ask(client, "r2", solver.SLOW)
    main = psutil.Process(held_by(hurt, run_id)).ppid()
    assert main in {hurt.supervisor.pid(name) for name in WORKERS}

    os.killpg(main, signal.SIGKILL)
    run = hurt.ended(client, run_id)

    assert (run["status"], run["attempt"]) == ("succeeded", 2)
    check_once(hurt, run_id)


def test_2b_what_a_killed_pool_child_held_is_given_back(hurt: Hurtable, client: httpx.Client) -> None:
    run_id = ask(client, "r2b", solver.SLOW)
    child = held_by(hurt, run_id)

    os.kill(child, signal.SIGKILL)
    hurt.until(lambda: held_by(hurt, run_id) != child)

    assert hurt.ended(client, run_id)["status"] == "succeeded"
    check_once(hurt, run_id)


@pytest.mark.parametrize(("point", "attempts"), [(worker.BEFORE_COMMIT, 2), (worker.AFTER_COMMIT, 1)])
def test_3_4_a_worker_that_dies_around_its_commit(
    hurt: Hurtable, client: httpx.Client, point: float, attempts: int
) -> None:
    run_id = ask(client, "r34", point)

    run = hurt.ended(client, run_id)

    assert (run["status"], run["attempt"]) == ("succeeded", attempts)
    check_once(hurt, run_id)


def test_3_two_attempts_give_the_same_answer(hurt: Hurtable, client: httpx.Client) -> None:
    run_id = ask(client, "same", worker.BEFORE_COMMIT)
    again = hurt.ended(client, run_id)
    body = client.get("/v1/optimizations", params={"portfolio": "same"}).json()["items"][0]
    other = ask(client, "same-2", worker.AFTER_COMMIT)

    assert again["attempt"] == 2
    assert body["result"]["verified"]["max_residual"] < 1e-6
    check_once(hurt, run_id, *([other] if hurt.ended(client, other) else []))


def test_5_a_worker_frozen_beyond_its_lease_is_fenced(hurt: Hurtable, client: httpx.Client) -> None:
    before = discarded(hurt)
    run_id = ask(client, "r5", solver.SLOW)
    child = psutil.Process(held_by(hurt, run_id))
    assert child.ppid() in {hurt.supervisor.pid(name) for name in WORKERS}
    frozen = [child.parent(), child, *child.children()]

    for one in frozen:
        one.suspend()
    run = hurt.ended(client, run_id)
    for one in frozen:
        one.resume()

    assert (run["status"], run["attempt"]) == ("succeeded", 2)
    hurt.until(lambda: discarded(hurt) > before)
    assert client.get(f"/v1/optimizations/{run_id}").json() == run
    check_once(hurt, run_id)


def discarded(hurt: Hurtable) -> float:
    rows = hurt.sql("select coalesce(sum(value), 0) as n from tallies where name = 'discarded'")
    return float(rows[0]["n"])


@pytest.mark.parametrize("deed", [solver.SUICIDE, solver.SEGFAULT], ids=["suicide", "segfault"])
def test_6_9_poison_ends_after_its_attempts_and_the_queue_moves_on(
    hurt: Hurtable, client: httpx.Client, deed: float
) -> None:
    poison, well = ask(client, "r6", deed), ask(client, "r6-well")

    run = hurt.ended(client, poison)

    assert (run["status"], run["attempt"], run["error"]["type"]) == ("failed", 3, "/problems/worker-lost")
    assert hurt.ended(client, well)["status"] == "succeeded"
    check_once(hurt, poison, well)


def test_7_an_endless_solve_is_killed_at_its_limit(hurt: Hurtable, client: httpx.Client) -> None:
    run_id = ask(client, "r7", solver.ENDLESS, time_limit_seconds=1.0)

    run = hurt.ended(client, run_id)

    assert run["error"]["type"] == "/problems/solver-timeout"
    assert run["timings"]["total_ms"] - run["timings"]["queued_ms"] < 6000
    check_once(hurt, run_id)


def test_7_an_endless_solve_is_cancelled_within_seconds(hurt: Hurtable, client: httpx.Client) -> None:
    run_id = ask(client, "r7c", solver.ENDLESS)
    held_by(hurt, run_id)
    asked = time.monotonic()

    client.post(f"/v1/optimizations/{run_id}/cancel").raise_for_status()
    run = hurt.ended(client, run_id)

    assert run["status"] == "cancelled"
    assert time.monotonic() - asked < 5
    check_once(hurt, run_id)


@pytest.mark.parametrize("deed", [solver.HUNGRY, solver.GREEDY], ids=["piece by piece", "at once"])
def test_8_a_memory_bomb_ends_its_run_and_nothing_else(hurt: Hurtable, client: httpx.Client, deed: float) -> None:
    children = {child.pid for child in hurt.children()}

    bomb = ask(client, "r8", deed)
    run = hurt.ended(client, bomb)

    assert (run["status"], run["error"]["type"]) == ("failed", "/problems/resource-limit")
    assert {child.pid for child in hurt.children()} == children
    well = ask(client, "r8")
    assert hurt.ended(client, well)["status"] == "succeeded"
    check_once(hurt, bomb, well)


@pytest.mark.parametrize("point", ["before-commit", "after-commit"])
def test_10_11_an_api_that_dies_around_its_commit_accepts_once(
    hurt: Hurtable, client: httpx.Client, point: str
) -> None:
    put(client, point)
    body, headers = body_of(point), {"Idempotency-Key": f"key {point}", "X-Die": point}

    accepted = stubborn(hurt, client, body, headers)
    run_id = accepted.json()["id"]
    hurt.ended(client, run_id)

    rows = hurt.sql("select o.id from optimizations o join portfolios p on p.id = o.portfolio_id"
                    " where p.client_reference = $1", point)  # fmt: skip
    assert [row["id"] for row in rows] == [run_id]
    assert ("idempotency-replayed" in accepted.headers) == (point == "after-commit")
    check_once(hurt, run_id)


def test_12_schedulers_may_die_at_any_moment(hurt: Hurtable, client: httpx.Client) -> None:
    hurt.redis.refuse()
    ids = [ask(client, f"r12-{i}") for i in range(6)]
    for name in SCHEDULERS * 2:
        hurt.until(lambda name=name: hurt.alive(name))
        os.kill(hurt.supervisor.pid(name) or 0, signal.SIGKILL)
    hurt.redis.behave()

    assert {hurt.ended(client, run_id)["status"] for run_id in ids} == {"succeeded"}
    check_once(hurt, *ids)


def test_13_without_redis_requests_are_accepted_and_carried_out_later(hurt: Hurtable, client: httpx.Client) -> None:
    hurt.redis.refuse()
    asked = time.monotonic()
    run_id = ask(client, "r13")
    took = time.monotonic() - asked
    ready = client.get("/readyz").json()
    hurt.redis.behave()

    assert hurt.ended(client, run_id)["status"] == "succeeded"
    assert took < 5
    assert ready["status"] == "degraded"
    check_once(hurt, run_id)


@pytest.mark.parametrize("forget", [False, True], ids=["kept", "lost"])
def test_14_15_a_queue_that_forgets_loses_nothing(hurt: Hurtable, client: httpx.Client, forget: bool) -> None:  # noqa: FBT001 - a parameter of the test
    slow = [ask(client, f"r15-slow-{i}", solver.SLOW) for i in range(2)]
    waiting = [ask(client, f"r15-{i}") for i in range(6)]

    if forget:
        with Redis.from_url(hurt.addresses.redis_url) as redis:
            redis.flushall()
    os.kill(hurt.supervisor.pid("valkey") or 0, signal.SIGKILL)

    ended = [hurt.ended(client, run_id) for run_id in (*slow, *waiting)]
    assert {run["status"] for run in ended} == {"succeeded"}
    check_once(hurt, *slow, *waiting)


def test_16_a_worker_that_has_gone_deaf_ends_itself(hurt: Hurtable, client: httpx.Client) -> None:
    deaf = {name: hurt.supervisor.pid(name) for name in WORKERS}

    hurt.redis.freeze()
    run_id = ask(client, "r16")
    run = hurt.ended(client, run_id)
    hurt.until(lambda: all(hurt.supervisor.pid(name) != pid for name, pid in deaf.items()))

    assert run["status"] == "succeeded"
    check_once(hurt, run_id)


def test_19_postgres_may_be_killed_under_load(hurt: Hurtable, client: httpx.Client) -> None:
    bodies = [(body_of(f"r19-{i % 5}"), {"Idempotency-Key": f"r19 {i}"}) for i in range(30)]
    for i in range(5):
        put(client, f"r19-{i}")
    killer = threading.Timer(0.2, lambda: os.kill(hurt.supervisor.pid("postgres") or 0, signal.SIGKILL))
    killer.start()

    accepted = under_load(hurt, lambda one: stubborn_elsewhere(client, *one), bodies)
    killer.join()

    ids = {response.json()["id"] for response in accepted}
    assert len(ids) == len(bodies)
    assert {hurt.ended(client, run_id)["status"] for run_id in ids} == {"succeeded"}
    check_once(hurt, *ids)


def under_load(hurt: Hurtable, call: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    """Call for every item from many threads, while this one looks after the children."""
    with ThreadPoolExecutor(10) as pool:
        futures = [pool.submit(call, item) for item in items]
        hurt.until(lambda: all(future.done() for future in futures))
        return [future.result() for future in futures]


def stubborn_elsewhere(client: httpx.Client, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    """Send again and again from a thread; anything but an answer of ours or a lost connection is a fault."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            response = client.post("/v1/optimizations", json=body, headers=headers)
            if response.status_code == 202:
                return response
            assert response.status_code in {503, 409}, response.text
            assert response.headers["retry-after"]
        time.sleep(0.1)
    raise TimeoutError


def test_20_a_slow_database_makes_no_pile(hurt: Hurtable, client: httpx.Client) -> None:
    hurt.postgres.delay(1.0)
    began = time.monotonic()

    responses = under_load(hurt, lambda _: client.get("/v1/portfolios"), list(range(20)))
    alive = client.get("/healthz")
    took_to_say_so = time.monotonic()
    unready = client.get("/readyz")
    said = time.monotonic() - took_to_say_so
    hurt.postgres.behave()

    assert time.monotonic() - began < 60
    assert {response.status_code for response in responses} <= {200, 503}
    assert 503 in {response.status_code for response in responses}
    assert alive.status_code == 200
    assert (unready.status_code, said < 10) == (503, True)


def test_21_a_pool_that_is_used_up_refuses_soon(hurt: Hurtable, client: httpx.Client) -> None:
    put(client, "r21")

    async def hold() -> list[httpx.Response]:
        connection = await asyncpg.connect(hurt.addresses.database_url)
        try:
            async with connection.transaction():
                await connection.execute("lock table portfolios in access exclusive mode")
                return under_load(hurt, lambda _: client.get("/v1/portfolios/r21"), [*range(15)])
        finally:
            await connection.close()

    began = time.monotonic()
    responses = asyncio.run(hold())

    assert {response.status_code for response in responses} == {503}
    assert all(response.headers["retry-after"] for response in responses)
    assert time.monotonic() - began < 60
    assert client.get("/v1/portfolios/r21").status_code == 200


def test_22_a_database_that_only_reads_is_read(hurt: Hurtable, client: httpx.Client) -> None:
    put(client, "r22")
    owner(hurt, "alter database assetmix set default_transaction_read_only = on", NEW_SESSIONS)
    try:
        writing = hurt.until(lambda: refused(client))
        reading = client.get("/v1/portfolios/r22")
    finally:
        owner(hurt, "alter database assetmix reset default_transaction_read_only", NEW_SESSIONS)

    assert writing.headers["retry-after"]
    assert reading.status_code == 200
    assert hurt.ended(client, ask(client, "r22"))["status"] == "succeeded"


NEW_SESSIONS = "select pg_terminate_backend(pid) from pg_stat_activity where usename like 'assetmix\\_%'"


def owner(hurt: Hurtable, *statements: str) -> None:
    """Run statements as the owner, in a session that writes whatever the database says."""

    async def run() -> None:
        writing = {"default_transaction_read_only": "off"}
        connection = await asyncpg.connect(hurt.addresses.database_url, server_settings=writing)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


def refused(client: httpx.Client) -> httpx.Response | None:
    response = client.put("/v1/portfolios/r22", json={"base_currency": "USD", "holdings": {"$USD": 1}})
    return response if response.status_code == 503 else None


def test_25_an_api_that_is_asked_to_end_answers_what_it_has_begun(hurt: Hurtable, client: httpx.Client) -> None:
    put(client, "r25")
    bodies = [(body_of("r25"), dict(client.headers) | {"Idempotency-Key": f"r25 {i}"}) for i in range(60)]
    broken: list[str] = []

    def send(one: tuple[dict[str, Any], dict[str, str]]) -> str:
        while True:
            with suppress(httpx.ConnectError):  # nobody listens while one process takes the place of the other
                return accepted(f"{hurt.base_url}/v1/optimizations", *one, broken)
            time.sleep(0.05)

    ender = threading.Timer(0.3, lambda: os.kill(hurt.supervisor.pid("api") or 0, signal.SIGTERM))
    ender.start()
    ids = under_load(hurt, send, bodies)
    ender.join()

    assert broken == []
    assert len(set(ids)) == len(bodies)
    assert {hurt.ended(client, run_id)["status"] for run_id in ids} == {"succeeded"}
    check_once(hurt, *ids)


def accepted(url: str, body: dict[str, Any], headers: dict[str, str], broken: list[str]) -> str:
    """Send once more for every answer that was cut off, and note that it was."""
    while True:
        try:
            response = httpx.post(url, json=body, headers=headers, timeout=30, trust_env=False)
        except httpx.ConnectError:
            raise
        except httpx.TransportError as error:
            broken.append(type(error).__name__)
        else:
            if response.status_code == 202:
                return str(response.json()["id"])


def test_27_a_cancel_that_races_the_end_leaves_one_end(hurt: Hurtable, client: httpx.Client) -> None:
    ids = []
    for i in range(40):
        run_id = ask(client, f"r27-{i % 4}")
        time.sleep(0.003 * (i % 20))  # before, during and after the end
        response = client.post(f"/v1/optimizations/{run_id}/cancel")
        assert response.status_code in {200, 202, 409}
        ids.append(run_id)

    ended = {run_id: hurt.ended(client, run_id)["status"] for run_id in ids}

    assert set(ended.values()) <= {"succeeded", "cancelled"}
    check_once(hurt, *ids)
    kinds = hurt.sql("select run_id, kind from events where run_id = any($1)", ids)
    assert {row["run_id"]: row["kind"] for row in kinds} == {key: f"optimization.{end}" for key, end in ended.items()}


def test_29_a_portfolio_edited_meanwhile_does_not_change_the_run(hurt: Hurtable, client: httpx.Client) -> None:
    run_id = ask(client, "r29", solver.SLOW)
    held_by(hurt, run_id)
    client.put("/v1/portfolios/r29", json={"base_currency": "USD", "holdings": {"$USD": 77}}).raise_for_status()

    run = hurt.ended(client, run_id)
    latest = client.get("/optimizations/latest", params={"client_reference": "r29"}).json()

    (row,) = hurt.sql("select inputs from optimizations where id = $1", run_id)
    assert '"$USD": 10000' in row["inputs"]
    assert run["status"] == "succeeded"
    assert latest["superseded"] is True


def test_33_a_tenant_that_floods_does_not_keep_the_others_waiting(hurt: Hurtable, client: httpx.Client) -> None:
    with tracked(hurt, "quiet neighbour") as quiet:
        bodies = [body_of("", solver.BRIEF, portfolio=HELD) for _ in range(90)]
        flood = [client.post("/v1/optimizations", json=body) for body in bodies]
        ids = [ask(quiet, f"quiet-{i}") for i in range(6)]
        waiting = hurt.sql("select count(*) as n from jobs")[0]["n"]
        assert {hurt.ended(quiet, run_id)["status"] for run_id in ids} == {"succeeded"}

    assert waiting > len(ids), "the flood had ended before it was measured"
    flooding = [response.raise_for_status().json()["id"] for response in flood]
    before = hurt.sql(
        "select count(f.id) as n from optimizations q left join optimizations f on f.id = any($2)"
        " and f.started_at > q.queued_at and f.started_at < q.started_at where q.id = any($1) group by q.id",
        ids,
        flooding,
    )
    assert max(row["n"] for row in before) <= MOST_BEFORE
    assert {hurt.ended(client, run_id)["status"] for run_id in flooding} == {"succeeded"}


HELD = {"base_currency": "USD", "holdings": {"$USD": 1000}}
MOST_BEFORE = 12
"""Runs of the flood that may begin before one of six others, on two workers that take turns between two tenants."""
