"""The guard of addresses: what a name leads to is checked, and the connection goes where it was checked."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from assetmix.jobs.post import PostOffice
from tests.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fe80::1", "224.0.0.1", "192.0.2.1"],
)
async def test_a_name_that_leads_inside_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver, address: str
) -> None:
    async def resolved(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, receiver.port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved)
    async with PostOffice() as office:
        answer = await office.post("https://hooks.example.com/x", {}, b"{}")

    assert (answer.status, "private network" in answer.sentence) == (None, True)
    assert not any(receiver.came.values())


async def test_one_address_inside_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolved(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in ("93.184.216.34", "10.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved)
    async with PostOffice() as office:
        answer = await office.post("https://hooks.example.com/x", {}, b"{}")

    assert "private network" in answer.sentence


async def test_a_network_of_ones_own_may_be_allowed(receiver: Receiver) -> None:
    async with PostOffice(["127.0.0.0/8"], seconds=2) as office:
        taken = await office.post(receiver.url("/in"), {"webhook-id": "1"}, b"{}")
    async with PostOffice(["10.0.0.0/8"], seconds=2) as office:
        refused = await office.post(receiver.url("/out"), {}, b"{}")

    assert (taken.status, taken.is_taken) == (200, True)
    assert receiver.came["/in"][0].headers["webhook-id"] == "1"
    assert (refused.status, receiver.came["/out"]) == (None, [])


async def test_nobody_there_is_an_answer_too() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with PostOffice(["127.0.0.0/8"], seconds=2) as office:
        answer = await office.post(f"http://127.0.0.1:{port}/", {}, b"{}")

    assert (answer.status, answer.is_taken) == (None, False)
