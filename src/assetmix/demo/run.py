"""Runs the demo in front of a running stack."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console

from assetmix.demo import content
from assetmix.demo.client import DemoClient
from assetmix.demo.tables import WIDTH, show
from assetmix.jobs.broker import make_celery
from assetmix.jobs.doorbell import Doorbell
from assetmix.optimization.memory import Memory
from assetmix.persistence.session import Database
from assetmix.services.context import House
from assetmix.services.keys import SCOPES, create_key
from assetmix.settings import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """Where the service answers and where the demo's key is kept."""

    base_url: str
    key_file: Path
    settings: Settings


def run_demo(place: Place) -> bool:
    """Load the demo, rebalance once, print the answer; whether it succeeded."""
    console = Console(width=None if os.isatty(1) else WIDTH, highlight=False)
    key = demo_key(place)
    with console.status("demo") as status:

        def say(line: str) -> None:
            console.print(f"  {line}")
            status.update(line)

        client = DemoClient(place.base_url, key, say)
        client.load()
        run = client.rebalance()
        portfolio = client.portfolio_id()
        client.close()
    show(run, console)
    _show_address(console, place, portfolio)
    return bool(run["status"] == "succeeded")


def demo_key(place: Place) -> str:
    """Give the demo tenant's key, made and written to its file (0600) where there is no valid one."""
    if place.key_file.exists():
        kept = place.key_file.read_text(encoding="utf-8").strip()
        headers = {"Authorization": f"Bearer {kept}"}
        if httpx.get(f"{place.base_url}/v1/strategies", headers=headers, trust_env=False).status_code == httpx.codes.OK:
            return kept
    text = asyncio.run(_make_key(place.settings))
    place.key_file.touch(mode=0o600)
    place.key_file.chmod(0o600)
    place.key_file.write_text(text + "\n", encoding="utf-8")
    return text


async def _make_key(settings: Settings) -> str:
    database = Database(settings.async_database_url, 1)
    bell = Doorbell(make_celery(settings.redis_url.get_secret_value()))
    key = await create_key(House(database, bell, settings, Memory(1)), content.TENANT, SCOPES, "demo")
    await database.close()
    return key.text


def _show_address(console: Console, place: Place, portfolio: str) -> None:
    console.print(f"\naddress   {place.base_url}")
    console.print(f"key file  {place.key_file}", soft_wrap=True)
    console.print("try       ", end="")
    address = f"{place.base_url}/portfolios/{portfolio}/optimizations/latest/"
    console.print(f'curl -H "Authorization: Bearer $(cat {place.key_file})" {address}', soft_wrap=True)
