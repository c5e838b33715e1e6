"""Endpoints of callers: signed, retried on the schedule, never beyond what was allowed; matrix rows 30 and 31."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests import robo
from tests.receiver import Receiver, receiving
from tests.service import Service, body_of


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def register(client: httpx.Client, *endpoints: dict[str, Any]) -> list[dict[str, Any]]:
    response = client.patch("/v1/settings", json={"webhooks": list(endpoints)})
    assert response.status_code == 200, response.text
    return list(body_of(response)["webhooks"])


def happen(client: httpx.Client, name: str = "told") -> dict[str, Any]:
    """Create a portfolio, which is an event."""
    user = body_of(client.post("/users/", json={}))["id"]
    body = robo.portfolio(user, None, {"$USD": 1.0}, external_id=name)
    return body_of(client.post("/portfolios/", json=body).raise_for_status())


def came(service: Service, receiver: Receiver, path: str, count: int) -> list[Any]:
    """What has come when there are so many."""
    return service.until(lambda: receiver.came[path] if len(receiver.came[path]) >= count else None)


def deliveries(client: httpx.Client) -> list[dict[str, Any]]:
    """What became of the messages of the newest event."""
    newest = client.get("/v1/events").json()["items"][0]["id"]
    return list(client.get(f"/v1/events/{newest}").json()["deliveries"])


def ended(service: Service, client: httpx.Client) -> dict[str, Any]:
    """The one message of the newest event when it has ended."""

    def look() -> dict[str, Any] | None:
        found = deliveries(client)[0]
        return found if found["state"] != "waiting" else None

    return service.until(look)


def test_a_message_is_the_thin_event_signed(service: Service, client: httpx.Client, receiver: Receiver) -> None:
    secret = register(client, {"url": receiver.url("/hook")})[0]["secret"]
    portfolio = happen(client)

    one = came(service, receiver, "/hook", 1)[0]

    assert Webhook(secret).verify(one.body, one.headers) == one.event
    assert one.headers["webhook-id"] == one.event["id"]
    assert {name: one.event[name] for name in ("version", "subject", "action")} == {
        "version": "1.0.0",
        "subject": "portfolios",
        "action": "creation",
    }
    owner = portfolio["owned_by_user_id"]
    assert one.event["data"] == {"id": portfolio["id"], "external_id": "told", "owned_by_user_id": owner}
    assert one.event == client.get("/v1/events").json()["items"][0]
    assert (ended(service, client)["state"], len(receiver.came["/hook"])) == ("delivered", 1)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(one.body + b" ", one.headers)


def test_the_end_of_a_run_is_told_with_its_recommendation(
    service: Service, client: httpx.Client, receiver: Receiver
) -> None:
    robo.load(client)
    register(client, {"url": receiver.url("/runs"), "events": ["optimizations.status-update"]})
    policy = body_of(client.post("/robo-advisor/policies/", json=robo.policy()))["id"]
    user = body_of(client.post("/users/", json={}))["id"]
    body = robo.portfolio(user, policy, {"$USD": 1000.0}, external_id="ours")
    portfolio = body_of(client.post("/portfolios/", json=body))["id"]

    told = came(service, receiver, "/runs", 1)[0].event

    run = body_of(client.get(f"/portfolios/{portfolio}/optimizations/latest/"))
    assert (told["subject"], told["action"]) == ("optimizations", "status-update")
    assert told["data"] == {
        "id": run["id"],
        "portfolio_id": portfolio,
        "external_id": "ours",
        "is_recommended": True,
        "value": "SUCCESS",
    }
    # the creation of the portfolio was not asked for
    assert [one.event["action"] for one in receiver.came["/runs"]] == ["status-update"]


def test_a_secret_is_shown_once_and_rotated_with_an_overlap(
    service: Service, client: httpx.Client, receiver: Receiver
) -> None:
    endpoint = {"url": receiver.url("/rotated")}
    first = register(client, endpoint)[0]["secret"]
    assert "secret" not in register(client, endpoint)[0]
    assert "secret" not in client.get("/v1/settings").json()["webhooks"][0]
    rotated = register(client, endpoint | {"rotate_secret": True})[0]

    happen(client)
    one = came(service, receiver, "/rotated", 1)[0]

    assert rotated["secret"] not in {None, first}
    assert rotated["previous_secret_until"] is not None
    assert len(one.headers["webhook-signature"].split()) == 2
    for secret in (first, rotated["secret"]):
        assert Webhook(secret).verify(one.body, one.headers)
    stored = service.sql("select webhooks::text as row from webhooks")
    assert all(first not in row["row"] and rotated["secret"] not in row["row"] for row in stored)


@pytest.mark.parametrize(
    ("plan", "state", "count", "answer"),
    [
        (["500", "503", "200"], "delivered", 3, "HTTP 200"),
        (["429 retry-after 1", "204"], "delivered", 2, "HTTP 204"),
        (["302 location", "200"], "delivered", 2, "HTTP 200"),
        (["cut", "200"], "delivered", 2, "HTTP 200"),
        (["hang", "200"], "delivered", 2, "HTTP 200"),
        (["500"], "failed", 4, "HTTP 500"),
        (["410"], "failed", 1, "HTTP 410"),
    ],
    ids=["fails twice", "wants to be left", "redirects", "resets", "hangs", "never answers well", "is gone"],
)
def test_30_the_schedule_is_obeyed(  # noqa: PLR0913, PLR0917 - each is a part of the row
    service: Service, client: httpx.Client, receiver: Receiver, plan: list[str], state: str, count: int, answer: str
) -> None:
    receiver.plans["/30"] = plan
    register(client, {"url": receiver.url("/30")})

    happen(client)
    found = ended(service, client)

    assert (found["state"], found["attempts"], found["answer"]) == (state, count, answer)
    messages = receiver.came["/30"]
    assert len(messages) == count
    # the same message each time, under the same id, signed anew
    assert len({one.headers["webhook-id"] for one in messages}) == len({one.body for one in messages}) == 1
    assert receiver.came["/elsewhere"] == []
    disabled = client.get("/v1/settings").json()["webhooks"][0]["disabled_at"]
    assert (disabled is not None) == (plan == ["410"])


def test_30_an_endpoint_that_is_gone_is_told_nothing_more_until_it_is_named_again(
    service: Service, client: httpx.Client, receiver: Receiver
) -> None:
    receiver.plans["/gone"] = ["410", "200"]
    register(client, {"url": receiver.url("/gone")})
    happen(client, "first")
    assert ended(service, client)["state"] == "failed"

    happen(client, "second")
    assert deliveries(client) == []
    register(client, {"url": receiver.url("/gone")})
    happen(client, "third")

    assert ended(service, client)["state"] == "delivered"
    assert [one.event["data"]["external_id"] for one in receiver.came["/gone"]] == ["first", "third"]


def test_31_a_sender_that_dies_after_sending_sends_again_under_the_same_id(
    service: Service, client: httpx.Client, receiver: Receiver
) -> None:
    receiver.plans["/31"] = ["hang", "200"]
    register(client, {"url": receiver.url("/31")})
    happen(client)
    came(service, receiver, "/31", 1)

    os.kill(service.supervisor.pid("scheduler") or 0, signal.SIGKILL)
    found = ended(service, client)

    messages = receiver.came["/31"]
    assert (found["state"], found["attempts"]) == ("delivered", 2)
    assert len({one.headers["webhook-id"] for one in messages}) == 1


def test_a_slow_endpoint_keeps_nobody_else_waiting(service: Service, client: httpx.Client, receiver: Receiver) -> None:
    receiver.plans["/slow"] = ["hang"]
    register(client, {"url": receiver.url("/slow")})
    for i in range(6):
        happen(client, f"slow-{i}")
    came(service, receiver, "/slow", 1)

    with service.client(f"other-{receiver.port}") as other:
        register(other, {"url": receiver.url("/quick")})
        for i in range(5):
            happen(other, f"quick-{i}")
        quick = came(service, receiver, "/quick", 5)

    # one message at a time goes to an endpoint, in the order of what happened
    assert len(receiver.came["/slow"]) <= 2
    assert [one.event["data"]["external_id"] for one in quick] == [f"quick-{i}" for i in range(5)]


@pytest.mark.parametrize("answer", ["503 retry-after 99999999999999", "299"], ids=["for ever", "an odd success"])
def test_whatever_an_endpoint_answers_others_are_told(
    service: Service, client: httpx.Client, receiver: Receiver, answer: str
) -> None:
    receiver.plans["/odd"] = [answer]
    register(client, {"url": receiver.url("/odd")}, {"url": receiver.url("/even")})

    happen(client)

    assert came(service, receiver, "/even", 1)
    assert came(service, receiver, "/odd", 1)


def test_what_waits_for_an_endpoint_that_is_gone_or_removed_is_sent_no_more(
    service: Service, client: httpx.Client, receiver: Receiver
) -> None:
    receiver.plans["/last"] = ["410", "200"]
    register(client, {"url": receiver.url("/last")}, {"url": receiver.url("/removed")})
    receiver.plans["/removed"] = ["500"]
    for i in range(4):
        happen(client, f"last-{i}")
    came(service, receiver, "/last", 1)
    came(service, receiver, "/removed", 1)
    register(client)

    def over() -> bool:
        told = "select state from deliveries d join events e on e.id = d.event_id"
        states = service.sql(f"{told} where e.data ->> 'external_id' like 'last-%'")
        return all(row["state"] != "waiting" for row in states)

    service.until(over)
    assert len(receiver.came["/last"]) == 1


def test_a_secret_is_not_rotated_twice_while_both_are_good(client: httpx.Client, receiver: Receiver) -> None:
    endpoint = {"url": receiver.url("/twice")}
    register(client, endpoint)
    register(client, endpoint | {"rotate_secret": True})

    again = client.patch("/v1/settings", json={"webhooks": [endpoint | {"rotate_secret": True}]})

    assert (again.status_code, "rotated already" in again.text) == (409, True)


def test_an_event_may_be_sent_again(service: Service, client: httpx.Client, receiver: Receiver) -> None:
    happen(client)
    event = client.get("/v1/events").json()["items"][0]["id"]
    register(client, {"url": receiver.url("/late")})

    again = client.post(f"/v1/events/{event}/resend")

    assert again.status_code == 202
    assert came(service, receiver, "/late", 1)[0].event["id"] == event
    assert client.get("/v1/events/01UNKNOWN").status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://10.0.0.1/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/hook",
        "https://[::ffff:10.0.0.1]/hook",
        "https://[64:ff9b::a00:1]/hook",
        "https://[fd00::1]/hook",
        "https://localhost/hook",
        "https://service.internal/hook",
        "https://user:secret@example.com/hook",
        "https://example.com/hook#part",
        "ftp://example.com/hook",
        "https:///hook",
        "https://hooks.exämple.com/x",
        "https://example.com/ü",
        "https://a..b/x",
        f"https://{'a' * 64}.com/x",
        "https://[fec0::1]/x",
        "nothing",
    ],
)
def test_an_address_that_is_none_of_a_public_server_is_refused(client: httpx.Client, url: str) -> None:
    response = client.patch("/v1/settings", json={"webhooks": [{"url": "https://example.com/good"}, {"url": url}]})

    problem = body_of(response)
    assert (response.status_code, problem["errors"][0]["pointer"]) == (422, "/webhooks/1/url")
    assert problem["errors"][0]["code"] == "invalid-webhook-url"
    assert client.get("/v1/settings").json()["webhooks"] == []


@pytest.mark.parametrize(
    ("endpoints", "pointer"),
    [
        ([{"url": "https://example.com/a", "events": ["portfolios.creatoin"]}], "/webhooks/0/events/0"),
        ([{"url": "https://example.com/a"}, {"url": "https://example.com/a"}], "/webhooks/1/url"),
        ([{"url": f"https://example.com/{i}"} for i in range(11)], "/webhooks"),
    ],
    ids=["no such event", "twice", "too many"],
)
def test_endpoints_are_checked_all_at_once(client: httpx.Client, endpoints: list[dict[str, Any]], pointer: str) -> None:
    response = client.patch("/v1/settings", json={"webhooks": endpoints, "retention_days": 7})

    assert (response.status_code, body_of(response)["errors"][0]["pointer"]) == (422, pointer)
    # and nothing is half-written
    assert client.get("/v1/settings").json()["retention_days"] != 7
