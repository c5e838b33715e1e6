"""Valkey, or a genuine Redis named by REDIS_SERVER: its settings and the way to start it."""

import os
import shutil
import socket
from functools import partial
from pathlib import Path

from assetmix.stack.child import ChildSpec
from assetmix.stack.home import Home, StackError, write_private
from assetmix.stack.ports import LOOPBACK
from assetmix.stack.wheels import valkey_server

_ANSWER_SECONDS = 1.0
_ANSWER_BYTES = 256


def valkey_spec(home: Home, password: str, port: int) -> ChildSpec:
    """Write the settings and say how to start the server."""
    settings_file = home.valkey_folder / "valkey.conf"
    # In a file and not on the command line, which every local user can read.
    write_private(settings_file, _settings(password, port))
    return ChildSpec(
        name="valkey",
        argv=(str(_server()), str(settings_file)),
        log_file=home.logs_folder / "valkey.log",
        folder=home.valkey_folder,
        # As long as reading back a long append-only file may take.
        ready_seconds=60,
        ready=partial(answers, port, password),
    )


def answers(port: int, password: str) -> bool:
    """Tell whether the server answers a ping; while it reads its data back it does not."""
    try:
        with socket.create_connection((LOOPBACK, port), _ANSWER_SECONDS) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\nQUIT\r\n".encode())
            return b"+PONG" in _read_all(connection)
    except OSError:
        return False


def _read_all(connection: socket.socket) -> bytes:
    answer = b""
    while piece := connection.recv(_ANSWER_BYTES):
        answer += piece
    return answer


def _settings(password: str, port: int) -> str:
    lines = (
        f"bind {LOOPBACK}",
        f"port {port}",
        f"requirepass {password}",
        "dir .",
        "daemonize no",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory-policy noeviction",
    )
    return "\n".join(lines) + "\n"


def _server() -> Path:
    named = os.environ.get("REDIS_SERVER")
    if not named:
        return valkey_server()
    found = shutil.which(named)
    if not found:
        message = f"REDIS_SERVER={named} is not a program; name one, or unset it to use Valkey"
        raise StackError(message)
    # The child's folder is another one, so a relative name would be lost.
    return Path(found).absolute()
