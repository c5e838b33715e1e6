"""InvestSuite's own sample: given its holdings, prices and orders, its object comes out."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assetmix.api.dialects.investsuite.writing.optimization import write_not_yet, write_optimization, write_order
from assetmix.codec.documents import RESULT
from assetmix.domain.instrument import Instrument
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import Snapshot
from assetmix.estimation.specs import GivenForecast
from assetmix.optimization.measures.expected_return import ExpectedReturn
from assetmix.optimization.memory import Memory
from assetmix.optimization.orders import plan_of
from assetmix.optimization.report import report_solution
from assetmix.optimization.resolve import Question, resolve
from assetmix.optimization.solution import Solution, SolverUsed, Verified
from assetmix.optimization.strategy import Objective, Strategy, Term, Trading, UniverseById
from assetmix.persistence.optimizations import Run
from tests.tolerances import EXACT

GOLDEN = json.loads((Path(__file__).parent / "investsuite" / "exemplary" / "latest.json").read_text(encoding="utf-8"))
WHEN = dt.datetime(2021, 9, 28, 6, 15, 6, 613287, tzinfo=dt.UTC)


def instrument(key: str, sample: Mapping[str, Any]) -> Instrument:
    """A bond fund of North America, or the stock fund with the sample's own sectors and regions."""
    if key != sample["request"]["stock_fund"]:
        shares: dict[str, Any] = {"asset_classes": {"bonds": 1.0}, "regions": {"bonds": {"north_america": 1.0}}}
    else:
        seen = sample["response"]["optimal_solution"]["look_through"]
        regions = {"stocks": seen["regions"]["stocks"]}
        shares = {"asset_classes": {"stocks": 1.0}, "regions": regions, "sectors": seen["sectors"]}
    return Instrument(id=key, currency="USD", kind="fund", fractional_step=0.0001, look_through=shares)


def run_of(sample: Mapping[str, Any]) -> Run:
    """A run whose orders are the sample's."""
    asked = sample["request"]
    instruments = tuple(instrument(key, sample) for key in asked["prices"])
    prices = np.array(list(asked["prices"].values()))
    snapshot = Snapshot(WHEN.date(), instruments, prices, np.array([WHEN.toordinal()]), prices[np.newaxis])
    strategy = Strategy(
        objective=Objective(sense="minimize", terms=(Term(measure=ExpectedReturn()),)),
        universe=UniverseById(ids=tuple(asked["prices"])),
        forecast=GivenForecast(expected_returns=dict.fromkeys(asked["prices"], 0.01)),
        trading=Trading(cost_fraction=asked["cost_fraction"]),
    )
    portfolio = Portfolio(**asked["portfolio"])
    problem = resolve(Question(strategy, portfolio, snapshot, "sample", "sample"), Memory(2))
    units = problem.universe.vector(asked["shares"])
    wanted = (problem.quantities + units) * problem.prices / problem.value
    solved = Solution("optimal", wanted, 0.0, 0.0, 0.0, (), SolverUsed("none", "0"), Verified(0.0, 0.0))
    result = report_solution(problem, solved, plan_of(problem, units, wanted), "USD")
    return finished(json.loads(RESULT.text(result)))


def finished(result: dict[str, Any] | None, status: str = "succeeded", **inputs: Any) -> Run:
    """A run as it is stored."""
    return Run(
        tenant_id="T", id="O01FGNGNS3R3836WB3JHD22J748", portfolio_id="P01F8ZSNV0J45R9DFZ3D7D8C26F", strategy_id=1,
        status=status, what_if=False, kind="optimization", progress=1.0,
        optimization_hash="8b22a2d4bdd142c6dca4ead3da80b4e8", inputs_text=json.dumps(inputs),
        snapshot_digest="", time_limit_seconds=60.0, attempt=1, request_id=None, traceparent=None, worker=None,
        queued_at=WHEN,
        started_at=WHEN, finished_at=WHEN, error=None, timings=None,
        result_text=None if result is None else json.dumps(result),
    )  # fmt: skip


def compare(expected: Any, found: Any, path: str = "") -> None:
    """Everything that the sample prints is there, numbers to 1e-9 relative."""
    if isinstance(expected, dict):
        assert set(expected) <= set(found), path
        for key, value in expected.items():
            compare(value, found[key], f"{path}/{key}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=EXACT, abs=1e-12), path
    else:
        assert found == expected, path


def test_the_documents_sample_comes_out() -> None:
    found = write_optimization(run_of(GOLDEN), superseded=False)

    compare(GOLDEN["response"], found)
    assert set(found["optimal_solution"]["portfolio"]) == set(GOLDEN["response"]["optimal_solution"]["portfolio"])  # type: ignore[index]
    assert set(found["portfolio_update"]["orders"]) == set(GOLDEN["response"]["portfolio_update"]["orders"])


def test_metadata_have_the_documents_form() -> None:
    found = write_optimization(run_of(GOLDEN), superseded=False)

    assert found["id"] == "O01FGNGNS3R3836WB3JHD22J748"
    assert found["creation_datetime"] == found["version_datetime"] == "2021-09-28T06:15:06.613287+00:00"
    assert found["status"] == "SUCCESS"


def test_orders_are_in_units_by_default() -> None:
    for order in write_optimization(run_of(GOLDEN), superseded=False)["portfolio_update"]["orders"].values():
        assert order["quantity_type"] == "UNITS"
        assert order["quantity"] == order["shares"]


@pytest.mark.parametrize(
    ("side", "shares", "price", "held", "expected"),
    [
        ("buy", 5, 123.45, 0, ("AMOUNT", 617.25, 5)),
        ("sell", 8, 54.32, 20, ("AMOUNT", -434.56, -8)),
        ("sell", 11, 54.32, 11, ("UNITS", -11, -11)),
    ],
    ids=["buy", "partial sell", "full sell"],
)
def test_amounts_are_units_times_price_and_full_exits_stay_in_units(
    side: str, shares: float, price: float, held: float, expected: tuple[str, float, float]
) -> None:
    """The three orders of the document's AMOUNT example."""
    order = {"instrument": "X", "side": side, "quantity": shares, "price": price, "cost": 25.0}

    written = write_order(order, {"X": held}, by_amount=True)

    assert (written["quantity_type"], written["shares"]) == (expected[0], expected[2])
    assert written["quantity"] == pytest.approx(expected[1], rel=EXACT)


def test_while_it_runs_the_documents_three_members_are_said_and_nothing_of_our_insides() -> None:
    body = write_not_yet(finished(None, status="running"))

    assert set(body) == {"message", "details", "optimization_hash"}
    assert body["message"].startswith("Optimization is not available (yet).")
    assert "tenant" not in body["details"]


def test_a_failed_run_is_an_object_without_an_optimal_solution() -> None:
    failed = replace(finished(None, status="failed"), error={"detail": "No answer within 60 seconds; allow more."})

    found = write_optimization(failed, superseded=True)

    assert (found["status"], found["optimal_solution"], found["superseded"]) == ("FAILURE", None, True)
    assert found["portfolio_update"] == {"is_recommended": False, "orders": {}, "reasons": [], "sentence": ""}
    assert found["sentence"] == "No answer within 60 seconds; allow more."
