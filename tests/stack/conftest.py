"""Real servers in temporary folders; helpers come as fixtures, so that no import path matters."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

import assetmix
from assetmix.stack.home import open_home, read_secrets
from assetmix.stack.ports import free_port
from assetmix.stack.servers import start_servers
from assetmix.stack.supervisor import Supervisor

PROGRAMS = Path(__file__).with_name("programs")
SOURCE = Path(assetmix.__file__).parents[1]
DEADLINE_SECONDS = 20
DYING_SECONDS = 2


@pytest.fixture(autouse=True)
def _own_servers(monkeypatch):
    _forget_servers(monkeypatch)


def _forget_servers(monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL", "REDIS_SERVER", "ASSETMIX_HOME", "ASSETMIX_KEY_PEPPER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def open_folder():
    """Give a folder that every user can pass, unlike pytest's own for root."""
    with tempfile.TemporaryDirectory(prefix="assetmix-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def home_folder(open_folder):
    return open_folder / "home"


@pytest.fixture(scope="session")
def _template():
    with (
        tempfile.TemporaryDirectory(prefix="assetmix-") as folder,
        pytest.MonkeyPatch.context() as monkeypatch,
    ):
        Path(folder).chmod(0o755)
        _forget_servers(monkeypatch)
        with open_home(Path(folder) / "home") as home, Supervisor(home.children_file) as supervisor:
            start_servers(supervisor, home, read_secrets(home))
        yield home.folder


@pytest.fixture
def used_home(home_folder, _template):
    """Give a home that was started before; a copy, because a first start takes longer."""
    return shutil.copytree(_template, home_folder)


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def eventually():
    """Wait until a condition holds, and give what it said."""

    def wait(condition, seconds=DEADLINE_SECONDS):
        deadline = time.monotonic() + seconds
        while not (said := condition()):
            assert time.monotonic() < deadline, "it did not come true in time"
            time.sleep(0.02)
        return said

    return wait


@pytest.fixture
def query():
    """Run one statement and give its rows as tuples."""

    async def ask(url, statement):
        connection = await asyncpg.connect(url, timeout=DEADLINE_SECONDS)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return lambda url, statement: asyncio.run(ask(url, statement))


@pytest.fixture
def serving():
    """Open a home, start its servers, stop them at the end of the block."""

    @contextmanager
    def start(folder):
        with open_home(folder) as home, Supervisor(home.children_file) as supervisor:
            yield supervisor, start_servers(supervisor, home, read_secrets(home))

    return start


@pytest.fixture
def script():
    """Start one of the programs in a process of its own; whatever is left of it ends with the test."""
    started = []

    def start(name, *words, python=sys.executable, path=(), **options):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (SOURCE, *path)))}
        command = [python, str(PROGRAMS / name), *map(str, words)]
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, env=environment, text=True, **output, **options))
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture
def gone():
    """Tell whether processes have ended, zombies included; a killed one may take a moment to die."""

    def ended(process):
        try:
            return process.status() == psutil.STATUS_ZOMBIE or not process.is_running()
        except psutil.NoSuchProcess:
            return True

    def all_ended(processes):
        deadline = time.monotonic() + DYING_SECONDS
        while not all(ended(process) for process in processes):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    return all_ended


@pytest.fixture
def reachable_python():
    """Give a Python that every user can run, or skip."""
    for candidate in (os.path.realpath(sys.executable), shutil.which("python3", path=os.defpath)):
        if candidate and _runs_unprivileged(candidate):
            return candidate
    return pytest.skip("no Python of 3.11 or later here can be run by an ordinary user")


def _runs_unprivileged(python):
    check = "import sys; sys.path.insert(0, sys.argv[1]); import assetmix; assert sys.version_info >= (3, 11)"
    options = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        ended = subprocess.run([python, "-c", check, str(SOURCE)], capture_output=True, check=False, **options)
    except PermissionError:
        return False
    return ended.returncode == 0
