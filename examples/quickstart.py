"""Rebalance a portfolio of your own against a running `make run`, in forty lines.

    .venv/bin/python examples/quickstart.py

Takes ASSETMIX_HOME (default .assetmix) for the demo's key and PORT (default 8000) for the address.
"""

import os
from pathlib import Path

import httpx

home = Path(os.environ.get("ASSETMIX_HOME", ".assetmix"))
key = (home / "demo.key").read_text(encoding="utf-8").strip()
address = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"

with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
    energy = {"grouping": "sectors", "name": "energy", "within": "stocks"}
    strategy = {
        "universe": {"tags": ["us-large"]},
        "objective": {"sense": "minimize", "terms": [{"measure": {"kind": "variance"}, "weight": 1.0}]},
        "constraints": [
            {"kind": "weight_bounds", "upper": 0.15},
            {"kind": "group_weight", "scope": energy, "upper": 0.1},
        ],
        "risk_model": {"kind": "sample", "window": 504},
        "trading": {"cost_fraction": 0.001, "min_order_amount": 100},
    }
    client.put("/v1/strategies/quiet", json=strategy).raise_for_status()
    holdings = {"$USD": 25_000, "US0378331005": 40, "US30231G1022": 30}
    client.put("/v1/portfolios/quickstart", json={"base_currency": "USD", "holdings": holdings}).raise_for_status()

    request = {"portfolio": "quickstart", "strategy": "quiet"}
    run = client.post("/v1/optimizations", json=request, headers={"Prefer": "wait=30"}).raise_for_status().json()

result = run["result"]
print(result["sentence"])
for order in result["orders"]:
    print(
        f"{order['side']:5}{order['quantity']:8g}  {order['instrument']}  at {order['price']:8.2f}  {order['reason']}"
    )
print(f"cash left: {result['holdings']['$USD']:.2f} of {result['value']:.2f}")
