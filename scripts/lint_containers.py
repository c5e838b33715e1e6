"""Lints Dockerfile and docker-compose.yml with tools from the package index; no Docker is needed.

Where there is no wheel of a tool for this machine, that check is left out and said so.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent

SECRETS = dict.fromkeys(
    (
        "POSTGRES_PASSWORD",
        "APP_PASSWORD",
        "WORKER_PASSWORD",
        "SCHEDULER_PASSWORD",
        "METRICS_PASSWORD",
        "REDIS_PASSWORD",
        "ASSETMIX_KEY_PEPPER",
    ),
    "x",
)


def main() -> int:
    """Run every check; 1 if any finds a fault."""
    checks = (
        ("hadolint", [_tool("hadolint"), "Dockerfile"], {}),
        ("compose", [_compose(), "config", "--quiet"], SECRETS),
    )
    return max([_run(name, command, extra) for name, command, extra in checks] + [_refuses_missing_secrets()])


def _run(name: str, command: list[str | None], extra: dict[str, str]) -> int:
    if command[0] is None:
        sys.stdout.write(f"{name}: no wheel for this machine, left out\n")
        return 0
    return subprocess.run(command, cwd=ROOT, env=os.environ | extra, check=False).returncode  # type: ignore[arg-type]


def _refuses_missing_secrets() -> int:
    """The compose file has no default passwords: without them it must be refused."""
    tool = _compose()
    if tool is None:
        return 0
    bare = {name: value for name, value in os.environ.items() if name not in SECRETS}
    ended = subprocess.run([tool, "config", "--quiet"], cwd=ROOT, env=bare, capture_output=True, check=False)
    if ended.returncode == 0:
        sys.stdout.write("docker-compose.yml accepts missing passwords\n")
    return int(ended.returncode == 0)


def _compose() -> str | None:
    # The wheel's own command loses the exit code, so its program is called as it lies.
    spec = importlib.util.find_spec("compose")
    places = spec.submodule_search_locations if spec is not None else None
    return str(Path(places[0]) / "docker-compose") if places else shutil.which("docker-compose")


def _tool(name: str) -> str | None:
    return shutil.which(name, path=f"{TOOLS}{os.pathsep}{os.environ.get('PATH', '')}")


if __name__ == "__main__":
    sys.exit(main())
