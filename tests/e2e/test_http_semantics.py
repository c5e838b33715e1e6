"""HTTP as its specifications have it: idempotency, preconditions, preferences, quotas, settings."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.makers import make_snapshot
from tests.service import Service, load_market, strategy_document

SNAPSHOT = make_snapshot()
HELD = {"base_currency": "USD", "holdings": {"$USD": 1000}}
RUN = {"portfolio": "ada", "strategy": "track"}


@pytest.fixture
def loaded(client: httpx.Client) -> httpx.Client:
    load_market(client, SNAPSHOT)
    client.put("/v1/strategies/track", json=strategy_document()).raise_for_status()
    client.put("/v1/portfolios/ada", json=HELD).raise_for_status()
    return client


def ask(client: httpx.Client, key: str, path: str = "/v1/optimizations", **fields: Any) -> httpx.Response:
    return client.post(path, json=RUN | fields, headers={"Idempotency-Key": key})


def kind(response: httpx.Response) -> str:
    return str(response.json()["type"]).removeprefix("/problems/")


def test_a_repeated_request_has_the_answer_of_the_first(service: Service, loaded: httpx.Client) -> None:
    first = ask(loaded, "a")
    service.ended(loaded, first.json()["id"])
    again = ask(loaded, "a")

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert again.headers["location"] == first.headers["location"]


def test_a_key_makes_one_run_even_where_the_world_has_changed(service: Service, loaded: httpx.Client) -> None:
    first = ask(loaded, "a").json()["id"]
    service.ended(loaded, first)
    loaded.put("/v1/portfolios/ada", json={"base_currency": "USD", "holdings": {"$USD": 5000}}).raise_for_status()

    assert ask(loaded, "a").json()["id"] == first
    assert ask(loaded, "b").json()["id"] != first


def test_who_repeats_and_prefers_to_wait_is_given_the_end(service: Service, loaded: httpx.Client) -> None:
    ask(loaded, "a")
    headers = {"Idempotency-Key": "a", "Prefer": "wait=30"}

    ended = loaded.post("/v1/optimizations", json=RUN, headers=headers)

    assert ended.status_code == 200
    assert ended.headers["preference-applied"] == "wait=30"
    assert ended.json()["status"] == "succeeded"


def test_many_requests_of_one_key_make_one_run(service: Service, loaded: httpx.Client) -> None:
    with ThreadPoolExecutor(50) as pool:
        responses = list(pool.map(lambda _: ask(loaded, "together"), range(50)))

    statuses = Counter(response.status_code for response in responses)
    assert set(statuses) <= {202, 409}
    assert statuses[202] >= 1
    assert len({response.json()["id"] for response in responses if response.status_code == 202}) == 1
    refused = [response for response in responses if response.status_code == 409]
    assert {kind(one) for one in refused} <= {"idempotency-key-in-progress"}
    assert all(int(one.headers["retry-after"]) >= 1 and one.json()["retryable"] for one in refused)
    assert len(loaded.get("/v1/optimizations").json()["items"]) == 1


def test_a_key_of_another_request_is_refused(loaded: httpx.Client) -> None:
    ask(loaded, "a").raise_for_status()

    other = ask(loaded, "a", cash_flow=1.0)

    assert (other.status_code, kind(other)) == (422, "idempotency-key-reused")


def test_a_key_belongs_to_a_route_and_a_tenant(service: Service, loaded: httpx.Client) -> None:
    first = ask(loaded, "a").json()["id"]
    points = {"x": {"kind": "volatility"}, "y": {"kind": "expected_return"}, "points": 2}
    body = {"portfolio": "ada", "strategy": "track"} | points
    frontier = loaded.post("/v1/frontiers", json=body, headers={"Idempotency-Key": "a"})
    with service.client("another tenant of keys") as other:
        load_market(other, SNAPSHOT)
        other.put("/v1/strategies/track", json=strategy_document()).raise_for_status()
        other.put("/v1/portfolios/ada", json=HELD).raise_for_status()
        elsewhere = ask(other, "a")

    assert frontier.status_code == 202
    assert elsewhere.status_code == 202
    assert len({first, frontier.json()["id"], elsewhere.json()["id"]}) == 3


def test_a_refused_request_leaves_its_key_free(loaded: httpx.Client) -> None:
    refused = ask(loaded, "a", portfolio="nobody")
    taken = ask(loaded, "a")

    assert (refused.status_code, taken.status_code) == (404, 202)


@pytest.mark.parametrize(
    "key", ["", '""', "x" * 256, "a\tb", "ü".encode()], ids=["empty", "quotes", "long", "tab", "ü"]
)
def test_a_key_that_cannot_be_one_is_refused(loaded: httpx.Client, key: str | bytes) -> None:
    response = loaded.post("/v1/optimizations", json=RUN, headers={"Idempotency-Key": key})

    assert (response.status_code, kind(response)) == (400, "idempotency-key-invalid")


def test_a_key_may_be_a_quoted_string(loaded: httpx.Client) -> None:
    assert ask(loaded, '"a"').json()["id"] == ask(loaded, "a").json()["id"]


def test_mantarisks_rebalance_takes_a_key(loaded: httpx.Client) -> None:
    number = loaded.get("/v1/strategies/track").json()["strategy_id"]
    body = {"client_reference": "ada", "strategy_id": number}

    first, again = (loaded.post("/portfolio/rebalance", json=body, headers={"Idempotency-Key": "m"}) for _ in range(2))

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"


def test_what_is_known_is_not_sent_again(service: Service, loaded: httpx.Client) -> None:
    run = service.ended(loaded, ask(loaded, "a").json()["id"])
    identity = loaded.get("/v1/portfolios/ada").json()["id"]
    loaded.put("/v1/risk-models/m", json={"instruments": ["S0"], "covariance": [[1.0]]}).raise_for_status()
    paths = (
        "/v1/portfolios/ada",
        "/v1/strategies/track",
        "/v1/risk-models/m",
        f"/v1/optimizations/{run['id']}",
        f"/portfolios/{identity}/optimizations/latest/",
        f"/optimizations/latest?portfolio_id={identity}",
    )
    for path in paths:
        whole = loaded.get(path)
        tag = whole.headers["etag"]
        for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            again = loaded.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), path
        assert loaded.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_run_has_another_tag_when_it_has_ended(service: Service, loaded: httpx.Client) -> None:
    run = ask(loaded, "a").json()
    path = f"/v1/optimizations/{run['id']}"
    tags = {loaded.get(path).headers["etag"]}

    service.ended(loaded, run["id"])
    ended = loaded.get(path).headers["etag"]

    assert tags != {ended} or loaded.get(path).json()["status"] == "succeeded"
    assert loaded.get(path, headers={"If-None-Match": ended}).status_code == 304


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/portfolios/ben", HELD),
        ("/v1/strategies/new", strategy_document()),
        ("/v1/risk-models/m", {"instruments": ["A"], "covariance": [[1.0]]}),
    ],
    ids=["portfolio", "strategy", "risk model"],
)
def test_nothing_is_changed_that_is_not_as_expected(client: httpx.Client, path: str, body: dict[str, Any]) -> None:
    new, old = {"If-None-Match": "*"}, {"If-Match": '"0-00000000"'}
    assert client.put(path, json=body, headers={"If-Match": "*"}).status_code == 412
    assert client.put(path, json=body, headers=new).status_code in {200, 201}
    assert client.put(path, json=body, headers=new).status_code == 412
    tag = client.get(path).headers["etag"]
    assert client.put(path, json=body, headers=old).status_code == 412
    assert client.delete(path, headers=old).status_code == 412
    assert client.put(path, json=body, headers={"If-Match": f'"x", {tag}'}).status_code == 200
    assert client.delete(path, headers={"If-Match": client.get(path).headers["etag"]}).status_code == 204
    assert client.get(path).status_code == 404


def test_a_tenant_may_have_every_change_say_what_it_changes(client: httpx.Client) -> None:
    client.patch("/v1/settings", json={"require_if_match": True}).raise_for_status()
    created = client.put("/v1/portfolios/ada", json=HELD)

    blind = client.put("/v1/portfolios/ada", json=HELD)
    blind_end = client.delete("/v1/portfolios/ada")
    seen = client.put("/v1/portfolios/ada", json=HELD, headers={"If-Match": created.headers["etag"]})

    assert created.status_code == 201
    assert (blind.status_code, kind(blind)) == (428, "precondition-required")
    assert blind_end.status_code == 428
    assert seen.status_code == 200


def test_settings_are_merged_and_given_back(client: httpx.Client) -> None:
    before = client.get("/v1/settings").json()
    changed = client.patch("/v1/settings", json={"quantity_type": "AMOUNT", "retention_days": 30}).json()
    back = client.patch("/v1/settings", json={"quantity_type": None}).json()

    assert before["quantity_type"] == "UNITS"
    assert before["retention_days"] == 400
    assert (changed["quantity_type"], changed["retention_days"]) == ("AMOUNT", 30)
    assert (back["quantity_type"], back["retention_days"]) == ("UNITS", 30)
    assert client.get("/v1/settings").json() == back


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"requests_per_minute": 10**9}, "/requests_per_minute"),
        ({"active_runs": 10**9}, "/active_runs"),
        ({"retention_days": 0}, "/retention_days"),
        ({"concurrent_runs": 0}, "/concurrent_runs"),
        ({"quantity_type": "LOTS"}, "/quantity_type"),
        ({"name": "x"}, "/name"),
    ],
)
def test_settings_beyond_reason_are_refused(client: httpx.Client, body: dict[str, Any], pointer: str) -> None:
    response = client.patch("/v1/settings", json=body)

    assert response.status_code == 422
    assert [one["pointer"] for one in response.json()["errors"]] == [pointer]


def test_who_asks_too_often_is_told_when_to_come_back(client: httpx.Client) -> None:
    client.patch("/v1/settings", json={"requests_per_minute": 20}).raise_for_status()

    responses = [client.get("/v1/settings") for _ in range(30)]

    first, last = responses[0], responses[-1]
    assert first.headers["ratelimit-policy"] == '"requests";q=20;w=60'
    assert first.headers["ratelimit"].startswith('"requests";r=')
    assert (last.status_code, kind(last)) == (429, "quota-exceeded")
    assert 1 <= int(last.headers["retry-after"]) <= 60
    assert last.headers["ratelimit"].startswith('"requests";r=0;')
    assert last.json()["retryable"] is True


def test_more_active_runs_than_the_quota_are_refused_and_nothing_is_stored(loaded: httpx.Client) -> None:
    loaded.patch("/v1/settings", json={"active_runs": 1, "concurrent_runs": 1}).raise_for_status()
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda i: ask(loaded, f"k{i}", cash_flow=float(i)), range(24)))

    taken = [response.json()["id"] for response in responses if response.status_code == 202]
    refused = [response for response in responses if response.status_code != 202]
    assert {response.status_code for response in refused} == {429}
    assert all("retry-after" in response.headers for response in refused)
    assert {run["id"] for run in loaded.get("/v1/optimizations?limit=200").json()["items"]} == set(taken)


def test_a_key_is_noted_when_it_is_used(service: Service, client: httpx.Client) -> None:
    public = client.headers["authorization"].split("_")[2]
    client.get("/v1/settings").raise_for_status()

    (row,) = service.sql("select last_used_at, now() - last_used_at as ago from api_keys where id = $1", public)

    assert row["ago"].total_seconds() < 60


def test_who_did_what_is_written_down(service: Service, loaded: httpx.Client, tenant: str) -> None:
    run = service.ended(loaded, ask(loaded, "a").json()["id"])
    public = loaded.headers["authorization"].split("_")[2]

    rows = service.sql(
        "select actor, action, subject, request_id, details from audit a join tenants t on t.id = a.tenant_id"
        " where t.name = $1 order by a.at, a.id",
        tenant,
    )

    actions = [row["action"] for row in rows]
    assert actions[0] == "key.create"
    assert {"instruments.put", "prices.put", "strategy.put", "portfolio.put"} <= set(actions)
    asked = next(row for row in rows if row["action"] == "optimization.request")
    ended = next(row for row in rows if row["action"] == "optimization.end")
    assert (asked["actor"], asked["subject"]) == (public, run["id"])
    assert (ended["subject"], ended["request_id"]) == (run["id"], asked["request_id"])
    assert service.sql("select kind from events where run_id = $1", run["id"])[0]["kind"] == "optimization.succeeded"


def test_a_fixed_address_allows_what_it_takes_and_not_what_names_beside_it_take(client: httpx.Client) -> None:
    fixed, named = client.options("/v1/strategies/validate"), client.options("/v1/strategies/any")

    assert (fixed.status_code, fixed.headers["allow"]) == (405, "POST")
    assert (named.status_code, named.headers["allow"]) == (405, "DELETE, GET, PUT")
