"""The nightly sweep: every managed portfolio once a day, whoever dies meanwhile, and nobody else's."""

import asyncio

import httpx

from assetmix.jobs.broker import make_celery
from assetmix.jobs.doorbell import Doorbell
from assetmix.optimization.memory import Memory
from assetmix.persistence.session import Database
from assetmix.services import nights
from assetmix.services.context import House
from tests import robo
from tests.service import Service, body_of

ACCOUNTS = 6


async def begin(service: Service) -> bool:
    """What the scheduler does at its hour; here the hour is always there."""
    settings = service.settings().model_copy(update={"nightly_hour": 0})
    database = Database(settings.async_database_url, 1)
    bell = Doorbell(make_celery(settings.redis_url.get_secret_value()))
    begun = await nights.begin_night(House(database, bell, settings, Memory(1)))
    await database.close()
    return begun


def made(client: httpx.Client, address: str, body: dict[str, object]) -> str:
    return str(body_of(client.post(address, json=body).raise_for_status())["id"])


def accounts(client: httpx.Client) -> tuple[list[str], str]:
    """Portfolios that are managed, made before there are prices; and one that its user manages."""
    client.put("/v1/instruments", json={"instruments": robo.instruments()}).raise_for_status()
    policy = made(client, "/robo-advisor/policies/", robo.policy())
    owner = made(client, "/users/", {})
    managed = [
        made(client, "/portfolios/", robo.portfolio(owner, policy, {"$USD": 1000.0 + i})) for i in range(ACCOUNTS)
    ]
    own = made(client, "/portfolios/", robo.portfolio(owner, policy, {"$USD": 5.0}, manager="USER_MANAGED"))
    gone = made(client, "/portfolios/", robo.portfolio(owner, policy, {"$USD": 6.0}))
    client.delete(f"/portfolios/{gone}/").raise_for_status()
    statuses = {client.get(f"/portfolios/{key}/optimizations/latest/").json()["status"] for key in managed}
    assert statuses == {"FAILURE"}
    return managed, own


def test_every_managed_portfolio_is_swept_once_a_day(service: Service, client: httpx.Client) -> None:
    managed, own = accounts(client)
    client.put("/v1/prices", content=robo.history(), headers={"Content-Type": "text/csv"}).raise_for_status()
    service.sql("delete from nights")

    assert asyncio.run(begin(service)) is True
    assert asyncio.run(begin(service)) is False

    def looked() -> list[str] | None:
        answers = [client.get(f"/portfolios/{key}/optimizations/latest/") for key in managed]
        done = all(one.status_code == 200 and one.json()["status"] == "SUCCESS" for one in answers)
        return [one.json()["id"] for one in answers] if done else None

    runs = service.until(looked)
    assert len(set(runs)) == ACCOUNTS
    assert client.get(f"/portfolios/{own}/optimizations/latest/").status_code == 404
    assert service.sql("select count(*) from due")[0][0] == 0
    query = "select actor from audit where action = 'optimization.request' and subject = any($1::text[])"
    assert {row["actor"] for row in service.sql(query, runs)} == {"scheduler"}
