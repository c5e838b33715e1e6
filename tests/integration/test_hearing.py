"""Whether a worker hears: known by what comes back through a real queue, never by a ping."""

from collections.abc import Iterator

import pytest
from redis import Redis

from assetmix.jobs.broker import make_celery
from assetmix.jobs.hearing import Ears, Hearing
from assetmix.stack.ports import free_port
from tests.service import Service


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def ears(busy: int = 0) -> Ears:
    return Ears(
        queue="signs-of-a-test", processes=2, busy=lambda: busy, sign_seconds=10.0, deaf_seconds=60.0, force_seconds=1.0
    )


@pytest.fixture
def signs(service: Service) -> Iterator[Redis]:
    redis = Redis.from_url(service.addresses.redis_url)
    yield redis
    redis.delete("signs-of-a-test")
    redis.close()


def test_who_hears_nothing_though_the_queue_takes_signs_is_deaf(service: Service, signs: Redis) -> None:
    clock = Clock()
    hearing = Hearing(make_celery(service.addresses.redis_url), ears(), clock)

    heard = [hearing.look()]
    clock.now = 59.0
    heard.append(hearing.look())
    clock.now = 61.0
    heard.append(hearing.look())

    assert heard == [True, True, False]
    assert signs.llen("signs-of-a-test") == 3


def test_whatever_comes_shows_that_something_comes(service: Service, signs: Redis) -> None:
    clock = Clock()
    hearing = Hearing(make_celery(service.addresses.redis_url), ears(), clock)

    clock.now = 50.0
    hearing.heard()
    clock.now = 100.0

    assert hearing.look()


def test_a_busy_worker_takes_nothing_and_is_not_deaf(service: Service, signs: Redis) -> None:
    clock = Clock()
    hearing = Hearing(make_celery(service.addresses.redis_url), ears(busy=2), clock)

    clock.now = 1000.0

    assert hearing.look()


def test_without_a_queue_nobody_is_deaf() -> None:
    clock = Clock()
    hearing = Hearing(make_celery(f"redis://127.0.0.1:{free_port()}/0"), ears(), clock)

    clock.now = 1000.0

    assert hearing.look()
