"""One real stack for all tests that need it; a tenant of its own for each of them."""

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import settings
from ulid import ULID

from tests.service import Service, running_service

settings.register_profile("repeatable", derandomize=True, database=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    with running_service() as running:
        yield running


@pytest.fixture
def tenant() -> str:
    return f"tenant-{ULID()}"


@pytest.fixture
def client(service: Service, tenant: str) -> Iterator[httpx.Client]:
    with service.client(tenant) as made:
        yield made
