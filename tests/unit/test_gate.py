"""What nobody handled: a 500 that says nothing, and a log line that says everything."""

import logging

import httpx
import pytest

from assetmix.api.context import Scope
from assetmix.api.gate import Gate, Patience, Receive, Send
from assetmix.api.metrics import Meters

SECRET = "a detail of the inside"


async def failing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ZeroDivisionError(SECRET)


async def test_an_unhandled_exception_is_a_problem_without_detail(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate(failing, Patience(1000, 1.0), Meters())
    transport = httpx.ASGITransport(gate, raise_app_exceptions=False)
    with caplog.at_level(logging.ERROR):
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            response = await client.get("/anything")

    problem = response.json()
    assert response.status_code == problem["status"] == 500
    assert problem["type"] == "/problems/internal-error"
    assert problem["request_id"] == response.headers["x-request-id"]
    assert SECRET not in response.text
    assert problem["request_id"] in caplog.text
    assert SECRET in caplog.text
