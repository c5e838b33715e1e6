"""Ports on the loopback interface."""

import secrets
import socket

from assetmix.stack.home import StackError

LOOPBACK = "127.0.0.1"

# Below the range from which systems give ports to outgoing connections: such a connection could otherwise
# sit on the port of a server that is being restarted, even one that its own client opened to itself.
_FIRST_PORT = 20_000
_PORT_COUNT = 12_000
_ATTEMPTS = 200
_HIGHEST_PORT = 65_535


def free_port() -> int:
    """Choose a port that nobody listens on."""
    for _ in range(_ATTEMPTS):
        port = _FIRST_PORT + secrets.randbelow(_PORT_COUNT)
        if _refusal(port) is None:
            return port
    message = f"no free port found from {_FIRST_PORT} to {_FIRST_PORT + _PORT_COUNT}; end some servers"
    raise StackError(message)


def require_free(port: int) -> None:
    """Refuse a port that somebody else has, or that we may not have.

    Raises
    ------
    StackError
        naming the way to another port.
    """
    if not 0 < port <= _HIGHEST_PORT:
        message = f"port {port} does not exist; set PORT to a number from 1 to {_HIGHEST_PORT}"
        raise StackError(message)
    refusal = _refusal(port)
    if refusal:
        message = f"port {port} {refusal}; set PORT=… to another one"
        raise StackError(message)


def _refusal(port: int) -> str | None:
    with socket.socket() as listener:
        # A server may listen while old connections of the one before linger; so may this try.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except PermissionError:
            return "needs more rights than you have"
        except OSError:
            return "is taken"
    # macOS lets us bind beside somebody who listens on every address.
    with socket.socket() as caller:
        return "is taken" if caller.connect_ex((LOOPBACK, port)) == 0 else None
