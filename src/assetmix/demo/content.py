"""What the demo loads.

ISINs, names and sectors are facts; the ETFs' sector shares are round figures of our own, good
enough to show look-through and no statement about the funds.
"""

from typing import Any

TENANT = "demo"
PORTFOLIO = "demo-balanced"
TAG = "us-large"
INDEX = "SPX"
LAST_DAY = "2022-12-28"

STOCKS: dict[str, tuple[str, str, str]] = {
    "AAPL": ("US0378331005", "Apple", "technology"),
    "AMD": ("US0079031078", "Advanced Micro Devices", "technology"),
    "BAC": ("US0605051046", "Bank of America", "financial_services"),
    "BBY": ("US0865161014", "Best Buy", "consumer_cyclical"),
    "CVX": ("US1667641005", "Chevron", "energy"),
    "GE": ("US3696043013", "General Electric", "industrials"),
    "HD": ("US4370761029", "Home Depot", "consumer_cyclical"),
    "JNJ": ("US4781601046", "Johnson & Johnson", "healthcare"),
    "JPM": ("US46625H1005", "JPMorgan Chase", "financial_services"),
    "KO": ("US1912161007", "Coca-Cola", "consumer_defensive"),
    "LLY": ("US5324571083", "Eli Lilly", "healthcare"),
    "MRK": ("US58933Y1055", "Merck", "healthcare"),
    "MSFT": ("US5949181045", "Microsoft", "technology"),
    "PEP": ("US7134481081", "PepsiCo", "consumer_defensive"),
    "PFE": ("US7170811035", "Pfizer", "healthcare"),
    "PG": ("US7427181091", "Procter & Gamble", "consumer_defensive"),
    "RRC": ("US75281A1097", "Range Resources", "energy"),
    "UNH": ("US91324P1021", "UnitedHealth", "healthcare"),
    "WMT": ("US9311421039", "Walmart", "consumer_defensive"),
    "XOM": ("US30231G1022", "Exxon Mobil", "energy"),
}

FUNDS: dict[str, tuple[str, str, dict[str, float]]] = {
    "MTUM": (
        "US46432F3964",
        "iShares MSCI USA Momentum",
        {"healthcare": 0.3, "energy": 0.25, "consumer_defensive": 0.2, "financial_services": 0.15, "technology": 0.1},
    ),
    "QUAL": (
        "US46432F3394",
        "iShares MSCI USA Quality",
        {"technology": 0.3, "healthcare": 0.2, "financial_services": 0.2, "industrials": 0.15, "energy": 0.15},
    ),
    "SIZE": (
        "US46432F3709",
        "iShares MSCI USA Size",
        {"industrials": 0.3, "financial_services": 0.25, "technology": 0.25, "consumer_cyclical": 0.2},
    ),
    "USMV": (
        "US46429B6974",
        "iShares MSCI USA Minimum Volatility",
        {"healthcare": 0.25, "technology": 0.25, "consumer_defensive": 0.25, "utilities": 0.25},
    ),
    "VLUE": (
        "US46432F3881",
        "iShares MSCI USA Value",
        {"technology": 0.3, "financial_services": 0.25, "healthcare": 0.25, "energy": 0.2},
    ),
}

HELD = {"AAPL": 260, "MSFT": 140, "JPM": 120, "XOM": 150, "PFE": 420, "BBY": 90, "RRC": 400, "USMV": 310}
CASH = 41_250.40

IDS = {ticker: stock[0] for ticker, stock in STOCKS.items()} | {ticker: fund[0] for ticker, fund in FUNDS.items()}


def ids() -> dict[str, str]:
    """Our id by ticker, the index included under the names that skfolio gives it."""
    return IDS | {"SP500": INDEX, "S&P500": INDEX, "SPX": INDEX}


def instruments() -> list[dict[str, Any]]:
    """Stocks, funds and the index as the native dialect takes them."""
    stocks = [_instrument(key, name, "equity", {sector: 1.0}) for key, name, sector in STOCKS.values()]
    funds = [_instrument(key, name, "etf", sectors) for key, name, sectors in FUNDS.values()]
    index = {"id": INDEX, "name": "S&P 500", "currency": "USD", "kind": "index", "tradable": False}
    return [*stocks, *funds, index]


def strategies() -> dict[str, dict[str, Any]]:
    """Three strategies by name."""
    return {
        "track-the-index": _strategy({"kind": "tracking_error_squared"}),
        "minimum-variance": _strategy({"kind": "variance"}),
        "minimum-cvar": _strategy({"kind": "cvar", "level": 0.95}),
    }


def portfolio() -> dict[str, Any]:
    """What the demo's portfolio holds."""
    held = {IDS[ticker]: units for ticker, units in HELD.items()}
    return {"base_currency": "USD", "holdings": {"$USD": CASH, **held}, "strategy": "track-the-index"}


def _instrument(key: str, name: str, kind: str, sectors: dict[str, float]) -> dict[str, Any]:
    return {
        "id": key,
        "name": name,
        "currency": "USD",
        "kind": kind,
        "lot": 1,
        "tags": [TAG],
        "look_through": {
            "asset_classes": {"stocks": 1},
            "regions": {"stocks": {"north_america": 1}},
            "sectors": sectors,
        },
    }


def _strategy(measure: dict[str, Any]) -> dict[str, Any]:
    technology = {"grouping": "sectors", "name": "technology", "within": "stocks"}
    stocks = {"grouping": "asset_classes", "name": "stocks"}
    return {
        "universe": {"tags": [TAG]},
        "benchmark": {INDEX: 1.0},
        "objective": {"sense": "minimize", "terms": [{"measure": measure, "weight": 1.0}]},
        "constraints": [
            {"kind": "weight_bounds", "upper": 0.12},
            {"kind": "group_weight", "scope": technology, "within": stocks, "upper": 0.3},
            {"kind": "turnover", "upper": 1.2},
            {"kind": "cash", "lower_fraction": 0.002, "upper_fraction": 0.02},
        ],
        "risk_model": {"kind": "sample", "window": 504},
        "trading": {"cost_fraction": 0.0005, "min_order_amount": 250, "lots": True},
        "report": [{"kind": "tracking_error"}],
    }
