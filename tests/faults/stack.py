"""A stack to be hurt: two workers, two schedulers, proxies before both servers, programs that die when told to."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil

from assetmix.stack.child import ChildSpec
from assetmix.stack.home import Home, open_home, read_secrets
from assetmix.stack.launch import role_environment, role_passwords
from assetmix.stack.ports import free_port
from assetmix.stack.servers import Addresses, start_servers
from assetmix.stack.supervisor import Supervisor
from tests.faults.proxy import Proxy
from tests.makers import make_snapshot
from tests.service import PEPPER, Service, answers, load_market, strategy_document

ROOT = Path(__file__).resolve().parents[2]
WORKERS = ("worker-a", "worker-b")
SCHEDULERS = ("scheduler-a", "scheduler-b")
ASSETMIX = (sys.executable, "-m", "assetmix")
SHORT = {
    "ASSETMIX_LEASE_SECONDS": "3",
    "ASSETMIX_HEARTBEAT_SECONDS": "0.3",
    "ASSETMIX_RING_SECONDS": "1",
    "ASSETMIX_RING_SECONDS_MOST": "2",
    "ASSETMIX_REAP_SECONDS": "0.2",
    "ASSETMIX_SIGN_SECONDS": "1",
    "ASSETMIX_GRACE_SECONDS": "1",
    "ASSETMIX_DEAF_SECONDS": "4",
    "ASSETMIX_SOLVE_MEMORY_MB": "700",
    "ASSETMIX_DATABASE_SECONDS": "5",
}
"""Times that fit into a test's patience."""


@dataclass(frozen=True)
class Hurtable(Service):
    """A running stack, and where it can be hurt."""

    redis: Proxy
    postgres: Proxy

    def children(self) -> list[psutil.Process]:
        """Give the pool children of the workers."""
        return [child for worker in self._workers() for child in _living(worker.children()) if _of(child, "worker")]

    def solvers(self) -> list[psutil.Process]:
        """Give the solver processes."""
        return [one for child in self.children() for one in _living(child.children()) if _of(one, "solver")]

    def alive(self, name: str) -> bool:
        """Whether a child of the supervisor lives."""
        pid = self.supervisor.pid(name)
        return pid is not None and psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE

    def _workers(self) -> list[psutil.Process]:
        return [psutil.Process(self.supervisor.pid(name) or 0) for name in WORKERS if self.alive(name)]


@contextmanager
def hurtable(environment: dict[str, str]) -> Iterator[Hurtable]:
    """Start everything in a temporary folder; stop it all at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assetmix-")))
        folder.chmod(0o755)  # Postgres does not run as root and has to pass
        home = stack.enter_context(open_home(folder / "home"))
        supervisor = stack.enter_context(Supervisor(home.children_file))
        direct = start_servers(supervisor, home, read_secrets(home))
        redis, postgres = (Proxy(urlsplit(url).port or 0) for url in (direct.redis_url, direct.database_url))
        port = free_port()
        plan = _Plan(home, direct, _through(direct, redis, postgres), environment, port)
        supervisor.run(plan.migration())
        supervisor.start_all(plan.processes())
        service = Hurtable(f"http://127.0.0.1:{port}", direct, supervisor, home.folder, redis, postgres)
        service.until(lambda: answers(port))
        yield service
        for proxy in (redis, postgres):
            proxy.behave()
            stack.callback(proxy.close)


@dataclass(frozen=True)
class _Plan:
    """What is started, and how."""

    home: Home
    direct: Addresses
    seen: Addresses
    environment: dict[str, str]
    port: int

    def migration(self) -> ChildSpec:
        """Say how to make the tables."""
        owner = {"DATABASE_URL": self.direct.database_url} | role_passwords(self.direct)
        return self._spec("migrate", (*ASSETMIX, "migrate"), owner)

    def processes(self) -> list[ChildSpec]:
        """Say how to start our own processes."""
        worker, api = (sys.executable, "-m", "tests.faults.worker"), (sys.executable, "-m", "tests.faults.api")
        roles = ("worker", "app", "scheduler")
        as_worker, as_app, as_scheduler = (role_environment(self.seen, role) for role in roles)
        skewed = as_worker | {"SKEW_SECONDS": "600"}
        return [
            self._spec(WORKERS[0], (*worker, "worker", "--processes", "1"), as_worker),
            self._spec(WORKERS[1], (*worker, "worker", "--processes", "1"), skewed),
            *(self._spec(name, (*ASSETMIX, "scheduler"), as_scheduler) for name in SCHEDULERS),
            self._spec("api", (*api, "serve", "--port", str(self.port)), as_app),
        ]

    def _spec(self, name: str, argv: tuple[str, ...], own: dict[str, str]) -> ChildSpec:
        environment = _environment(self.seen) | self.environment | own
        log_file = self.home.logs_folder / f"{name}.log"
        return ChildSpec(name=name, argv=argv, log_file=log_file, environment=environment, folder=ROOT)


def _environment(addresses: Addresses) -> dict[str, str]:
    own = {"DATABASE_URL": addresses.database_url, "REDIS_URL": addresses.redis_url, "ASSETMIX_KEY_PEPPER": PEPPER}
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    return {"PATH": os.environ["PATH"]} | own | threads


def _through(direct: Addresses, redis: Proxy, postgres: Proxy) -> Addresses:
    urls = ((direct.database_url, postgres), (direct.redis_url, redis))
    database_url, redis_url = (_at_port(url, proxy.port) for url, proxy in urls)
    return Addresses(database_url, redis_url, direct.role_passwords)


def _at_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()


def _living(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def _of(process: psutil.Process, kind: str) -> bool:
    try:
        return f"tests.faults.{kind}" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


@contextmanager
def tracked(service: Hurtable, tenant: str) -> Iterator[httpx.Client]:
    """A client of a tenant that has a market, and a strategy `track` to apply to it."""
    with service.client(tenant) as client:
        load_market(client, make_snapshot())
        client.put("/v1/strategies/track", json=strategy_document()).raise_for_status()
        yield client
