"""The README's commands, executed as they stand; only folder and port are the test's own."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from assetmix.stack.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
PATIENCE_SECONDS = 90


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Path, int]]:
    with tempfile.TemporaryDirectory(prefix="assetmix-") as name:
        Path(name).chmod(0o755)
        yield Path(name) / "home", free_port()


def environment(place: tuple[Path, int]) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "REDIS_URL", "MAKEFLAGS", "MAKELEVEL"}
    }
    return inherited | {"ASSETMIX_HOME": str(place[0]), "PORT": str(place[1])}


def adapted(command: str, place: tuple[Path, int]) -> str:
    return command.replace(".assetmix/", f"{place[0]}/").replace(":8000", f":{place[1]}")


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]


def read_until(process: subprocess.Popen[str], words: str) -> str:
    said, deadline = "", time.monotonic() + PATIENCE_SECONDS
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if words in line:
            return said
        assert time.monotonic() < deadline, said
    raise AssertionError(said)


def answers_json(command: str, place: tuple[Path, int]) -> None:
    if shutil.which("curl") is None:
        return
    shell = ["bash", "-euc", adapted(command, place)]
    ended = subprocess.run(shell, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("{")
    assert '"request_id"' not in ended.stdout, ended.stdout


def test_the_readme_is_one_and_a_half_screens() -> None:
    assert len(README.splitlines()) <= 75
    assert COMMANDS[0] == "make run\n"
    assert COMMANDS[-1] == "make test\n"


@contextmanager
def made_to_run(place: tuple[Path, int]) -> Iterator[tuple[str, list[psutil.Process]]]:
    """What `make run` says until it serves, and its processes; Ctrl-C at the end."""
    run = subprocess.Popen(
        COMMANDS[0].split(),
        cwd=ROOT,
        env=environment(place),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with run:
        try:
            said = read_until(run, "serving until Ctrl-C")
            yield said, family(run)
        finally:
            os.killpg(run.pid, signal.SIGINT)  # a terminal's Ctrl-C reaches make and what it runs
            run.wait(60)


@pytest.mark.timeout(360)
@pytest.mark.skipif(not (ROOT / ".venv" / "installed").exists(), reason="make run would install into .venv first")
def test_its_commands_do_what_it_says_and_again_it_keeps_its_data(place: tuple[Path, int]) -> None:
    with made_to_run(place) as (said, started):
        assert "orders lead to the best portfolio" in said
        assert "Look-through" in said
        assert str(place[0] / "demo.key") in said
        for command in [said.split("try       ", 1)[1].splitlines()[0], *COMMANDS[1:-1]]:
            answers_json(command, place)
        assert "orders lead to the best portfolio" in example("quickstart", place)
        assert "rebalance: Optimal" in example("ibm", place)
        assert "SUCCESS, recommended: True" in example("investsuite", place)
        assert "decisions" in example("mantarisk", place)
        assert (place[0] / "demo.key").stat().st_mode & 0o077 == 0

    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []
    again = subprocess.run(
        ["make", "demo"], cwd=ROOT, env=environment(place), capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stdout + again.stderr
    assert "the demo's data are there already" in again.stdout


def example(name: str, place: tuple[Path, int]) -> str:
    command = [sys.executable, f"examples/{name}.py"]
    ended = subprocess.run(command, cwd=ROOT, env=environment(place), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
