"""`assetmix backtest`: asks for a backtest, shows how far it is, and prints its tear sheet."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from assetmix.errors import InvalidRequest, Unavailable

JSON = dict[str, Any]
PATIENCE_SECONDS = 60.0
BLOCKS = "▁▂▃▄▅▆▇█"
COLUMNS = 72
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PERCENT = {
    "total_return", "annual_return", "volatility_per_year", "max_drawdown", "cvar", "hit_rate", "best_session",
    "worst_session", "tracking_error", "benchmark_total_return",
}  # fmt: skip
HIDDEN = {"volatility"}
"""The same figure is there a year."""


@dataclass(frozen=True, slots=True)
class Service:
    """Where the service answers, and the key that it is asked with."""

    url: str
    key: str

    def client(self) -> httpx.Client:
        """Make an HTTP client."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False)


def run_backtest(service: Service, body: bytes, console: Console) -> JSON:
    """Ask for a backtest and wait for its end, showing how far it is.

    Raises
    ------
    InvalidRequest
        when the service refuses it, or it has ended without a result
    Unavailable
        when the service does not answer
    """
    try:
        with service.client() as client:
            run = _checked(client.post("/v1/backtests", content=body, headers={"Content-Type": "application/json"}))
            address = f"/v1/backtests/{run['id']}"
            _watch(client, f"{address}/events", console)
            return _result(_checked(client.get(address)))
    except httpx.TransportError as error:
        cure = "start it with `assetmix up`, or name another --url"
        raise Unavailable(f"{service.url} does not answer; {cure}") from error


def _watch(client: httpx.Client, address: str, console: Console) -> None:
    """Draw a bar until the backtest has ended; a stream that ends before is asked for again."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("backtest", total=1.0)
        while True:
            for told in _events(client, address):
                bar.update(task, completed=told["progress"], description=f"backtest {told['status']}")
                if told["status"] not in {"queued", "running"}:
                    return


def _events(client: httpx.Client, address: str) -> Iterator[JSON]:
    with client.stream("GET", address) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


def _result(run: JSON) -> JSON:
    if run["result"] is None:
        error = run["error"] or {}
        faults = [f"{one['pointer']}: {one['detail']}" for one in error.get("errors", ())]
        raise InvalidRequest("; ".join(faults) or error.get("detail") or f"the backtest has {run['status']}")
    return dict(run["result"])


def _checked(response: httpx.Response) -> JSON:
    if response.is_success:
        return dict(response.json())
    problem = response.json() if "json" in response.headers.get("content-type", "") else {}
    faults = [f"{one['pointer']}: {one['detail']}" for one in problem.get("errors", ())]
    raise InvalidRequest("; ".join(faults) or problem.get("detail") or f"the service answered {response.status_code}")


def show(result: JSON, console: Console) -> None:
    """Print the equity curve, the figures, the months and the deepest falls."""
    console.print(f"\n[bold]{result['sentence']}[/bold]\n")
    first, *_, last = result["values"]
    console.print(f"  {sparkline([one['value'] for one in result['values']], COLUMNS)}")
    console.print(f"  {first['date']} {first['value']:,.2f}  to  {last['date']} {last['value']:,.2f}\n")
    console.print(_figures(result["statistics"]))
    console.print(_months(result["years"]))
    if result["drawdowns"]:
        console.print(_falls(result["drawdowns"]))
    for one in result["rebalances"]:
        if one["status"] == "kept":
            console.print(f"  • {one['decided']}: {one['sentence']}")


def sparkline(values: list[float], columns: int) -> str:
    """Draw values as blocks of eight heights, so many columns wide."""
    count = min(columns, len(values))
    chosen = [values[round(i * (len(values) - 1) / max(1, count - 1))] for i in range(count)]
    low, span = min(chosen), max(chosen) - min(chosen)
    return "".join(BLOCKS[int((one - low) / span * (len(BLOCKS) - 1)) if span else 0] for one in chosen)


def _figures(statistics: JSON) -> Table:
    table = Table("figure", "", title="Figures", title_justify="left")
    table.columns[1].justify = "right"
    for name, value in statistics.items():
        if value is not None and name not in HIDDEN:
            table.add_row(name.replace("_", " "), _written(name, value))
    return table


def _written(name: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    if name in PERCENT:
        return f"{value:.2%}"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


def _months(years: list[JSON]) -> Table:
    table = Table("year", *MONTHS, "total", title="Returns in percent", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for one in years:
        cells = ["" if value is None else f"{100 * value:.1f}" for value in (*one["months"], one["total"])]
        table.add_row(str(one["year"]), *cells)
    return table


def _falls(drawdowns: list[JSON]) -> Table:
    table = Table("depth", "peak", "trough", "recovered", title="Deepest falls", title_justify="left")
    for one in drawdowns[:5]:
        table.add_row(f"{one['depth']:.2%}", one["peak"], one["trough"], one["recovered"] or "not yet")
    return table
