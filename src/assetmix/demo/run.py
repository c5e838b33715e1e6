"""Runs the demo in front of a running stack."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from rich.console import Console

from assetmix.demo.client import DemoClient
from assetmix.demo.tables import WIDTH, show


@dataclass(frozen=True, slots=True)
class Place:
    """Where the service answers and where the demo's key is kept."""

    base_url: str
    key_file: Path
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    key_pepper: str = field(repr=False)


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
    from assetmix.demo.keys import make_key  # noqa: PLC0415 - loads the database's driver, once in a home's life

    text = make_key(place.database_url, place.redis_url, place.key_pepper)
    place.key_file.touch(mode=0o600)
    place.key_file.chmod(0o600)
    place.key_file.write_text(text + "\n", encoding="utf-8")
    return text


def _show_address(console: Console, place: Place, portfolio: str) -> None:
    console.print(f"\naddress   {place.base_url}")
    console.print(f"key file  {place.key_file}", soft_wrap=True)
    console.print("try       ", end="")
    address = f"{place.base_url}/portfolios/{portfolio}/optimizations/latest/"
    console.print(f'curl -H "Authorization: Bearer $(cat {place.key_file})" {address}', soft_wrap=True)
