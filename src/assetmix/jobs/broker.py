"""The Celery application: its settings are what makes a ring cheap and losing one harmless.

A ring says that there is work, nothing else; the rows in Postgres are the work.
"""

from contextlib import suppress

from celery import Celery
from kombu.exceptions import OperationalError
from redis.asyncio import Redis
from redis.exceptions import RedisError

WORK = "assetmix.work"
"""Name of the one task: claim the next eligible run and see it through."""

SIGN = "assetmix.sign"
"""Name of the task that a worker sends itself: write down that this worker hears."""

QUEUE = "assetmix"
"""Where every worker listens; beside it each has a queue of its own for its signs."""

LONGEST_TASK_SECONDS = 900
"""Celery's own hard limit; far above the longest solve, which the supervising child ends itself."""


async def is_reachable(redis_url: str, seconds: float = 1.0) -> bool:
    """Whether the broker answers in time."""
    client = Redis.from_url(redis_url, socket_connect_timeout=seconds, socket_timeout=seconds)
    try:
        return bool(await client.ping())
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()


def make_celery(redis_url: str) -> Celery:
    """Make the Celery application on a broker."""
    app = Celery("assetmix", broker=redis_url)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_time_limit=LONGEST_TASK_SECONDS,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "visibility_timeout": 2 * LONGEST_TASK_SECONDS,
            "socket_connect_timeout": 2,
            "socket_timeout": 10,
            "socket_keepalive": True,
        },
    )
    return app


def forget_queue(app: Celery, name: str) -> None:
    """Delete a queue that nobody will listen to again; if the broker is away, it stays."""
    with suppress(OperationalError, OSError, RedisError), app.connection_for_write(connect_timeout=2) as connection:
        connection.connect()  # once; the default channel would try again and again
        connection.channel().queue_delete(name)
