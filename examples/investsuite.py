"""A robo advisor's middleware against `make run`: policy, portfolio, orders. Takes ASSETMIX_HOME and PORT if set."""

import os
import time
from pathlib import Path
from typing import Any

import httpx

key = Path(os.environ.get("ASSETMIX_HOME", ".assetmix"), "demo.key").read_text(encoding="utf-8").strip()
_, _, public, secret = key.split("_")
service = httpx.Client(base_url=f"http://127.0.0.1:{os.environ.get('PORT', '8000')}", timeout=60)


def post(address: str, body: dict[str, Any]) -> dict[str, Any]:
    """Create something."""
    return dict(service.post(address, json=body).raise_for_status().json())


def latest(portfolio: str) -> dict[str, Any]:
    """Poll until the optimization is there."""
    while (answer := service.get(f"/portfolios/{portfolio}/optimizations/latest/")).status_code == httpx.codes.ACCEPTED:
        time.sleep(0.2)
    return dict(answer.raise_for_status().json())


token = post("/auth/login/", {"access_key_id": public, "secret_access_key": secret})["access_token"]
service.headers["Authorization"] = f"Bearer {token}"
owner = post("/users/", {"first_name": "Ada"})["id"]
execution = {"base_currency": "USD", "cost_per_transaction_fraction": 0.001, "transaction_amount": [75, None]}
bands = {
    "sectors": {"technology": [0, 0.3], "energy": [0, 0.1]},
    "holdings": {"position_fraction": [0.02, 0.15], "cash_fraction": [0.01, 0.03]},
}
settings = {"execution_settings": execution, "portfolio_constraints": bands, "estimation": {"window": 504}}
policy = post("/robo-advisor/policies/", {"name": "Careful", "config": {"algorithm_settings": settings}})["id"]
manager = {"manager": "ROBO_ADVISOR_DISCRETIONARY", "manager_settings": {"policy_id": policy}}
paper = {"name": "Ada's", "owned_by_user_id": owner, "base_currency": "USD", "money_type": "PAPER_MONEY"}
portfolio = post("/portfolios/", paper | {"config": manager, "portfolio": {"$USD": 25_000}})["id"]

found = latest(portfolio)
update = found["portfolio_update"]
print(f"{found['status']}, recommended: {update['is_recommended']}. {update['sentence']}")
held = dict(found["optimal_solution"]["portfolio"])
for instrument, order in update["orders"].items():
    print(f"{instrument}{order['shares']:+8g} at {order['expected_share_price']:.2f}")
    buy = {"type": "BUY", "status": "EXECUTED", "datetime": "2022-12-28T16:00:00Z"}
    movement = buy | {"instrument_id": instrument, "quantity": order["shares"]}
    post(f"/portfolios/{portfolio}/transactions/", {"optimization_id": found["id"], "movements": [movement]})
service.patch(f"/portfolios/{portfolio}/", json={"portfolio": held}).raise_for_status()
print("then: " + latest(portfolio)["portfolio_update"]["sentence"])
