"""The command line: help that teaches, and errors of one line that name the cure."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service import PEPPER, Service

DAYS = ["2024-01-02", "2024-01-03", "2024-01-04"]
RISING = [
    {"instrument": key, "date": day, "close": close}
    for key in "AB"
    for day, close in zip(DAYS, (10.0, 10.5, 11.0), strict=True)
]
BACKTEST = {
    "portfolio": {"base_currency": "USD", "holdings": {"$USD": 1000.0}},
    "strategy": {"universe": {"ids": ["A", "B"]}, "objective": {"rule": "equal_weight"}},
    "from": DAYS[0],
    "to": DAYS[-1],
    "execution": "same_close",
}

BARE = {name: value for name, value in os.environ.items() if not name.startswith(("ASSETMIX", "DATABASE", "REDIS"))}


def assetmix(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "assetmix", *arguments]
    return subprocess.run(command, env=BARE | environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("command", ["serve", "worker", "scheduler", "migrate"])
def test_a_process_without_its_environment_says_what_is_missing(command: str) -> None:
    ended = assetmix(command)

    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "DATABASE_URL" in ended.stderr


def test_help_names_every_command() -> None:
    said = assetmix("--help").stdout

    for command in ("up", "serve", "worker", "scheduler", "migrate", "keys", "backtest", "openapi", "version"):
        assert command in said


def test_keys_are_made_listed_and_revoked(service: Service) -> None:
    own = {
        "DATABASE_URL": service.addresses.database_url,
        "REDIS_URL": service.addresses.redis_url,
        "ASSETMIX_KEY_PEPPER": PEPPER,
    }

    made = assetmix("keys", "create", "command-line", "--scope", "read", **own)
    public = made.stdout.strip().split("_")[2]
    listed = assetmix("keys", "list", "command-line", **own)
    revoked = assetmix("keys", "revoke", public, **own)
    again = assetmix("keys", "revoke", public, **own)

    assert made.stdout.startswith("am_live_")
    assert public in listed.stdout
    assert made.stdout.strip() not in listed.stdout
    assert revoked.returncode == 0
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)


def test_a_reserved_tenant_name_is_refused(service: Service) -> None:
    ended = assetmix(
        "keys",
        "create",
        "optimization",
        DATABASE_URL=service.addresses.database_url,
        REDIS_URL=service.addresses.redis_url,
        ASSETMIX_KEY_PEPPER=PEPPER,
    )

    assert ended.returncode == 1
    assert "optimization" in ended.stderr


def test_a_backtest_is_asked_for_watched_and_printed(service: Service, tmp_path: Path) -> None:
    asked = tmp_path / "asked.json"
    asked.write_text(json.dumps(BACKTEST), encoding="utf-8")
    own = {"ASSETMIX_URL": service.base_url, "ASSETMIX_KEY": service.key("backtester")}
    with service.client("backtester") as client:
        instruments = {"instruments": [{"id": key, "currency": "USD"} for key in "AB"]}
        client.put("/v1/instruments", json=instruments).raise_for_status()
        client.put("/v1/prices", json={"prices": RISING}).raise_for_status()

    printed = assetmix("backtest", str(asked), **own)
    raw = assetmix("backtest", str(asked), "--json", **own)
    asked.write_text(json.dumps(BACKTEST | {"to": "2023-01-01"}), encoding="utf-8")
    refused = assetmix("backtest", str(asked), **own)

    assert printed.returncode == 0, printed.stderr
    assert "total return" in printed.stdout
    assert "10.00%" in printed.stdout  # both rise by a tenth
    assert "▁" in printed.stdout
    assert json.loads(raw.stdout)["statistics"]["total_return"] == pytest.approx(0.1)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "/to: " in refused.stderr


def test_a_backtest_of_a_service_that_is_not_there_names_the_cure(tmp_path: Path) -> None:
    asked = tmp_path / "asked.json"
    asked.write_text("{}", encoding="utf-8")

    ended = assetmix("backtest", str(asked), "--url", "http://127.0.0.1:9", ASSETMIX_KEY="am_live_x_y")

    assert ended.returncode == 1
    assert "assetmix up" in ended.stderr
