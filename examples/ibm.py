"""A client of IBM's service against `make run`: construct, then rebalance. Takes ASSETMIX_HOME and PORT if set."""

import os
from pathlib import Path
from typing import Any

import httpx

key = Path(os.environ.get("ASSETMIX_HOME", ".assetmix"), "demo.key").read_text(encoding="utf-8").strip()
service = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/api/v1/optimization/portfolio"
assets = ["US0378331005", "US5949181045", "US4781601046", "US7427181091", "US30231G1022", "US1667641005"]


def ask(what: str, quantities: list[float], cash: float) -> list[dict[str, Any]]:
    """The least variance without short sales, none above 30 %, at most 20 % in oil."""
    held = [{"asset": asset, "quantity": quantity} for asset, quantity in zip(assets, quantities, strict=True)]
    variance = {"measure": "variance", "attribute": "return", "portfolio": "Mine", "timestep": 30}
    body = {
        "portfolios": [
            {"name": "Mine", "type": "root", "holdings": held},
            {"name": "Oil", "type": "subportfolio", "ParentPortfolio": "Mine", "holdings": held[4:]},
        ],
        "objectives": [{"sense": "minimize"} | variance],
        "constraints": [
            {"attribute": "value", "portfolio": "Mine", "CashAdjust": cash},
            {"attribute": "weight", "members": "Mine", "relation": "greater-or-equal", "constant": 0},
            {"attribute": "weight", "members": "Mine", "relation": "less-or-equal", "constant": 0.3},
            {"attribute": "weight", "portfolio": "Oil", "relation": "less-or-equal", "constant": 0.2},
        ],
    }
    answer = httpx.post(f"{service}/{what}", json=body, headers={"X-IBM-Access-Token": key}, timeout=60).json()
    metadata = answer["metadata"][0]
    print(f"{what}: {metadata['status']}, variance over 30 days {metadata['objectiveValue']:.6f}")
    return list(answer["holdings"])


built = ask("construct", [0.0] * len(assets), 100_000)
for row in ask("rebalance", [row["optimizedQuantity"] for row in built], -20_000):
    print(f"{row['asset']}{row['quantity']:10.2f} units{row['optimizedTrade']:+10.2f}")
