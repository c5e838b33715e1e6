"""Every block of a policy, every reason and every kind of order: what goes in, what comes out, by hand.

The market is one in which the objective is arithmetic. A stands still, B falls by 0.1 % a day, C by
0.2 % and D by 0.3 %, so that the average drawdown is proportional to B + 2 C + 3 D; E rises by 2 %
and falls by 1 % in turn.
"""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assetmix.api.dialects.investsuite.reading.policy import read_policy
from assetmix.api.dialects.investsuite.schemas.policy import POLICY
from assetmix.api.dialects.investsuite.writing.optimization import write_optimization
from assetmix.codec.documents import RESULT
from assetmix.domain.instrument import Instrument
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.optimization.resolve import Question
from tests.golden.test_investsuite import finished
from tests.makers import LAST_DAY, solve
from tests.tolerances import SOLVED

FOLDER = Path(__file__).parent / "investsuite" / "policy"
PAIRS = sorted(FOLDER.glob("*.json"))

RETURNS = 100
PRICES = {"A": 100.0, "B": 50.0, "C": 20.0, "D": 10.0, "E": 25.0}
FALLS = {"A": 0.0, "B": -0.001, "C": -0.002, "D": -0.003}
BONDS = {"A": ("north_america", "government"), "D": ("emerging", "corporate"), "E": ("emerging", "government")}
STOCKS = {"B": ("north_america", "technology"), "C": ("emerging", "utilities")}
STEP = 0.0001
"""Orders are whole multiples of it; a quantity may miss the exact one by so much."""

SETTINGS: dict[str, Any] = {
    "execution_settings": {"base_currency": "USD", "fractional_shares": True},
    "portfolio_constraints": {
        "investment_universe": ["A", "B", "C", "D"],
        "holdings": {"cash_fraction": [0.02, 0.02]},
    },
}


def look_through(key: str) -> dict[str, Any]:
    """Groups of an instrument."""
    if key in BONDS:
        region, kind = BONDS[key]
        return {
            "asset_classes": {"bonds": 1.0},
            "regions": {"bonds": {region: 1.0}},
            "bond_types": {kind: 1.0},
        }
    region, sector = STOCKS[key]
    return {"asset_classes": {"stocks": 1.0}, "regions": {"stocks": {region: 1.0}}, "sectors": {sector: 1.0}}


def market() -> Snapshot:
    """The market as a snapshot."""
    instruments = tuple(
        Instrument(id=key, currency="USD", kind="fund", fractional_step=STEP, look_through=look_through(key))
        for key in PRICES
    )
    returns = np.column_stack(
        [*(np.full(RETURNS, fall) for fall in FALLS.values()), np.tile([0.02, -0.01], RETURNS // 2)]
    )
    paths = np.vstack([np.ones(len(PRICES)), np.cumprod(1 + returns, axis=0)])
    closes = np.array(list(PRICES.values()))
    history = paths / paths[-1] * closes
    dates = np.array([LAST_DAY.toordinal() - i for i in reversed(range(RETURNS + 1))])
    return Snapshot(LAST_DAY, instruments, closes, dates, history)


MARKET = market()


def policy_of(changes: dict[str, Any]) -> dict[str, Any]:
    """The plain policy with what a pair changes of it."""
    changes = dict(changes)
    settings = copy.deepcopy(SETTINGS)
    algorithm = changes.pop("algorithm", "IVAR")
    for block, change in changes.items():
        settings[block] = merged(settings[block], change) if isinstance(change, dict) and block in settings else change
    return {"name": "Golden", "config": {"algorithm": algorithm, "algorithm_settings": settings}}


def merged(known: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Objects inside objects are merged, everything else is replaced."""
    return known | {
        key: merged(known[key], value) if isinstance(value, dict) and isinstance(known.get(key), dict) else value
        for key, value in change.items()
    }


def answered(request: dict[str, Any]) -> dict[str, Any]:
    """The optimization object of a request, without a service."""
    strategy = read_policy(POLICY.read(json.dumps(policy_of(request["policy"])))).strategy
    divest = request.get("settings", {}).get("divest_amount", 0.0)
    portfolio = Portfolio(base_currency="USD", holdings=request["held"], divest_amount=divest)
    result = json.loads(RESULT.text(solve(Question(strategy, portfolio, MARKET, repr(strategy), "market"))))
    status = {"optimal": "succeeded", "feasible": "succeeded"}.get(result["status"], result["status"])
    run = finished(result, status=status, quantity_type=request.get("quantity_type", "UNITS"))
    return dict(write_optimization(replace(run, what_if=False)))


def compare(expected: Any, found: Any, path: str = "") -> None:
    """What is expected is there; portfolios, orders and reasons are whole."""
    if isinstance(expected, dict):
        whole = path.endswith(("/portfolio", "/orders"))
        assert set(expected) == set(found) if whole else set(expected) <= set(found), (path, found)
        for key, value in expected.items():
            compare(value, found[key], f"{path}/{key}")
    elif isinstance(expected, list):
        assert len(expected) == len(found), (path, found)
        for i, value in enumerate(expected):
            compare(value, found[i], f"{path}/{i}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=SOLVED, abs=slack(path)), (path, found)
    else:
        assert found == expected, (path, found)


def slack(path: str) -> float:
    """One step of an instrument, or what it is worth."""
    return STEP * max(PRICES.values()) if path.endswith(("$USD", "/quantity")) else STEP


@pytest.mark.parametrize("file", PAIRS, ids=lambda file: file.stem)
def test_what_goes_in_and_what_comes_out(file: Path) -> None:
    pair = json.loads(file.read_text(encoding="utf-8"))

    compare(pair["response"], answered(pair["request"]))


@pytest.mark.parametrize(
    "block",
    [
        "asset_classes", "regions", "bond_types", "sectors", "investment_universe", "buy_universe",
        "position_fraction", "position_amount", "cash", "costs", "transaction_amount", "active_share", "mpt",
        "withdrawal",
    ],
)  # fmt: skip
def test_every_block_has_a_pair_that_holds_and_one_that_cannot(block: str) -> None:
    names = {file.stem for file in PAIRS}

    assert f"{block}_infeasible" in names
    assert any(name.startswith(block) and not name.endswith("infeasible") for name in names)
