"""Many requests at once: nothing is lost, doubled or half-written, and nobody is locked out."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.makers import make_snapshot
from tests.service import Service, load_market, strategy_document

SNAPSHOT = make_snapshot()
MANY = 40


@pytest.fixture
def loaded(client: httpx.Client) -> httpx.Client:
    load_market(client, SNAPSHOT)
    client.put("/v1/strategies/track", json=strategy_document()).raise_for_status()
    client.put("/v1/portfolios/ada", json={"base_currency": "USD", "holdings": {"$USD": 1000}}).raise_for_status()
    return client


def together(call: Callable[[int], httpx.Response]) -> list[httpx.Response]:
    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(call, range(MANY)))


def statuses(responses: list[httpx.Response]) -> Counter[int]:
    return Counter(response.status_code for response in responses)


def test_identical_requests_make_one_run(service: Service, loaded: httpx.Client) -> None:
    body = {"portfolio": "ada", "strategy": "track"}

    responses = together(lambda _: loaded.post("/v1/optimizations", json=body))

    assert statuses(responses) == {202: MANY}
    assert len({response.json()["id"] for response in responses}) == 1
    assert service.ended(loaded, responses[0].json()["id"])["attempt"] == 1


def test_only_one_request_is_taken_where_others_are_to_be_refused(service: Service, loaded: httpx.Client) -> None:
    def ask(number: int) -> httpx.Response:
        body = {"portfolio": "ada", "strategy": "track", "cash_flow": float(number), "if_running": "reject"}
        return loaded.post("/v1/optimizations", json=body)

    responses = together(ask)

    taken = [response.json() for response in responses if response.status_code == 202]
    assert set(statuses(responses)) <= {202, 409}
    runs = sorted((service.ended(loaded, run["id"]) for run in taken), key=lambda run: str(run["queued_at"]))
    for earlier, later in pairwise(runs):
        assert later["queued_at"] >= earlier["finished_at"], "two were active at once"


def test_one_editor_wins_where_all_read_the_same_version(loaded: httpx.Client) -> None:
    tag = loaded.get("/v1/portfolios/ada").headers["etag"]

    def edit(number: int) -> httpx.Response:
        body = {"base_currency": "USD", "holdings": {"$USD": 2000 + number}}
        return loaded.put("/v1/portfolios/ada", json=body, headers={"If-Match": tag})

    assert statuses(together(edit)) == {200: 1, 412: MANY - 1}


def test_overlapping_uploads_wait_for_each_other(loaded: httpx.Client) -> None:
    def upload(number: int) -> httpx.Response:
        chosen = random.Random(number).sample(range(60), 40)  # noqa: S311 - a shuffle for a test
        documents = [{"id": f"X{i}", "currency": "USD", "name": f"{number}"} for i in chosen]
        return loaded.put("/v1/instruments", json={"instruments": documents})

    assert statuses(together(upload)) == {200: MANY}


def test_a_portfolio_may_be_deleted_while_it_is_asked_for(loaded: httpx.Client) -> None:
    def ask_or_delete(number: int) -> httpx.Response:
        if number % 4 == 0:
            return loaded.delete("/v1/portfolios/ada")
        if number % 4 == 1:
            body: dict[str, Any] = {"base_currency": "USD", "holdings": {"$USD": 1000}}
            return loaded.put("/v1/portfolios/ada", json=body)
        return loaded.post("/v1/optimizations", json={"portfolio": "ada", "strategy": "track"})

    assert set(statuses(together(ask_or_delete))) <= {200, 201, 202, 204, 404}


def test_the_number_of_a_deleted_strategy_is_never_given_again(loaded: httpx.Client) -> None:
    first = loaded.put("/v1/strategies/brief", json=strategy_document()).json()["strategy_id"]
    loaded.delete("/v1/strategies/brief").raise_for_status()

    second = loaded.put("/v1/strategies/other", json=strategy_document()).json()["strategy_id"]

    assert second > first
