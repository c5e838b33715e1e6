"""The registers over HTTP: any key that may read sees them, in pages."""

import httpx
import pytest

from assetmix.services.keys import READ, RUN
from assetmix.services.reference import REGISTERS, entries
from tests.service import Service


@pytest.mark.parametrize("register", REGISTERS)
def test_a_register_is_given_to_any_key_that_may_read(service: Service, tenant: str, register: str) -> None:
    with service.client(tenant, (READ,)) as reader:
        answer = reader.get(f"/v1/reference/{register}")

    assert answer.status_code == 200
    assert answer.json() == {"items": list(entries(register)), "next": None}


def test_registers_come_in_pages(client: httpx.Client) -> None:
    first = client.get("/v1/reference/measures", params={"limit": 20}).json()
    rest = client.get("/v1/reference/measures", params={"limit": 20, "cursor": first["next"]}).json()

    assert [*first["items"], *rest["items"]] == list(entries("measures"))
    assert rest["next"] is None
    other = client.get("/v1/reference/constraints", params={"cursor": first["next"]})
    assert (other.status_code, other.json()["type"]) == (400, "/problems/invalid-cursor")


def test_registers_that_are_not_there_and_keys_that_may_not_read_are_refused(
    service: Service, client: httpx.Client, tenant: str
) -> None:
    absent = client.get("/v1/reference/solvers")
    with service.client(tenant, (RUN,)) as runner:
        denied = runner.get("/v1/reference/measures")

    assert absent.status_code == 404
    assert denied.status_code == 403
    assert httpx.get(f"{service.base_url}/v1/reference/measures", trust_env=False).status_code == 401
