"""The whole stack in one call: servers, migration, our own processes, and what runs in front of them."""

import http.client
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from assetmix.stack.child import ChildSpec
from assetmix.stack.foreground import Foreground, ForegroundThread, Running
from assetmix.stack.home import Home, Secrets, open_home, read_secrets
from assetmix.stack.ports import LOOPBACK, require_free
from assetmix.stack.servers import Addresses, start_servers
from assetmix.stack.signals import StopSignals
from assetmix.stack.supervisor import StopRequested, Supervisor

_TEND_SECONDS = 0.1
_ANSWER_SECONDS = 2.0


@dataclass(frozen=True)
class Program:
    """The commands of our own processes."""

    migrate: tuple[str, ...]
    worker: tuple[str, ...]
    scheduler: tuple[str, ...]
    serve: tuple[str, ...]


@dataclass(frozen=True)
class LaunchOptions:
    """What to launch, and where; `program` says which commands, by default those of assetmix."""

    home: Path
    port: int = 8000
    worker_processes: int = 2
    program: Callable[["LaunchOptions"], Program] | None = None


def assetmix_program(options: LaunchOptions) -> Program:
    """Give the commands of assetmix itself."""
    command = (sys.executable, "-m", "assetmix")
    return Program(
        migrate=(*command, "migrate"),
        worker=(*command, "worker", "--processes", str(options.worker_processes)),
        scheduler=(*command, "scheduler"),
        serve=(*command, "serve", "--port", str(options.port)),
    )


def launch(options: LaunchOptions, foreground: Foreground | None = None) -> int:
    """Start everything, run the foreground, and stop everything.

    Call it from the main thread. A foreground that returns a number ends the stack with that exit code;
    one that returns nothing, or none at all, leaves it serving until SIGINT, SIGTERM or SIGHUP.

    Returns
    -------
    int, the exit code; 0 after a signal

    Raises
    ------
    StackError
        when something does not start; a failure of the foreground is raised as it is.
    """
    with StopSignals() as signals, open_home(options.home) as home:
        require_free(options.port)
        try:
            with Supervisor(home.children_file, signals.asked) as supervisor:
                running = _start(supervisor, home, options)
                front = ForegroundThread(foreground or _nothing, running)
                exit_code = _stay(supervisor, front, signals)
        except StopRequested:
            return 0
        front.join()
        return exit_code


def _start(supervisor: Supervisor, home: Home, options: LaunchOptions) -> Running:
    secrets = read_secrets(home)
    addresses = start_servers(supervisor, home, secrets)
    environment = _environment(home, addresses, secrets)
    key_pepper = environment["ASSETMIX_KEY_PEPPER"]
    supervisor.hide(key_pepper)
    program = (options.program or assetmix_program)(options)
    supervisor.run(_own_spec("migrate", program.migrate, home, environment | role_passwords(addresses)))
    supervisor.start_all(_own_specs(program, home, addresses, environment, options.port))
    return Running(f"http://{LOOPBACK}:{options.port}", home, addresses, key_pepper)


def _environment(home: Home, addresses: Addresses, secrets: Secrets) -> dict[str, str]:
    return {
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
        # Keys in a database from outside were made with a pepper from outside.
        "ASSETMIX_KEY_PEPPER": os.environ.get("ASSETMIX_KEY_PEPPER") or secrets.key_pepper,
        "ASSETMIX_HOME": str(home.folder),
        # Several workers share the machine, and thread pools do not survive a fork.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
        # Less than a worker is given to stop, so that it can give back what it has not finished.
        "ASSETMIX_GRACE_SECONDS": "10",
    }


def role_passwords(addresses: Addresses) -> dict[str, str]:
    """Give the environment that lets the migration hand out the passwords of the database's roles."""
    return {f"ASSETMIX_{role.upper()}_PASSWORD": password for role, password in addresses.role_passwords.items()}


def role_environment(addresses: Addresses, role: str) -> dict[str, str]:
    """Give the environment that has a process log in to the database as what it is."""
    own = {"DATABASE_URL": addresses.role_url(role)}
    return own | ({"METRICS_DATABASE_URL": addresses.role_url("metrics")} if role == "app" else {})


def _own_specs(
    program: Program, home: Home, addresses: Addresses, environment: dict[str, str], port: int
) -> list[ChildSpec]:
    # What is started first is stopped last.
    worker = _own_spec("worker", program.worker, home, environment | role_environment(addresses, "worker"))
    as_scheduler = environment | role_environment(addresses, "scheduler")
    scheduler = _own_spec("scheduler", program.scheduler, home, as_scheduler)
    api = _own_spec("api", program.serve, home, environment | role_environment(addresses, "app"))
    # A worker finishes what it has begun, within reason; what it loses is found by its lease.
    patient = replace(worker, stop_seconds=15.0)
    return [patient, scheduler, replace(api, ready=partial(_is_ready, port), ready_seconds=60.0)]


def _own_spec(name: str, argv: tuple[str, ...], home: Home, environment: Mapping[str, str]) -> ChildSpec:
    log_file = home.logs_folder / f"{name}.log"
    return ChildSpec(name=name, argv=argv, log_file=log_file, environment=environment)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _nothing(running: Running) -> None:
    """Serve and do no more."""


def _stay(supervisor: Supervisor, front: ForegroundThread, signals: StopSignals) -> int:
    while not signals.asked():
        supervisor.tend()
        exit_code = front.result()
        if exit_code is not None:
            return exit_code
        time.sleep(_TEND_SECONDS)
    return 0
