"""A backtest of independent decisions with one worker process and with two, over HTTP.

Run by `make bench`. Twenty stocks, monthly least CVaR: every decision is a linear program of its own,
which either worker may solve. What is compared is the time from the claim to the end of the run. Both
runs decide the same; a second pair of runs with other inputs is timed, when everything is warm.
"""

import os
import statistics
import sys
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.records import Record, keep
from tests import markets
from tests.service import Service, load_market, running_service

YEARS = int(os.environ.get("YEARS", "33"))
WINDOW, REPEATS = 504, 2
REACH = 1.7
PRICES = markets.real_prices(YEARS)


def main() -> int:
    console = Console(width=100)
    took, values = {}, {}
    for processes in (1, 2):
        with running_service(processes) as service, service.client("division") as client:
            load_market(client, markets.snapshot_of(PRICES))
            runs = [backtest(service, client, number) for number in range(REPEATS + 1)]
        took[processes] = [run["timings"]["solve_ms"] / 1000 for run in runs[1:]]
        values[processes] = runs[-1]["result"]["statistics"]["final_value"]
    if abs(values[2] / values[1] - 1.0) > 1e-6:  # noqa: PLR2004 - solvers agree to this
        raise SystemExit(f"two workers came to {values[2]}, one to {values[1]}; nothing is compared")
    ratio = statistics.median(took[1]) / statistics.median(took[2])
    table = Table("workers", "seconds", "ratio", title=f"Least CVaR of 20 stocks, monthly, {YEARS} years")
    table.add_row("1", ", ".join(f"{one:.1f}" for one in took[1]), "")
    table.add_row("2", ", ".join(f"{one:.1f}" for one in took[2]), f"{ratio:.2f}x (reach {REACH}x)")
    console.print(table)
    keep("division", [Record("backtest: two workers / one", ratio, "x", REACH, "at least")])
    return 0


def backtest(service: Service, client: httpx.Client, number: int) -> dict[str, Any]:
    """Run one backtest; the number makes its inputs its own."""
    tail = {"measure": {"kind": "cvar", "level": 0.95}}
    asked = {
        "portfolio": {"base_currency": "USD", "holdings": {"$USD": 1e6 + number}},
        "strategy": {
            "universe": {"ids": list(PRICES.columns)},
            "objective": {"sense": "minimize", "terms": [tail]},
            "risk_model": {"kind": "sample", "window": WINDOW},
        },
        "from": PRICES.index[WINDOW].date().isoformat(),
        "to": PRICES.index[-1].date().isoformat(),
    }
    address = client.post("/v1/backtests", json=asked).raise_for_status().headers["Location"]

    with client.stream("GET", f"{address}/events") as stream:  # whoever polls takes part of a core
        for _ in stream.iter_lines():
            service.supervisor.tend()
    run: dict[str, Any] = client.get(address).raise_for_status().json()
    assert run["status"] == "succeeded", run["error"]
    return run


if __name__ == "__main__":
    sys.exit(main())
