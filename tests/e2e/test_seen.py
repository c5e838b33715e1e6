"""What operations people see: figures, logs, signs of life; and what nobody sees: secrets."""

import json
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from assetmix import logs
from tests.makers import make_snapshot
from tests.service import PEPPER, Service, load_market, strategy_document

SNAPSHOT = make_snapshot()
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"  # the example of the specification (W3C Trace Context, 3.2)


@pytest.fixture
def ended(service: Service, client: httpx.Client) -> dict[str, Any]:
    load_market(client, SNAPSHOT)
    client.put("/v1/strategies/track", json=strategy_document()).raise_for_status()
    client.put("/v1/portfolios/ada", json={"base_currency": "USD", "holdings": {"$USD": 1000}}).raise_for_status()
    headers = {"X-Request-Id": "seen-1", "Traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    asked = client.post("/v1/optimizations", json={"portfolio": "ada", "strategy": "track"}, headers=headers)
    return service.ended(client, asked.json()["id"]) | {"asked": asked.headers["x-request-id"]}


def figures(service: Service) -> dict[str, dict[tuple[str, ...], float]]:
    text = httpx.get(f"{service.base_url}/metrics", trust_env=False).raise_for_status().text
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_every_figure_is_there_and_counts(service: Service, ended: dict[str, Any], client: httpx.Client) -> None:
    def seen() -> dict[str, Any] | None:
        known = figures(service)
        return known if known["worker_processes"][()] == 2 else None

    before = service.until(seen)
    client.put("/v1/portfolios/ada", json={"base_currency": "USD", "holdings": {"$USD": 3000}}).raise_for_status()
    again = client.post("/v1/optimizations", json={"portfolio": "ada", "strategy": "track"}).json()["id"]
    service.ended(client, again)
    after = figures(service)

    assert {
        "optimizations_in_state",
        "optimization_queue_oldest_age_seconds",
        "optimization_queue_wait_seconds_bucket",
        "optimization_solve_seconds_bucket",
        "optimization_attempts_total",
        "optimization_leases_expired_total",
        "optimization_stale_results_discarded_total",
        "outbox_pending",
        "outbox_oldest_age_seconds",
        "http_server_request_duration_seconds_bucket",
    } <= after.keys()
    for name in ("optimizations_total", "optimization_solve_seconds_count"):
        assert sum(after[name].values()) >= sum(before[name].values()) + 1, name
    assert after["optimization_attempts_total"][()] >= before["optimization_attempts_total"][()] + 1
    routes = {value for labels in after["http_server_request_duration_seconds_count"] for value in labels}
    assert "/v1/portfolios/{client_reference}" in routes
    assert not any("ada" in route for route in routes)


def test_figures_name_no_tenant(service: Service, ended: dict[str, Any], tenant: str) -> None:
    text = httpx.get(f"{service.base_url}/metrics", trust_env=False).text

    assert tenant not in text
    assert service.sql("select id from tenants where name = $1", tenant)[0]["id"] not in text


def test_logs_are_json_and_follow_a_request_into_its_run(service: Service, ended: dict[str, Any]) -> None:
    def followed() -> tuple[dict[str, Any], dict[str, Any]] | None:
        asked = [
            line for line in service.log("api") if line.get("request_id") == "seen-1" and line["message"] == "answered"
        ]
        done = [line for line in service.log("worker") if line.get("optimization_id") == ended["id"]]
        return (asked[-1], done[-1]) if asked and done else None

    asked, done = service.until(followed)

    assert (asked["route"], asked["status"], asked["method"]) == ("/v1/optimizations", 202, "POST")
    assert asked["tenant"] == done["tenant"]
    assert (done["message"], done["status"], done["attempt"]) == ("ended", "succeeded", 1)
    assert done["request_id"] == ended["asked"] == "seen-1"
    assert asked["trace_id"] == done["trace_id"] == TRACE


def test_no_log_holds_a_secret(service: Service, client: httpx.Client, ended: dict[str, Any]) -> None:
    key = client.headers["authorization"].removeprefix("Bearer ")
    client.get("/v1/portfolios", params={"token": key})
    client.put("/v1/strategies/x", content=b'{"SECRET-BODY": ', headers={"Content-Type": "application/json"})
    addresses = service.addresses
    passwords = [urlsplit(url).password or "" for url in (addresses.database_url, addresses.redis_url)]
    words = [key, key.split("_")[3], PEPPER, "SECRET-BODY", *passwords, *addresses.role_passwords.values()]

    for file in sorted((service.folder / "logs").iterdir()):
        text = file.read_text("utf-8", errors="replace")
        assert not [word for word in words if word in text], file.name


def test_a_line_cannot_be_forged(capsys: pytest.CaptureFixture[str]) -> None:
    record = logs.logging.LogRecord("x", 20, "f", 1, 'a\n{"level": "critical"}\r\n', (), None)

    line = logs.JsonLines().format(record)

    assert "\n" not in line
    assert "\r" not in line
    assert json.loads(line)["level"] == "info"
