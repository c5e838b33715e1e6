"""Golden pairs of MantaRisk's dialect: what goes in, what comes out, by hand; every route has one at least.

A body may leave members out; `*` stands for anything, and `contains` for entries of a longer list.
"""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from assetmix.app import create_app
from assetmix.settings import Settings
from tests.service import Service

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "mantarisk"
PAIRS = sorted(FOLDER.glob("*.json"))
NOWHERE = Settings(database_url="postgresql://nowhere", redis_url="redis://nowhere", key_pepper="none")


def pair_of(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))


def sent(client: httpx.Client, request: dict[str, Any]) -> httpx.Response:
    return client.request(request["method"], request["address"], json=request.get("json"))


def polled(client: httpx.Client, service: Service, request: dict[str, Any]) -> httpx.Response:
    def look() -> httpx.Response | None:
        found = sent(client, request)
        return None if found.json().get("status") in {"QUEUED", "RUNNING"} else found

    return service.until(look)


def compare(expected: Any, found: Any, place: str = "") -> None:
    """Compare what is expected, as far as it is said."""
    if isinstance(expected, dict | list):
        for one, other, inside in pairs_in(expected, found):
            compare(one, other, f"{place}/{inside}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9), place
    else:
        assert expected in ("*", found), place


def pairs_in(expected: Any, found: Any) -> list[tuple[Any, Any, Any]]:
    """What is inside, side by side, and where."""
    if isinstance(expected, list):
        assert len(found) == len(expected)
        return [(one, other, i) for i, (one, other) in enumerate(zip(expected, found, strict=True))]
    if "contains" in expected:
        known = {one["id"]: one for one in found}
        return [(one, known[one["id"]], one["id"]) for one in expected["contains"]]
    return [(one, found[key], key) for key, one in expected.items()]


@pytest.mark.parametrize("file", PAIRS, ids=lambda file: file.stem)
def test_what_goes_in_comes_out_as_it_should(service: Service, client: httpx.Client, file: Path) -> None:
    pair = pair_of(file)
    for request in pair["before"]:
        sent(client, request).raise_for_status()

    found = polled(client, service, pair["request"]) if pair.get("poll") else sent(client, pair["request"])

    status = pair["response"]["status"]
    assert found.status_code in (status if isinstance(status, list) else [status]), found.text
    if "body" in pair["response"]:
        compare(pair["response"]["body"], found.json())


def test_every_route_has_a_pair() -> None:
    paths = create_app(NOWHERE).openapi()["paths"]
    routes = {
        (method.upper(), path)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if "mantarisk" in operation["tags"]
    }
    requests = [pair_of(file)["request"] for file in PAIRS]
    called = {(one["method"], one["address"].partition("?")[0]) for one in requests}

    missing = {
        (method, path)
        for method, path in routes
        if not any(how == method and re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", path), where) for how, where in called)
    }
    assert missing == set()
