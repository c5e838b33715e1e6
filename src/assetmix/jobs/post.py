"""Posts messages to addresses of callers, and to nothing inside our own network.

Every name is looked up once and the connection goes to the address that was checked, so that a name
cannot point elsewhere a moment later. Redirects are not followed: they are answers like any other.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit

import httpcore

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

WRAPPED = ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "fec0::/10")
"""Ranges in which an IPv4 address is wrapped, and one that was once private; nobody's server has such a name."""
TRANSLATED = tuple(ipaddress.ip_network(one) for one in WRAPPED)

LONGEST_WAIT = 86_400.0
"""An endpoint may ask to be left alone for so many seconds, not for ever."""

CONNECT_SECONDS = 5.0
MOST_CONNECTIONS = 20


class Forbidden(Exception):
    """The address is not one that messages may go to."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint has answered: a status, or in words why there was none; and how long it wants to be left."""

    status: int | None
    sentence: str
    wait_seconds: float = 0.0

    @property
    def is_taken(self) -> bool:
        """Whether the message has arrived."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - the successes of HTTP


class PostOffice:
    """Sends messages; `networks` are those of our own that messages may go to all the same, without TLS too."""

    def __init__(self, networks: Iterable[str] = (), seconds: float = 15.0) -> None:
        self._networks = tuple(ipaddress.ip_network(one) for one in networks)
        self._seconds = seconds
        backend = _Guarded(self._networks)
        context = ssl.create_default_context()
        self._pool = httpcore.AsyncConnectionPool(context, max_connections=MOST_CONNECTIONS, network_backend=backend)

    async def __aenter__(self) -> Self:
        """Open the pool of connections."""
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._pool.__aexit__(kind, error, trace)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post a message once; never raises, for every way to fail is an answer."""
        try:
            require_address(url, self._networks)
            async with asyncio.timeout(self._seconds):
                return await self._post(url, headers, body)
        except Forbidden as error:
            return Answer(None, str(error))
        except TimeoutError:
            return Answer(None, f"no answer within {self._seconds:g} seconds")
        except Exception as error:  # noqa: BLE001 - whatever a caller's address or server does is an answer
            return Answer(None, f"no answer: {type(error).__name__}")

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        patience = {"timeout": {"connect": CONNECT_SECONDS, "read": self._seconds, "write": self._seconds}}
        lines = [(name.encode(), value.encode()) for name, value in headers.items()]
        async with self._pool.stream("POST", url, headers=lines, content=body, extensions=patience) as response:
            given = {name.lower(): value for name, value in response.headers}
            wait = given.get(b"retry-after", b"").decode("latin-1")
            seconds = min(float(wait), LONGEST_WAIT) if wait.isascii() and wait.isdigit() else 0.0
            return Answer(response.status, f"HTTP {response.status}", seconds)


def require_address(url: str, networks: tuple[Network, ...]) -> None:
    """Refuse an address that can be seen to be none of a public server.

    Raises
    ------
    Forbidden
        with the reason
    """
    host, scheme = _host_of(url)
    literal = _literal(host)
    is_own = literal is not None and any(literal in one for one in networks)
    if scheme != "https" and not (scheme == "http" and is_own):
        raise Forbidden("messages go to https:// only")
    if literal is not None:
        _require_public(literal, networks)
    if host.lower().rstrip(".") == "localhost" or host.lower().rstrip(".").endswith(
        (".localhost", ".local", ".internal")
    ):
        raise Forbidden("messages go to public servers only")


def _host_of(url: str) -> tuple[str, str]:
    """Host and scheme of an address that can be one."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError:
        raise Forbidden("this is no address") from None
    if not url.isascii() or not url.isprintable() or " " in url:
        raise Forbidden("an address is written in ASCII; a name in other letters as xn--…")
    if not host or parts.username is not None or parts.fragment or port == 0:
        raise Forbidden("an address reads https://host/path, without a user and without a fragment")
    return host, parts.scheme


def _require_public(address: Address, networks: tuple[Network, ...]) -> None:
    inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    if inner is not None:
        _require_public(inner, networks)
        return
    if any(address in one for one in networks):
        return
    if not address.is_global or address.is_multicast or any(address in one for one in TRANSLATED):
        raise Forbidden("messages go to public servers only, not to an address of a private network")


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


class _Guarded(httpcore.AsyncNetworkBackend):
    """Looks a name up once, checks all of its addresses, and connects to the first of them."""

    def __init__(self, networks: tuple[Network, ...]) -> None:
        self._networks = networks
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface that is implemented
        local_address: str | None = None,
        socket_options: Any = None,  # noqa: ANN401 - the interface that is implemented
    ) -> httpcore.AsyncNetworkStream:
        """Connect to an address that was checked."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
        for address in addresses:
            _require_public(address, self._networks)
        first = str(addresses[0])
        return await self._inner.connect_tcp(first, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._inner.sleep(seconds)
