"""Batches over HTTP: one strategy for many portfolios, each with an answer of its own."""

import json
from typing import Any

import httpx
import numpy as np
import pytest

from tests.service import Service
from tests.tolerances import SOLVED

WAIT = {"Prefer": "wait=30"}
IDS = tuple(f"S{i}" for i in range(6))
PRICES = dict(zip(IDS, (50.0, 20.0, 80.0, 40.0, 10.0, 25.0), strict=True))
COVARIANCE = (np.diag([0.04, 0.09, 0.01, 0.16, 0.05, 0.02]) + 0.005).tolist()
STRATEGY = {
    "universe": {"ids": list(IDS)},
    "objective": {"sense": "minimize", "terms": [{"measure": {"kind": "variance"}}]},
    "risk_model": {"name": "model"},
    "constraints": [{"kind": "weight_bounds", "upper": 0.5}],
}
COUNT = 230
"""Accounts: two whole chunks and a part of one."""


@pytest.fixture
def loaded(client: httpx.Client) -> httpx.Client:
    instruments = [{"id": key, "currency": "USD", "fractional_step": 1e-4} for key in IDS]
    client.put("/v1/instruments", json={"instruments": instruments}).raise_for_status()
    rows = [{"instrument": key, "date": "2024-06-28", "close": close} for key, close in PRICES.items()]
    client.put("/v1/prices", json={"prices": rows}).raise_for_status()
    model = {"instruments": list(IDS), "covariance": COVARIANCE}
    client.put("/v1/risk-models/model", json=model).raise_for_status()
    client.put("/v1/strategies/least", json=STRATEGY).raise_for_status()
    return client


def put_accounts(client: httpx.Client, count: int, **fields: Any) -> list[str]:
    """Portfolios with holdings of their own."""
    random = np.random.default_rng(count)
    names = [f"account-{i:04d}" for i in range(count)]
    for name in names:
        units = {key: float(random.integers(1, 100)) for key in random.choice(IDS, 3, replace=False)}
        body = {"base_currency": "USD", "holdings": {"$USD": float(random.integers(100, 1000)), **units}} | fields
        client.put(f"/v1/portfolios/{name}", json=body).raise_for_status()
    return names


def ended(client: httpx.Client, **asked: Any) -> dict[str, Any]:
    run = client.post("/v1/batches", json={"strategy": "least"} | asked, headers=WAIT).raise_for_status().json()
    assert run["status"] == "succeeded", run
    return run


def all_items(client: httpx.Client, run_id: str, **params: Any) -> list[dict[str, Any]]:
    found, cursor = [], None
    while True:
        query = params | ({} if cursor is None else {"cursor": cursor})
        page = client.get(f"/v1/batches/{run_id}/items", params=query).raise_for_status().json()
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found


def faults(response: httpx.Response) -> set[tuple[str, str]]:
    assert response.status_code == 422, response.text
    return {(one["pointer"], one["code"]) for one in response.json()["errors"]}


def test_every_account_has_the_answer_that_it_would_have_alone(loaded: httpx.Client) -> None:
    names = put_accounts(loaded, COUNT)
    run = ended(loaded, query={})

    counts = {"count": COUNT, "succeeded": COUNT, "infeasible": 0, "refused": 0, "failed": 0}
    assert run["result"] == counts
    assert run["progress"] == 1.0
    items = all_items(loaded, run["id"], limit=100)
    assert [one["number"] for one in items] == list(range(COUNT))
    assert sorted(one["client_reference"] for one in items) == names
    for place in (0, 99, 100, COUNT - 1):
        whole = loaded.get(f"/v1/batches/{run['id']}/items/{place}").raise_for_status().json()
        asked = {"portfolio": items[place]["client_reference"], "strategy": "least", "what_if": True}
        alone = loaded.post("/v1/optimizations", json=asked, headers=WAIT).raise_for_status().json()["result"]
        assert whole["result"]["orders"] == alone["orders"]
        assert whole["result"]["weights"] == pytest.approx(alone["weights"], abs=SOLVED)
        assert whole["status"] == "succeeded"
        assert whole["orders"] == len(alone["orders"])


def test_the_same_batch_asked_for_again_is_the_one_that_there_is(loaded: httpx.Client) -> None:
    names = put_accounts(loaded, 3)
    first = ended(loaded, portfolios=names)

    assert ended(loaded, portfolios=names)["id"] == first["id"]
    assert ended(loaded, portfolios=names[:2])["id"] != first["id"]
    (listed, _) = loaded.get("/v1/batches").json()["items"]
    assert listed["result"]["count"] == 2
    latest = loaded.get("/optimizations/latest", params={"client_reference": names[0]})
    assert latest.status_code == httpx.codes.NOT_FOUND  # a batch is no portfolio's latest optimization


def test_a_query_selects_portfolios(loaded: httpx.Client) -> None:
    put_accounts(loaded, 4)
    chosen = {"base_currency": "USD", "holdings": {"$USD": 1000.0, "S5": 3.0}, "strategy": "least"}
    loaded.put("/v1/portfolios/chosen", json=chosen).raise_for_status()

    for query in ({"strategy": "least"}, {"strategy": "least", "holds": "S5", "base_currency": "USD"}):
        run = ended(loaded, query=query)
        (item,) = all_items(loaded, run["id"])
        assert item["client_reference"] == "chosen"
    nobody = loaded.post("/v1/batches", json={"strategy": "least", "query": {"base_currency": "EUR"}})
    assert faults(nobody) == {("/query", "no-portfolios")}


def test_what_is_wrong_with_one_account_is_its_own(loaded: httpx.Client) -> None:
    names = put_accounts(loaded, 2)
    strange = {
        "unpriced": {"$USD": 10.0, "NEW": 1.0},
        "worthless": {"$USD": 0.0},
    }
    loaded.put("/v1/instruments", json={"instruments": [{"id": "NEW", "currency": "USD"}]}).raise_for_status()
    for name, holdings in strange.items():
        loaded.put(f"/v1/portfolios/{name}", json={"base_currency": "USD", "holdings": holdings}).raise_for_status()
    run = ended(loaded, portfolios=[names[0], "unpriced", names[1], "worthless"])

    assert run["result"] == {"count": 4, "succeeded": 2, "infeasible": 0, "refused": 2, "failed": 0}
    refused = all_items(loaded, run["id"], status="refused")
    assert [one["client_reference"] for one in refused] == ["unpriced", "worthless"]
    assert [one["error"]["errors"][0]["code"] for one in refused] == ["missing-price", "empty-portfolio"]
    (one,) = all_items(loaded, run["id"], portfolio=names[1])
    assert (one["number"], one["status"], one["error"]) == (2, "succeeded", None)
    assert loaded.get(f"/v1/batches/{run['id']}/items/1").json()["result"] is None


def test_accounts_that_no_portfolio_satisfies_say_why(loaded: httpx.Client) -> None:
    names = put_accounts(loaded, 2)
    tight = STRATEGY | {"constraints": [{"kind": "weight_bounds", "upper": 0.1}]}
    run = ended(loaded, strategy=tight, portfolios=names)

    assert run["result"]["infeasible"] == 2
    whole = loaded.get(f"/v1/batches/{run['id']}/items/0").json()
    assert whole["status"] == "infeasible"
    assert whole["result"]["conflict"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {("/portfolios", "portfolios-or-query")}),
        ({"portfolios": ["a"], "query": {}}, {("/portfolios", "portfolios-or-query")}),
        ({"portfolios": []}, {("/portfolios", "no-portfolios")}),
        (
            {"portfolios": ["account-0000", "nobody", "account-0000"]},
            {("/portfolios/1", "not-found"), ("/portfolios/2", "duplicate")},
        ),
        ({"query": {}, "seconds_each": 0.0}, {("/seconds_each", "greater_than")}),
        (
            {"query": {}, "strategy": STRATEGY | {"universe": {"ids": ["S0", "S9"]}}},
            {("/strategy/universe/ids/1", "unknown-asset"), ("/risk_model", "unknown-asset")},
        ),
    ],
)
def test_what_is_wrong_with_the_whole_is_refused(
    loaded: httpx.Client, body: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    put_accounts(loaded, 1)
    response = loaded.post("/v1/batches", json={"strategy": "least"} | body)

    assert faults(response) <= expected
    assert loaded.get("/v1/batches").json()["items"] == []


def test_a_strategy_or_a_batch_that_is_not_there_is_not_found(loaded: httpx.Client) -> None:
    put_accounts(loaded, 1)
    unknown = loaded.post("/v1/batches", json={"strategy": "nobody", "query": {}})
    assert unknown.status_code == httpx.codes.NOT_FOUND
    run = ended(loaded, query={})
    for address in ("/v1/batches/A0", "/v1/batches/A0/items", f"/v1/batches/{run['id']}/items/7"):
        assert loaded.get(address).status_code == httpx.codes.NOT_FOUND
    assert loaded.get(f"/v1/backtests/{run['id']}").status_code == httpx.codes.NOT_FOUND


def test_a_key_sent_again_makes_no_second_batch(loaded: httpx.Client) -> None:
    put_accounts(loaded, 2)
    body, headers = {"strategy": "least", "query": {}}, {"Idempotency-Key": "once"}
    first = loaded.post("/v1/batches", json=body, headers=headers).raise_for_status()
    again = loaded.post("/v1/batches", json=body, headers=headers).raise_for_status()

    assert first.json()["id"] == again.json()["id"]
    assert again.headers["Location"].startswith("/v1/batches/A")


def test_the_progress_of_a_batch_is_streamed(loaded: httpx.Client, service: Service) -> None:
    put_accounts(loaded, COUNT)
    run = loaded.post("/v1/batches", json={"strategy": "least", "query": {}}).raise_for_status().json()
    with loaded.stream("GET", f"/v1/batches/{run['id']}/events", timeout=30) as stream:
        lines = [line.partition(": ") for line in stream.iter_lines()]
    events = [value for name, _, value in lines if name == "event"]
    told = [json.loads(value) for name, _, value in lines if name == "data"]

    assert events == ["progress"] * (len(events) - 1) + ["end"]
    assert all(sum(one["counts"].values()) == COUNT for one in told)
    assert told[-1]["counts"] == {"succeeded": COUNT, "open": 0}
    assert [one["progress"] for one in told] == sorted(one["progress"] for one in told)
