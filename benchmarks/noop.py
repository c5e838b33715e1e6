"""The bare stack: FastAPI, Celery and Redis with a task that does nothing; what HTTP and a queue take by themselves."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection

import httpx
from celery import Celery
from fastapi import FastAPI

from assetmix.stack.ports import free_port

VARIABLE = "NOOP_REDIS_URL"
URL = os.environ.get(VARIABLE, "redis://127.0.0.1")
START_SECONDS, STOP_SECONDS, ANSWER_SECONDS = 30.0, 20.0, 20.0

celery = Celery("noop", broker=URL, backend=URL)
celery.conf.update(task_default_queue="noop", worker_prefetch_multiplier=1, task_acks_late=True)
web = FastAPI()


@celery.task(name="noop")  # type: ignore[untyped-decorator]  # celery has no types
def nothing() -> None:
    """Do nothing."""


@web.post("/noop")
async def ask_for_nothing() -> dict[str, str]:
    """Have a worker do nothing, and wait until it has."""
    sent = await asyncio.to_thread(nothing.apply_async)
    await asyncio.to_thread(sent.get, timeout=ANSWER_SECONDS)
    return {}


@contextmanager
def bare_stack(redis_url: str) -> Iterator[HTTPConnection]:
    """Start a worker and a server beside a Redis that runs already; give a connection to the server."""
    port = free_port()
    programs = (
        ("celery", "-A", "benchmarks.noop:celery", "worker", "-c", "1", "-Q", "noop", "-l", "error"),
        ("uvicorn", "benchmarks.noop:web", "--port", str(port), "--log-level", "error"),
    )
    environment = os.environ | {VARIABLE: redis_url, "PYTHONWARNINGS": "ignore"}
    with ExitStack() as stack:
        for program in programs:
            command = (sys.executable, "-m", *program)
            started = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
            stack.callback(started.wait, STOP_SECONDS)
            stack.callback(started.terminate)
        connection = HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
        stack.callback(connection.close)
        _wait_for(connection)
        yield connection


def milliseconds(connection: HTTPConnection) -> float:
    """From sending a request for nothing to its answer."""
    started = time.perf_counter()
    connection.request("POST", "/noop")
    answer = connection.getresponse()
    answer.read()
    assert answer.status == httpx.codes.OK
    return 1000 * (time.perf_counter() - started)


def _wait_for(connection: HTTPConnection) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            milliseconds(connection)
        except OSError:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)  # nothing tells when the server listens
        else:
            return
