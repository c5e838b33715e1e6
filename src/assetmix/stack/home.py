"""The data home: one folder that holds everything a running stack writes, for one run at a time."""

import fcntl
import json
import os
import secrets as tokens
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from assetmix.stack.leftovers import stop_leftovers

_OWN_FOLDER = 0o700
_PASSABLE_FOLDER = 0o711
_OWN_FILE = 0o600


class StackError(Exception):
    """The stack cannot go on; one sentence that names the cure."""


@dataclass(frozen=True)
class Secrets:
    """What a home generates once and keeps; never shown."""

    postgres_password: str = field(repr=False)
    valkey_password: str = field(repr=False)
    key_pepper: str = field(repr=False)


@dataclass(frozen=True)
class Home:
    """The places inside one data home."""

    folder: Path

    @property
    def postgres_folder(self) -> Path:
        """Where Postgres keeps its data, unless its user cannot get here."""
        return self.folder / "postgres"

    @property
    def postgres_location_file(self) -> Path:
        """Says where the Postgres data lives when it is not in here."""
        return self.folder / "postgres.location"

    @property
    def valkey_folder(self) -> Path:
        """Where Valkey keeps its append-only file and its configuration."""
        return self.folder / "valkey"

    @property
    def logs_folder(self) -> Path:
        """One log file per child."""
        return self.folder / "logs"

    @property
    def demo_key_file(self) -> Path:
        """Where the demo leaves the key of its tenant."""
        return self.folder / "demo.key"

    @property
    def secrets_file(self) -> Path:
        """The generated passwords and the key pepper."""
        return self.folder / "secrets.json"

    @property
    def lock_file(self) -> Path:
        """Held by the one run that uses this home; names its process."""
        return self.folder / "lock"

    @property
    def children_file(self) -> Path:
        """The processes of the present run, for the next one to check."""
        return self.folder / "children.json"


def home_folder(environment: Mapping[str, str]) -> Path:
    """Give the data home that this environment asks for."""
    return Path(environment.get("ASSETMIX_HOME") or ".assetmix").absolute()


@contextmanager
def open_home(folder: Path) -> Iterator[Home]:
    """Create or reopen a data home and keep every other run out of it.

    Whatever a killed run left running on this data is stopped first.

    Raises
    ------
    StackError
        when another run uses the folder, or it cannot be written.
    """
    # Without symbolic links, so that one folder has one name.
    home = Home(folder.resolve())
    with _explained(home):
        _create(home)
        lock = os.open(home.lock_file, os.O_RDWR | os.O_CREAT, _OWN_FILE)
    try:
        _lock(home, lock)
        with _explained(home):
            _end_leftovers(home)
            read_secrets(home)
        yield home
    finally:
        os.close(lock)


def read_secrets(home: Home) -> Secrets:
    """Read the secrets of a home, after generating them on first use."""
    if not home.secrets_file.exists():
        _generate_secrets(home)
    try:
        return Secrets(**json.loads(home.secrets_file.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        message = f"{home.secrets_file} is damaged; restore it from a copy, or start afresh without {home.folder}"
        raise StackError(message) from error


def tell(line: str) -> None:
    """Say one line to the person at the terminal."""
    # A terminal that has gone is no reason to leave children behind.
    with suppress(OSError):
        sys.stderr.write(f"assetmix: {line}\n")
        sys.stderr.flush()


@contextmanager
def _explained(home: Home) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = (
            f"cannot use {error.filename or home.folder} ({error.strerror}); set ASSETMIX_HOME to a folder that you own"
        )
        raise StackError(message) from error


def _create(home: Home) -> None:
    # Run by root, Postgres has an account of its own, which must be able to pass through (not list) the home.
    mode = _PASSABLE_FOLDER if os.geteuid() == 0 else _OWN_FOLDER
    home.folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        home.folder.mkdir()
        home.folder.chmod(mode)
    for folder in (home.valkey_folder, home.logs_folder):
        folder.mkdir(mode=_OWN_FOLDER, exist_ok=True)


def _lock(home: Home, lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(lock, 32, 0).decode() or "unknown"
        message = (
            f"{home.folder} is in use by process {holder}; stop that one first, or set ASSETMIX_HOME to another folder"
        )
        raise StackError(message) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)


def _end_leftovers(home: Home) -> None:
    survivors = stop_leftovers(home.children_file)
    if survivors:
        message = f"an earlier run left {', '.join(survivors)} running and it does not end; end it by hand"
        raise StackError(message)


def _generate_secrets(home: Home) -> None:
    if home.postgres_folder.exists() or home.postgres_location_file.exists():
        message = (
            f"{home.secrets_file} is missing but its database exists; "
            f"restore the file, or remove {home.folder} to start afresh"
        )
        raise StackError(message)
    made = Secrets(tokens.token_urlsafe(32), tokens.token_urlsafe(32), tokens.token_urlsafe(32))
    write_private(home.secrets_file, json.dumps(asdict(made)))


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWN_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)
    draft.replace(file)
