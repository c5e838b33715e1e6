"""What a killed run left behind: children are written down, so that the next run can end them.

A process is known by its id and its start, because ids are given out again.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

_PATIENCE_SECONDS = 20.0
_STEP_SECONDS = 0.02

MARK = "ASSETMIX_RUN"


@dataclass(frozen=True)
class Trace:
    """One child as it is written down."""

    name: str
    pid: int
    start: str
    stop_signal: int


def start_of(pid: int) -> str | None:
    """Tell when a living process began, in words equal for the same one only."""
    if sys.platform == "linux":
        return _linux_start(pid)
    return _ask_ps(pid, "lstart=")


def command_of(pid: int) -> str:
    """Give the command line of a living process, empty when there is none."""
    if sys.platform != "linux":
        return _ask_ps(pid, "command=") or ""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def exists(pid: int) -> bool:
    """Tell whether an id is in use, be it by a zombie or by a process of somebody else."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def working_in(folder: Path) -> list[int]:
    """Give the processes that work in a folder, where the system tells."""
    pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if folder_of(pid) == folder]


def folder_of(pid: int) -> Path | None:
    """Give the folder a living process works in, where the system tells."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return None


def write_traces(file: Path, run: str, traces: Iterable[Trace]) -> None:
    """Write down the children of this run, and the mark they carry."""
    # The file's own place is in it: a copied home must not end the processes of the original.
    document = {"file": str(file), "run": run, "children": [asdict(trace) for trace in traces]}
    draft = file.with_name(f"{file.name}.new")
    draft.write_text(json.dumps(document), "utf-8")
    draft.replace(file)


def stop_leftovers(file: Path) -> list[str]:
    """End the children written down by an earlier run.

    Returns
    -------
    list of str, the ones that live on even after SIGKILL
    """
    run, traces = _read_traces(file)
    living = _living(traces)
    for trace in living:
        _send(trace.pid, trace.stop_signal)
    living = _wait(living, _PATIENCE_SECONDS)
    for trace in living:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(trace.pid, signal.SIGKILL)
    living = _wait(living, 1.0)
    if traces:
        _end_marked(run)
    return [f"{trace.name} (process {trace.pid})" for trace in living]


def _linux_start(pid: int) -> str | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return None
    # The name in parentheses may hold spaces; the fields after it are the state … and, 20th, the start.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{boot} {fields[19]}"


def _ask_ps(pid: int, column: str) -> str | None:
    command = ["ps", "-ww", "-o", column, "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None


def _read_traces(file: Path) -> tuple[str, list[Trace]]:
    try:
        document = json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return "", []
    if document["file"] != str(file):
        return "", []
    return document["run"], [Trace(**child) for child in document["children"]]


def _end_marked(run: str) -> None:
    """End the helpers whose own parent is gone; they carry the mark of their run, where /proc shows it."""
    mark = f"{MARK}={run}".encode()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        if _holds(environment, mark):
            _send(int(environment.parent.name), signal.SIGKILL)


def _holds(environment: Path, mark: bytes) -> bool:
    try:
        return mark in environment.read_bytes().split(b"\0")
    except OSError:
        return False


def _living(traces: Iterable[Trace]) -> list[Trace]:
    return [trace for trace in traces if start_of(trace.pid) == trace.start]


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _wait(traces: list[Trace], seconds: float) -> list[Trace]:
    deadline = time.monotonic() + seconds
    living = _living(traces)
    while living and time.monotonic() < deadline:
        time.sleep(_STEP_SECONDS)
        living = _living(living)
    return living
