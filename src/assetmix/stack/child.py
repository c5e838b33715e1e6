"""One child process: its own session, its own log, and an end that leaves nothing of it behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from assetmix.stack.leftovers import Trace, start_of

_ENTRANCE = Path(__file__).with_name("entrance.py")
_LOG_BYTES = 5_000_000
_TAIL_BYTES = 20_000
_TAIL_LINES = 6


@dataclass(frozen=True)
class Account:
    """A user and group of the system that a child runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class ChildSpec:
    """How to start a child, know that it is ready, and stop it.

    `environment` is added to our own. `restart` false means that the death of this child ends the stack.
    `ready` is asked again and again until it says so; without it a child is ready once started. One that
    ends before is started `attempts` times in all.
    """

    name: str
    argv: tuple[str, ...]
    log_file: Path
    environment: Mapping[str, str] | None = field(default=None, repr=False)
    folder: Path | None = None
    run_as: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    restart: bool = True
    ready: Callable[[], bool] | None = None
    ready_seconds: float = 30.0
    attempts: int = 1


class Child:
    """A process started from a spec, again and again if need be."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._stop_deadline: float | None = None

    @property
    def pid(self) -> int | None:
        """The process id, also that of the group and the session."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process; the one before must have ended.

        Raises
        ------
        RuntimeError
            outside the main thread: Linux ties the death signal to the thread that started a child,
            so one started elsewhere would die with that thread.
        """
        if threading.current_thread() is not threading.main_thread():
            message = f"{self.spec.name} must be started from the main thread"
            raise RuntimeError(message)
        self._stop_deadline = None
        self._log_start = _make_room(self.spec.log_file)
        with self.spec.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                _through_entrance(self.spec.argv, self.spec.run_as, self.spec.stop_signal),
                env={**os.environ, **(self.spec.environment or {})},
                cwd=self.spec.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def poll(self) -> int | None:
        """Give the exit code if the process has ended, and end its group."""
        if self._process is None:
            return None
        was_running = self._process.returncode is None
        code = self._process.poll()
        if was_running and code is not None:
            self._kill_group()
        return code

    def stop(self) -> None:
        """Ask the process to end, wait, and kill what remains of its group.

        May be interrupted and called again: the time allowed counts from the first call.
        """
        if self._process is None or self.poll() is not None:
            return
        if self._stop_deadline is None:
            self._stop_deadline = time.monotonic() + self.spec.stop_seconds
            self._process.send_signal(self.spec.stop_signal)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, self._stop_deadline - time.monotonic()))
        self._kill_group()
        self._process.wait()

    def trace(self) -> Trace | None:
        """Give what the next run must know to end this process."""
        start = start_of(self.pid) if self.pid else None
        if self.pid is None or start is None:
            return None
        return Trace(self.spec.name, self.pid, start, self.spec.stop_signal)

    def last_words(self) -> str:
        """Give the last lines that this start wrote to the log, as one line."""
        with suppress(OSError), self.spec.log_file.open("rb") as log:
            log.seek(max(self._log_start, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = [line.strip() for line in log.read().decode(errors="replace").splitlines()]
            return " | ".join([line for line in lines if line][-_TAIL_LINES:])
        return ""

    def _kill_group(self) -> None:
        # macOS says "not permitted" of a group of which only zombies are left.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL) if self._process else None


def run_to_end(argv: Sequence[str], run_as: Account | None, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a short command with `text` as its input and keep what it says."""
    return subprocess.run(
        _through_entrance(argv, run_as, signal.SIGKILL),
        input=text,
        text=True,
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        start_new_session=True,
        check=False,
    )


def _through_entrance(argv: Sequence[str], run_as: Account | None, death_signal: signal.Signals) -> list[str]:
    account = run_as or Account(-1, -1)
    door = [sys.executable, "-I", "-S", str(_ENTRANCE)]
    tie = [os.getpid(), int(death_signal), account.uid, account.gid]
    return [*door, *map(str, tie), *argv]


def _make_room(log_file: Path) -> int:
    """Put a long log aside, and tell where the next line will begin."""
    try:
        size = log_file.stat().st_size
    except FileNotFoundError:
        log_file.touch(mode=0o600)
        return 0
    if size < _LOG_BYTES:
        return size
    log_file.replace(log_file.with_name(f"{log_file.name}.old"))
    log_file.touch(mode=0o600)
    return 0
