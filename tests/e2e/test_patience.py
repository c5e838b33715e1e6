"""How long the API waits for slow callers, and how it ends."""

import os
import signal
import socket
import time

import httpx
import pytest

from tests.makers import make_snapshot
from tests.service import Service, load_market, strategy_document

LONGEST = 9.0
"""The patience of this stack is two seconds; the machine may be busy."""


def said(service: Service, *pieces: bytes) -> tuple[bytes, float]:
    """Send pieces and wait for the answer; gives it and when its last piece came."""
    host, port = service.base_url.removeprefix("http://").split(":")
    began = time.monotonic()
    with socket.create_connection((host, int(port)), 30) as connection:
        for piece in pieces:
            connection.sendall(piece)
        answer, seconds = b"", 0.0
        while piece := connection.recv(4096):
            answer, seconds = answer + piece, time.monotonic() - began
    return answer, seconds


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n",),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /heal"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /heal",),
    ],
    ids=["nothing", "half the headers", "half of a second request", "a request and a half at once"],
)
def test_headers_that_do_not_come_are_not_waited_for(service: Service, pieces: tuple[bytes, ...]) -> None:
    answer, seconds = said(service, *pieces)

    assert b"HTTP/1.1 408 " in answer
    assert b"/problems/request-timeout" in answer
    assert seconds < LONGEST


def test_a_body_that_does_not_come_is_not_waited_for(service: Service) -> None:
    key = service.key("patience")
    head = f"PUT /v1/strategies/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 1000\r\n"

    answer, seconds = said(service, head.encode() + b"Content-Type: application/json\r\n\r\n{")

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"/problems/request-timeout" in answer
    assert seconds < LONGEST


@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: 2\r\nContent-Length: 3\r\n"],
    ids=["both", "twice"],
)
def test_a_body_framed_in_two_ways_is_refused(service: Service, framing: bytes) -> None:
    answer, _ = said(service, b"PUT /v1/strategies/x HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n{}")

    assert answer.startswith(b"HTTP/1.1 400 ")


def test_who_waits_is_answered_when_the_api_ends(service: Service, client: httpx.Client) -> None:
    load_market(client, make_snapshot())
    client.put("/v1/strategies/track", json=strategy_document()).raise_for_status()
    client.put("/v1/portfolios/ada", json={"base_currency": "USD", "holdings": {"$USD": 1000}}).raise_for_status()
    workers = service.supervisor.pid("worker") or 0

    os.killpg(workers, signal.SIGSTOP)  # so that nothing ends
    try:
        ender = service.supervisor.pid("api") or 0
        alarm = signal.signal(signal.SIGALRM, lambda *_: os.kill(ender, signal.SIGTERM))
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        body = {"portfolio": "ada", "strategy": "track"}
        response = client.post("/v1/optimizations", json=body, headers={"Prefer": "wait=30"})
    finally:
        signal.signal(signal.SIGALRM, alarm)
        os.killpg(workers, signal.SIGCONT)
    run = service.ended(service.until(lambda: again(service, client)), response.json()["id"])

    assert response.status_code == 202
    assert response.elapsed.total_seconds() < 10
    assert run["status"] == "succeeded"


@pytest.mark.parametrize("sent", [0, 20], ids=["nothing", "half the headers"])
def test_a_request_on_its_way_is_answered_when_the_api_ends(service: Service, client: httpx.Client, sent: int) -> None:
    host, port = service.base_url.removeprefix("http://").split(":")
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    api = service.supervisor.pid("api") or 0

    with socket.create_connection((host, int(port)), 30) as connection:
        connection.sendall(request[:sent])
        client.get("/healthz").raise_for_status()  # so that the connection before this one is taken
        os.kill(api, signal.SIGTERM)
        service.until(lambda: refuses((host, int(port))))
        connection.sendall(request[sent:])
        answer = connection.recv(4096)
    service.until(lambda: again(service, client))

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in answer.lower()


def refuses(address: tuple[str, int]) -> bool | None:
    """Whether nobody listens any more."""
    try:
        socket.create_connection(address, 5).close()
    except ConnectionRefusedError:
        return True
    return None


def again(service: Service, client: httpx.Client) -> httpx.Client | None:
    """The client, once the API answers again."""
    try:
        return client if client.get("/readyz").status_code == 200 else None
    except httpx.HTTPError:
        return None
