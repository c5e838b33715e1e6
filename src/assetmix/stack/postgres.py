"""Postgres: its data folder made once, an earlier run of it ended, and the way to start it."""

import contextlib
import shutil
import signal
import socket
import struct
import time
from functools import partial
from pathlib import Path

from assetmix.stack.child import ChildSpec, run_to_end
from assetmix.stack.home import Home, StackError, write_private
from assetmix.stack.leftovers import command_of, exists, folder_of, working_in
from assetmix.stack.place import Place, find_place, give
from assetmix.stack.ports import LOOPBACK

NAME = "assetmix"

_SETTINGS = (
    f"listen_addresses={LOOPBACK}",
    # No Unix socket: its path has a limit of about 100 characters.
    "unix_socket_directories=",
    "max_connections=100",
    "shared_buffers=64MB",
    "max_wal_size=256MB",
    "synchronous_commit=on",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_checkpoints=off",
    "jit=off",
)
_PROTOCOL = 3 << 16
_ANSWER_SECONDS = 1.0
_STOP_SECONDS = 30
_STEP_SECONDS = 0.02


def postgres_spec(home: Home, password: str, port: int) -> ChildSpec:
    """Make the data folder ready and say how to start Postgres on it."""
    place = find_place(home)
    if not (place.data / "PG_VERSION").exists():
        _create_cluster(place, password)
    # A chmod over the whole checkout is enough for Postgres to refuse its data.
    give(place.data, place.account)
    _end_earlier(place)
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    return ChildSpec(
        name="postgres",
        argv=(str(place.binaries / "postgres"), "-D", str(place.data), "-p", str(port), *settings),
        log_file=home.logs_folder / "postgres.log",
        folder=place.data,
        run_as=place.account,
        # Fast: the gentler signal waits until every client has left.
        stop_signal=signal.SIGINT,
        stop_seconds=_STOP_SECONDS,
        # As long as a crash recovery may take.
        ready_seconds=120,
        ready=partial(answers, port),
        # Its helpers may outlive a killed Postgres by a moment, and keep the next one out.
        attempts=6,
    )


def answers(port: int) -> bool:
    """Tell whether Postgres takes clients: it asks one who introduces itself for the password."""
    words = f"user\0{NAME}\0database\0{NAME}\0\0".encode()
    try:
        with socket.create_connection((LOOPBACK, port), _ANSWER_SECONDS) as connection:
            connection.sendall(struct.pack("!ii", 8 + len(words), _PROTOCOL) + words)
            return connection.recv(1) == b"R"
    except OSError:
        return False


def _create_cluster(place: Place, password: str) -> None:
    # Made aside and then renamed: a data folder is there whole or not at all.
    draft = place.data.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    give(draft, place.account)
    password_file = draft.with_name("postgres.password")
    write_private(password_file, password)
    try:
        _initialize(place, draft, password_file)
    finally:
        password_file.unlink()
    _create_database(place, draft)
    try:
        draft.rename(place.data)
    except OSError as error:
        message = f"{place.data} holds something that is not a database; move it away"
        raise StackError(message) from error


def _initialize(place: Place, draft: Path, password_file: Path) -> None:
    if place.account:
        # The folder is 0700 and the file 0600, so handing it over shows it to nobody else.
        shutil.chown(password_file, place.account.uid, place.account.gid)
    command = [str(place.binaries / "initdb"), "-D", str(draft), "-U", NAME, "--no-instructions"]
    options = ["--locale=C", "--encoding=UTF8", "--auth=scram-sha-256", f"--pwfile={password_file}"]
    _require_success(place, [*command, *options])


def _create_database(place: Place, draft: Path) -> None:
    alone = [str(place.binaries / "postgres"), "--single", "-D", str(draft), "-c", "exit_on_error=true"]
    _require_success(place, [*alone, "postgres"], f"CREATE DATABASE {NAME};\n")


def _require_success(place: Place, command: list[str], text: str = "") -> None:
    ended = run_to_end(command, place.account, text)
    if ended.returncode != 0:
        said = " | ".join(ended.stdout.split("\n")[-6:]).strip(" |")
        message = f"Postgres could not create its data in {place.data}: {said}"
        raise StackError(message)


def _end_earlier(place: Place) -> None:
    """End a Postgres that still has this data, and remove a note that would keep the next one out.

    The note names a process. Ids are given out again, in containers nearly always the same ones, and a
    zombie that nobody collects keeps its id: Postgres takes both for a living Postgres and refuses to start.
    """
    note = place.data / "postmaster.pid"
    pid = _noted_pid(note)
    if not pid or not exists(pid):
        return
    if _is_at_home(pid, place.data):
        _stop(place, pid)
        return
    # The note also protects the data from helpers that outlive a killed Postgres by a moment.
    _wait_for_helpers(place.data)
    note.unlink(missing_ok=True)


def _stop(place: Place, pid: int) -> None:
    stop = [str(place.binaries / "pg_ctl"), "stop", "-D", str(place.data)]
    ended = run_to_end([*stop, "-m", "fast", "-t", str(_STOP_SECONDS)], place.account)
    if ended.returncode != 0 and command_of(pid):
        message = f"an earlier Postgres (process {pid}) on {place.data} does not end; end it by hand"
        raise StackError(message)


def _wait_for_helpers(data: Path) -> None:
    deadline = time.monotonic() + _STOP_SECONDS
    while working_in(data.resolve()):
        if time.monotonic() > deadline:
            message = f"processes of an earlier Postgres still work in {data}; end them by hand"
            raise StackError(message)
        time.sleep(_STEP_SECONDS)


def _is_at_home(pid: int, data: Path) -> bool:
    folder = folder_of(pid)
    if "postgres" not in command_of(pid) or folder is None:
        # Where the system hides the folder, any Postgres gets the benefit of the doubt.
        return "postgres" in command_of(pid)
    return folder == data.resolve()


def _noted_pid(note: Path) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        # A single-user Postgres notes its process as a negative number.
        return abs(int(note.read_text("utf-8").splitlines()[0]))
    return 0
