"""The demo as an HTTP client: everything it does, any caller can do."""

import time
from collections.abc import Callable
from typing import Any

import httpx

from assetmix.demo import content
from assetmix.errors import Unavailable
from assetmix.marketdata.demo_source import demo_tables

Say = Callable[[str], None]

PATIENCE_SECONDS = 120.0
POLL_SECONDS = 0.05


class DemoClient:
    """Loads the demo and asks for one rebalance."""

    def __init__(self, base_url: str, key: str, say: Say) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False)
        self._say = say

    def load(self) -> None:
        """Load instruments, prices, strategies and the portfolio, unless they are there."""
        if self._is_loaded():
            self._say("the demo's data are there already")
            return
        stored = self._put("/v1/instruments", {"instruments": content.instruments()})
        self._say(f"instruments: {stored['created']} created, {stored['updated']} updated")
        for table in demo_tables(content.ids()):
            written = self._send_csv(table)
            self._say(f"prices: {written['inserted']} days inserted through {content.LAST_DAY}")
        for name, strategy in content.strategies().items():
            number = self._put(f"/v1/strategies/{name}", strategy)["strategy_id"]
            self._say(f"strategy {number}: {name}")
        portfolio = self._put(f"/v1/portfolios/{content.PORTFOLIO}", content.portfolio())
        self._say(f"portfolio {portfolio['id']}: {content.PORTFOLIO}")

    def rebalance(self) -> dict[str, Any]:
        """Rebalance the portfolio with its strategy; gives the run when it has ended."""
        listed = {one["name"]: one["strategy_id"] for one in self._get("/strategy")}
        wanted = {"client_reference": content.PORTFOLIO, "strategy_id": listed["track-the-index"]}
        accepted = _checked(self._http.post("/portfolio/rebalance", json=wanted))
        self._say(f"optimization {accepted['id']} is queued")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            run: dict[str, Any] = self._get(f"/v1/optimizations/{accepted['id']}")
            if run["status"] not in {"queued", "running"}:
                self._say(f"optimization {accepted['id']} has {run['status']}")
                return run
            if time.monotonic() > deadline:
                raise Unavailable(f"optimization {accepted['id']} is still {run['status']}; see worker.log")
            time.sleep(POLL_SECONDS)

    def portfolio_id(self) -> str:
        """Id of the demo's portfolio."""
        return str(self._get(f"/v1/portfolios/{content.PORTFOLIO}")["id"])

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _is_loaded(self) -> bool:
        if self._http.get(f"/v1/portfolios/{content.PORTFOLIO}").status_code != httpx.codes.OK:
            return False
        last = self._http.get(f"/v1/prices/{content.INDEX}", params={"from": content.LAST_DAY})
        return last.status_code == httpx.codes.OK and bool(last.json()["prices"])

    def _get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        return _checked(self._http.get(path))

    def _put(self, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        return _checked(self._http.put(path, json=body))

    def _send_csv(self, table: str) -> Any:  # noqa: ANN401 - JSON
        headers = {"Content-Type": "text/csv"}
        return _checked(self._http.put("/v1/prices", content=table.encode(), headers=headers))


def _checked(response: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    if response.is_success:
        return response.json()
    problem = response.json() if "json" in response.headers.get("content-type", "") else {}
    asked = f"{response.request.method} {response.request.url.path}"
    raise Unavailable(f"{asked} answered {response.status_code}: {problem.get('detail', 'no reason given')}")
