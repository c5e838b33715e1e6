"""Fuzzes the service with its own OpenAPI document: `make fuzz`, or `make fuzz SHORT=1`.

schemathesis sends examples, boundary cases, random requests and chains of requests, valid and not;
no answer may be a 5xx, have an undocumented status or another form than documented. The tenant
that it plays has data to hit; the requests are counted by the service itself.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from tests.makers import make_snapshot
from tests.service import Service, load_market, running_service, strategy_document

REPORT = Path("build") / "fuzz.json"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
)
"""All but: positive data may name what is not there, and one dialect accepts more than it documents."""

SHORT_SECONDS, ROUND_SECONDS, LEAST_REQUESTS = 45, 600, 100_000
ROUNDS = 12
LONGEST = 300
"""Characters of a line that are shown: a traceback may hold a whole file."""


def main() -> int:
    """Fuzz until there were enough requests; 1 if anything was found."""
    console, short = Console(width=100, highlight=False), bool(os.environ.get("SHORT"))
    found, seed = 0, int(os.environ.get("SEED", "1"))
    with running_service() as service:
        key = service.key("fuzz")
        load(service)
        for number in range(1 if short else ROUNDS):
            found = max(found, fuzz(service, key, seed + number, SHORT_SECONDS if short else ROUND_SECONDS))
            statuses = counted(service)
            console.print(f"{sum(statuses.values())} requests, seed {seed + number}")
            if found or sum(statuses.values()) >= LEAST_REQUESTS:
                break
    broken = sum(count for status, count in statuses.items() if status.startswith("5") and status != "503")
    report = {"requests": sum(statuses.values()), "server_errors": broken, "statuses": dict(sorted(statuses.items()))}
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    console.print(report)
    return int(bool(found or broken))


def load(service: Service) -> None:
    """Give the tenant data, so that something is found."""
    with service.client("fuzz") as client:
        load_market(client, make_snapshot())
        client.put("/v1/strategies/track", json=strategy_document()).raise_for_status()
        held = {"base_currency": "USD", "holdings": {"$USD": 1000}}
        client.put("/v1/portfolios/ada", json=held).raise_for_status()
        model = {"instruments": ["S00", "S01"], "covariance": [[0.04, 0.01], [0.01, 0.09]]}
        client.put("/v1/risk-models/m", json=model).raise_for_status()


def fuzz(service: Service, key: str, seed: int, seconds: int) -> int:
    """Run schemathesis for so many seconds; its exit code."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{service.base_url}/openapi.json"]
    options = ["--checks", ",".join(CHECKS), "--max-time", str(seconds), "--seed", str(seed), "--workers", "2"]
    quiet = ["--header", f"Authorization: Bearer {key}", "--continue-on-failure", "--request-timeout", "40"]
    rest = ["--suppress-health-check", "all", "--warnings", "off", "--max-examples", "200"]
    # a tenant that sets itself a quota of one request a minute is refused rightly, and nothing else is tried
    rest += ["--exclude-operation-id-regex", "^patch_settings"]
    environment = os.environ | {"NO_PROXY": "127.0.0.1", "PYTHONWARNINGS": "ignore"}
    everything = [*command, *options, *quiet, *rest]
    said: list[str] = []
    with subprocess.Popen(everything, env=environment, stdout=subprocess.PIPE, encoding="utf-8") as running:
        for line in running.stdout or ():
            said.append(line)
            sys.stdout.write(line.rstrip("\n")[:LONGEST] + "\n")
    return verdict(running.returncode, "".join(said))


def verdict(code: int, said: str) -> int:
    """0 where nothing was found, also where schemathesis itself stumbled and nothing else was wrong.

    It makes its own data with much of Python's machinery, where CPython 3.11 has a fault of its own (a
    SystemError of the parser); what was sent until then and after it still counts.
    """
    stumbled = re.findall(r"^ +🚫 (.+): \d+$", said, re.MULTILINE)
    own = code != 0 and "= FAILURES =" not in said and set(stumbled) == {"Runtime Error"}
    return 0 if own else code


def counted(service: Service) -> Counter[str]:
    """Count the service's answers by status."""
    text = httpx.get(f"{service.base_url}/metrics", trust_env=False, timeout=30).raise_for_status().text
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "http_server_request_duration_seconds_count":
                found[sample.labels["status"]] += int(sample.value)
    return found


if __name__ == "__main__":
    sys.exit(main())
