"""The command line: `assetmix --help`."""

import asyncio
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from assetmix import __version__, logs
from assetmix.errors import Error
from assetmix.stack.foreground import Running
from assetmix.stack.home import StackError, home_folder
from assetmix.stack.launch import LaunchOptions, launch

if TYPE_CHECKING:
    from assetmix.services.context import House

T = TypeVar("T")

app = typer.Typer(
    name="assetmix",
    help="Portfolio optimization over HTTP, verified and explained. `assetmix up` starts everything.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
keys_app = typer.Typer(help="Make, list and revoke the keys of tenants.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")

Port = Annotated[int, typer.Option(envvar="PORT", help="Port on 127.0.0.1.", min=1, max=65535)]
Processes = Annotated[int, typer.Option(help="Worker processes, each with a solver of its own.", min=1, max=64)]

LOCAL = "http://127.0.0.1:8000"
WIDTH = 118
"""Columns of what is printed into a file."""

HEADER_BYTES = 16_384
GRACE_SECONDS = 20
APPLICATION = "assetmix.app:create_app"
"""What `serve` serves."""


def main() -> None:
    """Run the command line; an expected error is one line."""
    try:
        app()
    except (StackError, Error) as error:
        sys.stderr.write(f"assetmix: {error}\n")
        sys.exit(1)


@app.command()
def up(port: Port = 8000, processes: Processes = 2, *, once: bool = False) -> None:
    """Start servers, workers and API, run the demo, serve until Ctrl-C (or end after the demo with --once)."""
    from assetmix.demo.run import Place, run_demo  # noqa: PLC0415 - loads an HTTP client that other commands need not

    def demo(running: Running) -> int | None:
        addresses = running.addresses
        place = Place(
            running.base_url,
            running.home.demo_key_file,
            addresses.database_url,
            addresses.redis_url,
            running.key_pepper,
        )
        succeeded = run_demo(place)
        if once or not succeeded:
            return 0 if succeeded else 1
        sys.stdout.write("\nserving until Ctrl-C\n")
        sys.stdout.flush()
        return None

    options = LaunchOptions(home=home_folder(os.environ), port=port, worker_processes=processes)
    raise typer.Exit(launch(options, demo))


@app.command()
def serve(port: Port = 8000, host: str = "127.0.0.1") -> None:
    """Serve the API; needs DATABASE_URL, REDIS_URL and ASSETMIX_KEY_PEPPER."""
    from uvicorn import Config  # noqa: PLC0415 - only this command serves

    from assetmix.serving import HurriedH11, Server  # noqa: PLC0415 - loads the HTTP server
    from assetmix.settings import settings  # noqa: PLC0415

    logs.set_up()
    HurriedH11.patience_seconds = settings().patience_seconds
    config = Config(
        APPLICATION,
        factory=True,
        host=host,
        port=port,
        http=HurriedH11,
        h11_max_incomplete_event_size=HEADER_BYTES,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    Server(config, settings().drain_seconds).run()


@app.command()
def worker(processes: Processes = 2) -> None:
    """Run a Celery worker; needs the same environment as serve."""
    from assetmix.worker import celery, queues  # noqa: PLC0415 - reads the environment

    options = ["--pool=prefork", f"--concurrency={processes}", "--without-gossip", "--without-mingle"]
    names = [f"--queues={','.join(queues(os.getpid()))}", f"--hostname=assetmix-{os.getpid()}@%h"]
    celery.worker_main(["worker", "--loglevel=WARNING", *names, *options])


@app.command("worker-health")
def worker_health(seconds: float = 60.0) -> None:
    """Tell by the exit code whether a worker of this host was heard of within so many seconds."""
    from assetmix.services.lifecycle import is_hearing  # noqa: PLC0415 - reads the environment

    hearing = asyncio.run(_in_house(lambda house: is_hearing(house, socket.gethostname(), seconds)))
    sys.stdout.write("hearing\n" if hearing else "no sign of life\n")
    raise typer.Exit(0 if hearing else 1)


@app.command()
def scheduler() -> None:
    """Sweep the queue for runs of lost workers and forgotten bells; any number may run."""
    from assetmix.scheduler import run  # noqa: PLC0415
    from assetmix.settings import settings  # noqa: PLC0415

    logs.set_up()
    asyncio.run(run(settings()))


@app.command()
def migrate(revision: str = "head") -> None:
    """Bring the database's tables up to this version; needs DATABASE_URL of a user who may make roles.

    Roles for the other processes (named after the database: …_app, …_worker, …_scheduler, …_metrics) may
    log in once ASSETMIX_APP_PASSWORD, ASSETMIX_WORKER_PASSWORD and so on are given here.
    """
    from assetmix.persistence.revisions import applied_revision, newest_revision  # noqa: PLC0415
    from assetmix.persistence.roles import ROLES, allow_logins  # noqa: PLC0415 - loads the database's driver

    address = os.environ.get("DATABASE_URL", "")
    if not address:
        raise StackError("DATABASE_URL is not set; it reads postgresql://user:password@host:port/database")
    if revision != "head" or asyncio.run(applied_revision(address)) != newest_revision():
        from assetmix.persistence.migrate import upgrade  # noqa: PLC0415 - loads alembic, which most starts need not

        upgrade(revision)
    given = {role: os.environ.get(f"ASSETMIX_{role.upper()}_PASSWORD") for role in ROLES}
    asyncio.run(allow_logins(address, {role: password for role, password in given.items() if password}))


@app.command()
def backtest(
    asked: Annotated[Path, typer.Argument(help="File with the JSON body of POST /v1/backtests; - for standard input.")],
    url: Annotated[str, typer.Option(envvar="ASSETMIX_URL", help="Where the service answers.")] = LOCAL,
    key: Annotated[str, typer.Option(envvar="ASSETMIX_KEY", help="A key; the demo's unless given.")] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")] = False,
) -> None:
    """Walk a strategy through past sessions on a running service, and print the tear sheet.

    A body names a portfolio and a strategy, or gives them whole:
    {"portfolio": "demo", "strategy": "minimum-variance", "from": "2015-01-02", "to": "2022-12-28"}
    """
    import json  # noqa: PLC0415

    from assetmix.commands.backtest import Service, run_backtest, show  # noqa: PLC0415 - loads an HTTP client

    body = sys.stdin.buffer.read() if str(asked) == "-" else asked.read_bytes()
    kept = home_folder(os.environ) / "demo.key"
    chosen = key or (kept.read_text("utf-8").strip() if kept.is_file() else "")
    if not chosen:
        raise StackError("no key: set ASSETMIX_KEY, or start the demo with `assetmix up`")
    result = run_backtest(Service(url, chosen), body, Console(stderr=True))
    if as_json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        show(result, Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False))


@app.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    import json  # noqa: PLC0415

    from assetmix.app import create_app  # noqa: PLC0415
    from assetmix.settings import Settings  # noqa: PLC0415

    nowhere = Settings(database_url="postgresql://nowhere", redis_url="redis://nowhere", key_pepper="none")
    sys.stdout.write(json.dumps(create_app(nowhere).openapi(), indent=2, sort_keys=True) + "\n")


@app.command()
def version() -> None:
    """Print the version."""
    sys.stdout.write(f"assetmix {__version__}\n")


@keys_app.command("create")
def create_key(
    tenant: str,
    scope: Annotated[
        list[str] | None, typer.Option(help="One of read, write, optimizations:run; all unless given.")
    ] = None,
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    days: Annotated[int | None, typer.Option(help="After so many days it ends.", min=1, max=3650)] = None,
) -> None:
    """Make a key for a tenant (made too if it is new) and print it, this once."""
    from assetmix.services import keys  # noqa: PLC0415 - reads the environment

    chosen = tuple(scope) if scope else keys.SCOPES
    made = asyncio.run(_in_house(lambda house: keys.create_key(house, tenant, chosen, label, days)))
    sys.stdout.write(f"{made.text}\n")


@keys_app.command("list")
def list_keys(tenant: str) -> None:
    """List the keys of a tenant by their public part."""
    from assetmix.services import keys  # noqa: PLC0415

    table = Table("key", "scopes", "label", "created", "expires", "revoked")
    for row in asyncio.run(_in_house(lambda house: keys.list_keys(house, tenant))):
        table.add_row(*(", ".join(value) if isinstance(value, list) else str(value or "") for value in row.values()))
    Console().print(table)


@keys_app.command("revoke")
def revoke_key(key: Annotated[str, typer.Argument(help="Public part of the key.")]) -> None:
    """Revoke a key; it stops working at once."""
    from assetmix.services import keys  # noqa: PLC0415

    asyncio.run(_in_house(lambda house: keys.revoke_key(house, key)))
    sys.stdout.write(f"{key} is revoked\n")


async def _in_house(use: Callable[["House"], Awaitable[T]]) -> T:
    from assetmix.jobs.broker import make_celery  # noqa: PLC0415
    from assetmix.jobs.doorbell import Doorbell  # noqa: PLC0415
    from assetmix.optimization.memory import Memory  # noqa: PLC0415
    from assetmix.persistence.session import Database  # noqa: PLC0415
    from assetmix.services.context import House  # noqa: PLC0415
    from assetmix.settings import settings  # noqa: PLC0415

    chosen = settings()
    database = Database(chosen.async_database_url, 1)
    house = House(database, Doorbell(make_celery(chosen.redis_url.get_secret_value())), chosen, Memory(1))
    try:
        return await use(house)
    finally:
        await database.close()
