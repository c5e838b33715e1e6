"""The real stack for tests: real Postgres, real Valkey, our own processes, real HTTP."""

import asyncio
import datetime as dt
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx

from assetmix.codec.documents import INSTRUMENT
from assetmix.domain.snapshot import Snapshot
from assetmix.jobs.broker import make_celery
from assetmix.jobs.doorbell import Doorbell
from assetmix.optimization.memory import Memory
from assetmix.persistence.session import Database
from assetmix.services.context import House
from assetmix.services.keys import SCOPES, create_key
from assetmix.settings import Settings
from assetmix.stack.child import ChildSpec
from assetmix.stack.home import open_home, read_secrets
from assetmix.stack.launch import LaunchOptions, assetmix_program, role_environment, role_passwords
from assetmix.stack.ports import free_port
from assetmix.stack.servers import Addresses, start_servers
from assetmix.stack.supervisor import Supervisor

T = TypeVar("T")

PEPPER = "pepper of the tests"
PATIENCE_SECONDS = 60.0
QUICK = {
    "ASSETMIX_LEASE_SECONDS": "3",
    "ASSETMIX_HEARTBEAT_SECONDS": "0.3",
    "ASSETMIX_RING_SECONDS": "1",
    "ASSETMIX_RING_SECONDS_MOST": "2",
    "ASSETMIX_REAP_SECONDS": "0.2",
    "ASSETMIX_SIGN_SECONDS": "1",
    "ASSETMIX_GRACE_SECONDS": "1",
    "ASSETMIX_PATIENCE_SECONDS": "2",
    "ASSETMIX_NIGHTLY_HOUR": "null",
    "ASSETMIX_WEBHOOK_NETWORKS": '["127.0.0.0/8"]',
    "ASSETMIX_WEBHOOK_PAUSES": "[0, 0.2, 0.4, 0.8]",
    "ASSETMIX_WEBHOOK_SECONDS": "2",
}
"""Short leases, so that a lost worker is noticed within a test's patience."""

UNHURRIED = {name: QUICK[name] for name in ("ASSETMIX_NIGHTLY_HOUR", "ASSETMIX_GRACE_SECONDS")}
"""The service's own leases and pauses, for what is measured; it ends soon all the same."""


@dataclass(frozen=True)
class Service:
    """A running stack."""

    base_url: str
    addresses: Addresses
    supervisor: Supervisor
    folder: Path

    def client(self, tenant: str, scopes: tuple[str, ...] = SCOPES) -> httpx.Client:
        """An HTTP client with a new key of a tenant."""
        headers = {"Authorization": f"Bearer {self.key(tenant, scopes)}"}
        return httpx.Client(base_url=self.base_url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False)

    def key(self, tenant: str, scopes: tuple[str, ...] = SCOPES) -> str:
        """A new key of a tenant."""
        return asyncio.run(self._make_key(tenant, scopes))

    def sql(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Ask the database."""
        return asyncio.run(self._ask(query, *arguments))

    def log(self, name: str) -> list[dict[str, Any]]:
        """What a process of the stack has logged."""
        text = (self.folder / "logs" / f"{name}.log").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def settings(self) -> Settings:
        """Settings of the stack's processes."""
        return Settings(database_url=self.addresses.database_url, redis_url=self.addresses.redis_url, key_pepper=PEPPER)

    def ended(self, client: httpx.Client, run_id: str) -> dict[str, Any]:
        """Poll a run until it has ended."""

        def look() -> dict[str, Any] | None:
            run: dict[str, Any] = client.get(f"/v1/optimizations/{run_id}").raise_for_status().json()
            return None if run["status"] in {"queued", "running"} else run

        return self.until(look)

    def until(self, look: Callable[[], T | None], seconds: float = PATIENCE_SECONDS) -> T:
        """Look again and again until there is something, restarting whatever has died meanwhile."""
        deadline = time.monotonic() + seconds
        while True:
            self.supervisor.tend()
            found = look()
            if found:
                return found
            assert time.monotonic() < deadline, "nothing came in time"
            time.sleep(0.02)

    async def _make_key(self, tenant: str, scopes: tuple[str, ...]) -> str:
        settings = self.settings()
        database = Database(settings.async_database_url, 1)
        bell = Doorbell(make_celery(settings.redis_url.get_secret_value()))
        key = await create_key(House(database, bell, settings, Memory(1)), tenant, scopes, "test")
        await database.close()
        return key.text

    async def _ask(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.addresses.database_url)
        try:
            return list(await connection.fetch(query, *arguments))
        finally:
            await connection.close()


@contextmanager
def running_service(processes: int = 2, patience: Mapping[str, str] = QUICK) -> Iterator[Service]:
    """Start servers, migration, worker, scheduler and API in a temporary folder; stop them all at the end.

    Tests have short leases and pauses; without that `patience` they are the service's own.
    """
    with tempfile.TemporaryDirectory(prefix="assetmix-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postgres does not run as root and has to pass
        with open_home(folder / "home") as home, Supervisor(home.children_file) as supervisor:
            addresses = start_servers(supervisor, home, read_secrets(home))
            port = free_port()
            program = assetmix_program(LaunchOptions(home=home.folder, port=port, worker_processes=processes))
            environment = environment_of(addresses) | patience
            logs = home.logs_folder

            def spec(name: str, argv: tuple[str, ...], **more: Any) -> ChildSpec:
                role = {"api": "app", "scheduler": "scheduler"}.get(name, "worker")
                own = environment | role_environment(addresses, role)
                return ChildSpec(name=name, argv=argv, log_file=logs / f"{name}.log", environment=own, **more)

            owner = environment | role_passwords(addresses)
            supervisor.run(replace(spec("migrate", program.migrate), environment=owner))
            ready = {"ready": lambda: answers(port), "ready_seconds": PATIENCE_SECONDS}
            supervisor.start_all(
                [
                    spec("worker", program.worker),
                    spec("scheduler", program.scheduler),
                    spec("api", program.serve, **ready),
                ]
            )
            yield Service(f"http://127.0.0.1:{port}", addresses, supervisor, home.folder)


def environment_of(addresses: Addresses) -> dict[str, str]:
    """Environment of our own processes."""
    own = {"DATABASE_URL": addresses.database_url, "REDIS_URL": addresses.redis_url, "ASSETMIX_KEY_PEPPER": PEPPER}
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {"PATH": os.environ["PATH"], "PYTHON": sys.executable} | own | threads


def load_market(client: httpx.Client, snapshot: Snapshot, tag: str = "stock") -> None:
    """Load a snapshot's instruments and history over HTTP."""
    documents = [INSTRUMENT.write(one) | ({"tags": [tag]} if one.tradable else {}) for one in snapshot.instruments]
    client.put("/v1/instruments", json={"instruments": documents}).raise_for_status()
    ids = ",".join(one.id for one in snapshot.instruments)
    lines = [
        ",".join([dt.date.fromordinal(int(day)).isoformat(), *(repr(float(price)) for price in row)])
        for day, row in zip(snapshot.dates, snapshot.history, strict=True)
    ]
    table = "\n".join([f"date,{ids}", *lines])
    client.put("/v1/prices", content=table, headers={"Content-Type": "text/csv"}).raise_for_status()


def strategy_document(measure: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A strategy as the native dialect takes it."""
    chosen = measure or {"kind": "tracking_error_squared"}
    return {
        "universe": {"tags": ["stock"]},
        "benchmark": {"INDEX": 1.0},
        "objective": {"sense": "minimize", "terms": [{"measure": chosen, "weight": 1.0}]},
        "risk_model": {"kind": "sample"},
        "trading": {"cost_fraction": 0.001},
    } | fields


def body_of(response: httpx.Response) -> dict[str, Any]:
    """JSON body, whatever the status."""
    return dict(json.loads(response.content))


def answers(port: int) -> bool:
    """Whether the API on a port is ready."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
