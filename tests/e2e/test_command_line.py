"""The command line: help that teaches, and errors of one line that name the cure."""

import os
import subprocess
import sys

import pytest

from tests.service import PEPPER, Service

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

    for command in ("up", "serve", "worker", "scheduler", "migrate", "keys", "openapi", "version"):
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
