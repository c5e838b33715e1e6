"""OpenTelemetry: nothing unless it is asked for; then the API's span and the run's are of the caller's trace."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from assetmix import traces
from assetmix.stack.launch import role_environment
from assetmix.stack.ports import free_port
from tests.service import PEPPER, Service, answers

TRACE = "0af7651916cd43dd8448eb211c80319c"  # the example of the specification (W3C Trace Context, 2.1)
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class Collector:
    """Takes what OTLP exporters post, and keeps it."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        kept = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                kept.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.server.server_port}", "NO_PROXY": "127.0.0.1"}

    def holds(self, *words: bytes) -> bool:
        return any(path == "/v1/traces" and all(word in body for word in words) for path, body in self.received)


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


SPAN = f"""
from assetmix import traces
traces.set_up("assetmix-worker")
with traces.span("run optimization", "{PARENT}", optimization_id="O1", attempt=1):
    print(traces.current())
"""


def run(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SPAN], env=os.environ | environment, capture_output=True, text=True, check=True
    )


def test_a_run_is_a_span_of_the_trace_of_its_request(collector: Collector) -> None:
    ended = run(collector.environment)

    assert ended.stdout.split("-")[1] == TRACE
    assert collector.holds(bytes.fromhex(TRACE), b"run optimization", b"assetmix.optimization_id", b"assetmix-worker")


def test_without_an_address_nothing_is_recorded_but_the_trace_goes_on(collector: Collector) -> None:
    ended = run({})

    assert ended.stdout.strip() == PARENT
    assert collector.received == []


def test_the_api_sends_the_spans_of_its_requests(service: Service, collector: Collector) -> None:
    port = free_port()
    addresses = service.addresses
    own = role_environment(addresses, "app") | {"REDIS_URL": addresses.redis_url, "ASSETMIX_KEY_PEPPER": PEPPER}
    command = [sys.executable, "-m", "assetmix", "serve", "--port", str(port)]
    api = subprocess.Popen(command, env=os.environ | own | collector.environment, stderr=subprocess.DEVNULL)
    try:
        service.until(lambda: answers(port))
        address = f"http://127.0.0.1:{port}/v1/settings"
        headers = {"Traceparent": PARENT, "Authorization": f"Bearer {service.key('traced')}"}
        httpx.get(address, headers=headers, trust_env=False).raise_for_status()
    finally:
        api.terminate()
        api.wait(20)

    assert collector.holds(bytes.fromhex(TRACE), b"/v1/settings")


def test_it_is_off_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)

    assert not traces.is_on()
