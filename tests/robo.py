"""A market of funds, a policy and a portfolio as a robo advisor's middleware sends them."""

import copy
import datetime as dt
from typing import Any

import httpx
import numpy as np

LAST_DAY = dt.date(2024, 6, 28)
PERIODS = 120
BONDS = {
    "BE78468R1014": 30.62,
    "BE4642886612": 130.09,
    "BE4642863926": 130.31,
    "BE78468R2004": 30.64,
    "BE2330518539": 51.10,
}
STOCKS = {"BE46429B2676": 26.58, "BE97717W3319": 44.20, "BE97717W6049": 61.75}
PRICES = BONDS | STOCKS
SECTORS = {
    "basic_materials": 0.05,
    "consumer_cyclical": 0.14,
    "consumer_defensive": 0.07,
    "communication_services": 0.02,
    "energy": 0.03,
    "financial_services": 0.16,
    "healthcare": 0.13,
    "industrials": 0.11,
    "technology": 0.26,
    "utilities": 0.03,
}
REGIONS = {"asia_pacific_developed": 0.1, "europe_developed": 0.2, "north_america": 0.7}


def instruments() -> list[dict[str, Any]]:
    """Funds of bonds and of stocks with the groups that the documents name."""
    bonds = {
        "asset_classes": {"bonds": 1.0},
        "regions": {"bonds": {"north_america": 0.9, "emerging": 0.1}},
        "bond_types": {"government": 0.7, "corporate": 0.3},
    }
    stocks = {"asset_classes": {"stocks": 1.0}, "regions": {"stocks": REGIONS}, "sectors": SECTORS}
    return [
        {"id": key, "currency": "USD", "kind": "fund", "fractional_step": 0.0001, "look_through": groups}
        for group, groups in ((BONDS, bonds), (STOCKS, stocks))
        for key in group
    ]


def history(periods: int = PERIODS) -> str:
    """Synthetic daily closes that end at the given prices, as CSV."""
    random = np.random.default_rng(11)
    scale = np.array([0.002] * len(BONDS) + [0.010] * len(STOCKS))
    paths = np.cumsum(random.normal(2e-4, scale, (periods, len(PRICES))), axis=0)
    closes = np.exp(paths - paths[-1]) * np.array(list(PRICES.values()))
    days = [LAST_DAY - dt.timedelta(days=i) for i in reversed(range(periods))]
    rows = (",".join([day.isoformat(), *(repr(float(x)) for x in row)]) for day, row in zip(days, closes, strict=True))
    return "\n".join([f"date,{','.join(PRICES)}", *rows])


def load(client: httpx.Client) -> None:
    """Put instruments and prices."""
    client.put("/v1/instruments", json={"instruments": instruments()}).raise_for_status()
    client.put("/v1/prices", content=history(), headers={"Content-Type": "text/csv"}).raise_for_status()


EXECUTION = {
    "base_currency": "USD",
    "fractional_shares": True,
    "cost_per_transaction_amount": 0,
    "cost_per_transaction_fraction": 0.005,
    "combine_transaction_cost_components": "MAX",
    "transaction_amount": [75, None],
    "benchmark_id": None,
    "simulate_transaction_cost": False,
}
UPDATES = {
    "min_portfolio_value": 300,
    "min_portfolio_update_optimality_improvement_fraction": 0.05,
    "max_portfolio_constraint_violation_pctpoints": 0.05,
    "holdings": {"cash_fraction": [0.005, 0.05]},
}
CONSTRAINTS: dict[str, Any] = {
    "asset_classes": {
        "alternatives": [0, 0],
        "bonds": [0.6, 0.8],
        "commodities": [0, 0.05],
        "stocks": [0.2, 0.25],
        "cash": [0, 0],
        "corporate": None,
        "eurobond": None,
        "equity": None,
        "government": None,
        "money_market": None,
    },
    "regions": {
        "bonds": {
            "asia_pacific_developed": [0, 0.2],
            "emerging": [0, 0.1],
            "europe_developed": [0, 0.2],
            "north_america": [0.6, 1],
        },
        "stocks": {
            "asia_pacific_developed": [0, 0.4],
            "emerging": [0, 0.1],
            "europe_developed": [0, 0.4],
            "north_america": [0.6, 1],
        },
    },
    "bond_types": {"convertible": [0, 0.1], "corporate": [0, 0.5], "government": [0, 1]},
    "sectors": {
        "basic_materials": [0, 0.1],
        "consumer_cyclical": [0.1, 0.25],
        "consumer_defensive": [0, 0.2],
        "communication_services": [0, 0.1],
        "energy": [0, 0.05],
        "financial_services": [0.05, 0.2],
        "healthcare": [0.1, 0.25],
        "industrials": [0, 0.2],
        "real_estate": [0, 0.05],
        "technology": [0.25, 0.35],
        "utilities": [0, 0.1],
    },
    "investment_universe": list(PRICES),
    "buy_universe": None,
    "holdings": {
        "position_amount": [60, 100000],
        "position_fraction": [0.02, 0.2],
        "cash_amount": [10, None],
        "cash_fraction": [0.0125, 0.03],
    },
    "momentum": None,
}
"""The bounds of the published policy (systems.md 2.4), over our own universe."""


def policy(**changes: dict[str, Any]) -> dict[str, Any]:
    """The published policy, with parts of its blocks changed."""
    blocks: dict[str, Any] = {
        "execution_settings": EXECUTION,
        "portfolio_update_constraints": UPDATES,
        "portfolio_constraints": CONSTRAINTS,
        "benchmark_constraints": None,
        "model_portfolio_settings": None,
        "meta_portfolio_settings": None,
    }
    settings = copy.deepcopy(blocks)
    for block, change in changes.items():
        settings[block] = change if settings.get(block) is None else settings[block] | change
    config = {"algorithm": "IVAR", "algorithm_version": 1, "algorithm_settings": settings}
    return {"name": "Conservative", "config": config}


def portfolio(owner: str, policy_id: str | None, held: dict[str, float], **fields: Any) -> dict[str, Any]:
    """A portfolio of a discretionary mandate."""
    manager = fields.pop("manager", "ROBO_ADVISOR_DISCRETIONARY")
    settings = {"policy_id": policy_id} if policy_id else {}
    return {
        "name": "General investing",
        "owned_by_user_id": owner,
        "base_currency": "USD",
        "money_type": "PAPER_MONEY",
        "config": {"manager": manager, "manager_version": 1, "manager_settings": settings},
        "portfolio": held,
    } | fields
