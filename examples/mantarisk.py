"""A quant against `make run`: strategy, portfolio, rebalance, backtest. Takes ASSETMIX_HOME and PORT if set."""

import os
import time
from pathlib import Path
from typing import Any

import httpx

key = Path(os.environ.get("ASSETMIX_HOME", ".assetmix"), "demo.key").read_text(encoding="utf-8").strip()
address = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
service = httpx.Client(base_url=address, headers={"X-API-Key": key}, timeout=60)


def ended(started: httpx.Response) -> dict[str, Any]:
    """Poll what was started until it has ended."""
    location = started.raise_for_status().headers["Location"]
    while (found := service.get(location).raise_for_status().json())["status"] in {"QUEUED", "RUNNING"}:
        print(f"{found['status'].lower()}, {found['progress']:.0%} done", end="\r", flush=True)
        time.sleep(0.2)
    return dict(found)


rules = {rule["name"]: rule["id"] for rule in service.get("/reference/rules").raise_for_status().json()}
limits = {limit["kind"]: limit["id"] for limit in service.get("/reference/constraints").raise_for_status().json()}
stocks = [one["id"] for one in service.get("/v1/instruments").raise_for_status().json()["items"] if one["tradable"]]
strategy = {
    "name": "Least variance of rising stocks",
    "rules": [
        {"rule_id": rules["Volatility"]},
        {"rule_id": rules["Momentum Ranking"], "parameters": {"count": 12}},
    ],
    "constraints": [{"constraint_id": limits["weight_bounds"], "parameters": {"upper": 0.2}}],
    "instruments": stocks[:20],
    "transaction_cost": 0.05,
}
number = service.put("/strategy", json=strategy).raise_for_status().json()["strategy_id"]
print(f"strategy {number}: {strategy['name']}")

ada = {"client_reference": "ada"}
service.put("/portfolio", params=ada, json={"currency": "USD", "cash": 100_000.0}).raise_for_status()
wanted = ada | {"strategy_id": number}
rebalance = ended(service.post("/portfolio/rebalance", json=wanted))
for order in rebalance["orders"]:
    print(f"{order['side']} {order['quantity']:g} {order['instrument_code']} for {order['amount']:,.2f}")
print("\n".join(rebalance["reasons"]))

years = {"from": "2018-01-02", "to": "2022-12-28", "schedule": {"kind": "quarterly"}}
backtest = ended(service.post("/portfolio/backtest", json=wanted | years))["result"]
print(backtest["sentence"])
for name in ("annual_return", "volatility_per_year", "sharpe_ratio", "max_drawdown", "turnover_per_year"):
    print(f"{name.replace('_', ' '):>20} {backtest['statistics'][name]:8.3f}")
