"""Every route with every id of another tenant: as if there were nothing, to the byte."""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from ulid import ULID

from assetmix.app import create_app
from assetmix.settings import Settings
from tests import robo
from tests.makers import make_snapshot
from tests.service import Service, load_market, strategy_document

NOWHERE = Settings(database_url="postgresql://nowhere", redis_url="redis://nowhere", key_pepper="none")
DOCUMENT = create_app(NOWHERE).openapi()
ROUTES = [
    (method.upper(), path)
    for path, operations in DOCUMENT["paths"].items()
    for method in operations
    if "{" in path and "reference" not in path
]
MARK = "foreignmark"
"""Part of every name that the other tenant chose."""


@dataclass(frozen=True)
class Foreign:
    """What belongs to somebody else, by kind."""

    ids: dict[str, str]
    client: httpx.Client


@pytest.fixture(scope="module")
def foreign(service: Service) -> Iterator[Foreign]:
    with service.client(f"owner of {MARK}") as client:
        load_market(client, make_snapshot(), tag=MARK)
        own = [{"id": "S99", "currency": "USD"}]
        client.put("/v1/instruments", json={"instruments": own}).raise_for_status()
        document = strategy_document(universe={"tags": [MARK]})
        client.put(f"/v1/strategies/{MARK}", json=document).raise_for_status()
        held = {"base_currency": "USD", "holdings": {"$USD": 1234.5}}
        portfolio = client.put(f"/v1/portfolios/{MARK}", json=held).raise_for_status().json()["id"]
        model = {"instruments": ["S00"], "covariance": [[0.04]]}
        client.put(f"/v1/risk-models/{MARK}", json=model).raise_for_status()
        run = client.post("/v1/optimizations", json={"portfolio": MARK, "strategy": MARK}).json()["id"]
        axes = {"x": {"kind": "volatility"}, "y": {"kind": "expected_return"}, "points": 2}
        frontier = client.post("/v1/frontiers", json={"portfolio": MARK, "strategy": MARK} | axes).json()["id"]
        service.ended(client, run)
        service.ended(client, frontier)
        ids = {"portfolio": portfolio, "reference": MARK, "run": run, "frontier": frontier, "instrument": "S99"}
        ids |= of_a_robo_advisor(client)
        yield Foreign(ids, client)


def of_a_robo_advisor(client: httpx.Client) -> dict[str, str]:
    """A user, a policy, a portfolio, a transaction, an optimization and an event."""
    user = client.post("/users/", json={"first_name": MARK}).json()["id"]
    policy = client.post("/robo-advisor/policies/", json=robo.policy() | {"name": MARK}).json()["id"]
    body = robo.portfolio(user, policy, {"$USD": 1.0}, external_id=f"{MARK}-robo", name=MARK)
    made = client.post("/portfolios/", json=body).raise_for_status()
    portfolio = made.json()["id"]
    moved = {"type": "CASH_DEPOSIT", "status": "SETTLED", "datetime": "2024-06-27T00:00:00Z"}
    cash = {"movements": [moved | {"instrument_id": "$USD", "quantity": 1, "description": MARK}]}
    transaction = client.post(f"/portfolios/{portfolio}/transactions/", json=cash).json()["id"]
    event = client.get("/v1/events").json()["items"][0]["id"]
    return {"user": user, "policy": policy, "robo": portfolio, "transaction": transaction, "event": event}


@pytest.fixture(scope="module")
def stranger(service: Service) -> Iterator[httpx.Client]:
    with service.client("stranger") as client:
        yield client


PASSING = {"request_id", "timestamp", "transactionid", "requeststarttimestamp", "requestendtimestamp"}
"""Members of refusals that differ from request to request."""


def unknown_like(key: str) -> str:
    """An id of the same shape that nobody has."""
    return f"{key[0]}{ULID()}" if re.fullmatch(r"[A-Z][0-9A-Z]{26}", key) else f"unknown{len(key)}"


def called(client: httpx.Client, method: str, path: str, key: str) -> tuple[int, Any, dict[str, str]]:
    """Status, body and headers of a call, without what differs from request to request and names the id."""
    response = client.request(method, re.sub(r"\{[^}]*\}", key, path.replace("{tenantid}", "optimization")))
    text = response.text.replace(key, "ID")
    body = json.loads(text) if text and response.headers["content-type"].endswith("json") else text
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in PASSING}
    passing = {"x-request-id", "ratelimit", "date", "content-length"}
    headers = {name: value.replace(key, "ID") for name, value in response.headers.items() if name not in passing}
    return response.status_code, body, headers


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=str)
def test_a_foreign_id_is_as_unknown_as_any(foreign: Foreign, stranger: httpx.Client, method: str, path: str) -> None:
    for key in foreign.ids.values():
        theirs, nobodys = called(stranger, method, path, key), called(stranger, method, path, unknown_like(key))
        assert theirs == nobodys
        assert MARK not in json.dumps(theirs[1])


IBM = {
    "constraints": [{"CashAdjust": 1000}],
    "objectives": [{"sense": "minimize", "measure": "variance", "attribute": "return", "portfolio": "Root"}],
    "portfolios": [{"name": "Root", "type": "root", "holdings": [{"asset": "{}", "quantity": 1}]}],
}
MOVEMENT = {"type": "BUY", "status": "PLACED", "datetime": "2024-06-27T00:00:00Z", "instrument_id": "A", "quantity": 1}
YEARS = {"from": "2024-05-01", "to": "2024-06-28"}
FIELDS = [
    ("POST", "/api/v1/optimization/portfolio/rebalance", IBM),
    ("POST", "/api/v1/{}/portfolio/rebalance", IBM),
    ("POST", "/v1/optimizations", {"portfolio": "{}", "strategy": "own"}),
    ("POST", "/v1/optimizations", {"portfolio": "own", "strategy": "{}"}),
    ("POST", "/v1/optimizations", {"portfolio": "own", "strategy": "own", "risk_model": "{}"}),
    ("POST", "/v1/frontiers", {"portfolio": "{}", "x": {"kind": "volatility"}, "y": {"kind": "expected_return"}}),
    ("POST", "/v1/strategies/validate", {"strategy": "{}", "portfolio": "own"}),
    ("POST", "/portfolio/rebalance", {"client_reference": "{}", "strategy_id": 1}),
    ("POST", "/portfolio/rebalance", {"client_reference": ["own", "{}"], "strategy_id": 1}),
    ("GET", "/portfolio/rebalance?id={}", None),
    ("GET", "/portfolio/rebalance?client_reference={}&strategy_id=1", None),
    ("POST", "/portfolio/backtest", {"client_reference": "{}", "strategy_id": 1} | YEARS),
    ("GET", "/portfolio/backtest?id={}", None),
    ("DELETE", "/portfolio/backtest?client_reference={}&strategy_id=1", None),
    ("GET", "/portfolio?client_reference={}", None),
    ("DELETE", "/portfolio?client_reference={}", None),
    ("GET", "/index?client_reference={}", None),
    ("GET", "/history?instrument_code={}", None),
    ("DELETE", "/history?instrument_code={}&all_data=true", None),
    ("POST", "/v1/backtests", {"portfolio": "{}", "strategy": "own"} | YEARS),
    ("GET", "/v1/backtests?portfolio={}", None),
    ("GET", "/optimizations/latest?portfolio_id={}", None),
    ("GET", "/optimizations/latest?client_reference={}", None),
    ("GET", "/v1/optimizations?portfolio={}", None),
    ("POST", "/portfolios/", robo.portfolio("{}", f"Y{26 * '0'}", {"$USD": 1.0})),
    ("POST", "/portfolios/", robo.portfolio(f"U{26 * '0'}", "{}", {"$USD": 1.0})),
    ("POST", "/events/deposit/", {"data": {"amount": 1, "currency": "USD", "portfolio": "{}"}}),
    ("POST", "/portfolios/own/transactions/", {"optimization_id": "{}", "movements": [MOVEMENT]}),
    ("PATCH", "/portfolios/own/", {"owned_by_user_id": "{}"}),
    ("PATCH", "/portfolios/own/", {"config": {"manager_settings": {"policy_id": "{}"}}}),
    ("GET", "/portfolios/?query=id eq '{}'", None),
    ("GET", "/users/?query=id eq '{}'", None),
]


@pytest.mark.parametrize(("method", "path", "body"), FIELDS, ids=lambda part: str(part)[:40])
def test_a_foreign_name_inside_a_request_is_as_unknown_as_any(
    foreign: Foreign, stranger: httpx.Client, method: str, path: str, body: dict[str, Any] | None
) -> None:
    load_market(stranger, make_snapshot())
    stranger.put("/v1/strategies/own", json=strategy_document()).raise_for_status()
    held = {"base_currency": "USD", "holdings": {"$USD": 1}}
    stranger.put("/v1/portfolios/own", json=held).raise_for_status()

    for key in foreign.ids.values():
        answers = []
        for name in (key, unknown_like(key)):
            filled = None if body is None else json.loads(json.dumps(body).replace("{}", name))
            response = stranger.request(method, path.replace("{}", name), json=filled)
            document = {one: value for one, value in response.json().items() if one not in PASSING}
            answers.append((response.status_code, json.dumps(document).replace(name, "ID")))
        assert answers[0] == answers[1]
        assert MARK not in answers[0][1]


def test_lists_show_nothing_of_others(foreign: Foreign, service: Service) -> None:
    with service.client("somebody with nothing") as client:
        lists = [
            "/v1/instruments",
            "/v1/strategies",
            "/v1/portfolios",
            "/v1/risk-models",
            "/v1/optimizations",
            "/v1/frontiers",
            "/v1/backtests",
            "/v1/events",
        ]
        answers = [client.get(path).json()["items"] for path in lists]
        for path in ("/portfolios/", "/users/", "/robo-advisor/policies/"):
            assert client.get(path).json() == {"next": None, "count": 0, "offset": 0, "results": [], "_embedded": {}}
        assert [one["name"] for one in client.get("/strategy").json()] == ["Default"]

    assert answers == [[]] * len(answers)


def test_the_owner_still_has_everything(foreign: Foreign) -> None:
    paths = [f"/v1/strategies/{MARK}", f"/v1/portfolios/{MARK}", f"/v1/risk-models/{MARK}", "/v1/instruments/S00"]
    runs = [f"/v1/optimizations/{foreign.ids['run']}", f"/v1/frontiers/{foreign.ids['frontier']}"]

    assert {foreign.client.get(path).status_code for path in itertools.chain(paths, runs)} == {200}
