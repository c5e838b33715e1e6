"""MantaRisk's dialect over HTTP: reference, strategies, portfolios, histories, rebalances, backtests.

Expected numbers are closed forms of equal weights, or bt's.
"""

from typing import Any

import bt
import httpx
import numpy as np
import pandas as pd
import pytest

from tests import markets
from tests.service import Service

PRICES = markets.made_prices(count=4, sessions=300, seed=3)
CODES = [f"{key}_XTST" for key in PRICES.columns]
PRICES.columns = pd.Index(CODES)
DAYS = [day.date().isoformat() for day in PRICES.index]
LAST = PRICES.iloc[-1]
EQUAL = {"name": "Even", "rules": [{"rule_id": 1}], "instruments": CODES, "whole_units": False}
TRACKING = {"name": "Track", "rules": [{"rule_id": 21}], "instruments": CODES, "sessions": 100}


def named(one: Any) -> str:
    """The same in every process, unlike a set."""
    return str(sorted(one) if isinstance(one, set) else one)[:70]


@pytest.fixture
def loaded(client: httpx.Client) -> httpx.Client:
    for code in CODES:
        client.put("/history", json=series(code)).raise_for_status()
    return client


def series(code: str, **changes: Any) -> dict[str, Any]:
    bars = [{"date": day, "close": close} for day, close in zip(DAYS, PRICES[code], strict=True)]
    instrument = {"instrument_code": code, "currency": "USD", "name": code.title(), "fractional_step": 1e-6}
    return {"instrument": instrument, "timeframeid": 1, "history": bars} | changes


def put_portfolio(client: httpx.Client, reference: str, **held: float) -> None:
    components = [{"instrument_code": code, "quantity": units} for code, units in held.items()]
    body = {"currency": "USD", "cash": 1e6, "components": components}
    client.put("/portfolio", params={"client_reference": reference}, json=body).raise_for_status()


def put_strategy(client: httpx.Client, document: dict[str, Any]) -> int:
    return int(client.put("/strategy", json=document).raise_for_status().json()["strategy_id"])


def polled(client: httpx.Client, service: Service, address: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get(address).raise_for_status().json()
        return None if found["status"] in {"QUEUED", "RUNNING"} else found

    return service.until(look)


def faults(response: httpx.Response) -> set[tuple[str, str]]:
    assert response.status_code == 422, response.text
    return {(one["pointer"], one["code"]) for one in response.json()["errors"]}


def test_the_reference_names_every_rule_with_its_parameters(client: httpx.Client) -> None:
    rules = {one["id"]: one for one in client.get("/reference/rules").raise_for_status().json()}

    assert rules[21]["name"] == "Tracking Error Minimisation"
    assert (rules[1]["kind"], rules[1]["constrained"], rules[2]["constrained"]) == ("portfolio", False, True)
    assert {one["status"] for one in rules.values() if one["kind"] == "portfolio"} == {"live"}
    alpha = {one["name"] for one in rules.values() if one["status"] == "alpha"}
    assert alpha == {"Stop Loss", "Trailing Stop", "Take Profit", "Supertrend"}
    (window,) = rules[102]["parameters"]
    assert (window["type"], window["unit"], window["default"]) == ("integer", "sessions", 200)
    assert window["bounds"] == {"minimum": 2.0, "maximum": 10_000.0}
    assert "window" in window["help"]


def test_a_default_strategy_is_there_from_the_start(client: httpx.Client) -> None:
    (default,) = client.get("/strategy").raise_for_status().json()

    assert (default["name"], default["rules"]) == ("Default", [{"rule_id": 5, "parameters": {}}])
    assert client.get("/strategy").json() == [default]
    assert client.get(f"/strategy/{default['strategy_id']}").json() == default


def test_a_strategy_is_made_replaced_and_deleted_by_number(client: httpx.Client) -> None:
    made = client.put("/strategy", json=EQUAL)
    again = client.put("/strategy", json=EQUAL)
    number = made.json()["strategy_id"]
    address = f"/strategy/{number}"
    replaced = client.put(address, json=EQUAL | {"size_rebalance_trigger": 10})
    clash = client.put("/strategy", json=EQUAL)

    assert (made.status_code, again.status_code, again.json()) == (201, 200, made.json())
    assert made.headers["Location"] == address
    assert (replaced.status_code, replaced.json()["version"]) == (200, 2)
    assert client.put(address, json=EQUAL | {"size_rebalance_trigger": 10}).json()["version"] == 2
    assert clash.status_code == 409
    assert [one["size_rebalance_trigger"] for one in client.get(f"{address}/versions").json()] == [5.0, 10.0]
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404
    assert client.put(address, json=EQUAL).status_code == 404


def test_a_rebalance_shows_both_sides_orders_and_reasons(service: Service, loaded: httpx.Client) -> None:
    put_portfolio(loaded, "ada", **{CODES[0]: 1000.0})
    value = 1e6 + 1000 * LAST[CODES[0]]
    number = put_strategy(loaded, EQUAL)

    started = loaded.post("/portfolio/rebalance", json={"client_reference": "ada", "strategy_id": number})
    found = polled(loaded, service, started.headers["Location"])

    assert started.status_code == 202
    assert found["status"] == "COMPLETED"
    assert found["current"]["cash"] == 1e6
    for one in found["optimal"]["components"]:
        assert one["quantity"] == pytest.approx(value / 4 / LAST[one["instrument_code"]], rel=1e-9)
        assert one["weight"] == pytest.approx(0.25)
    assert {one["instrument_code"] for one in found["orders"]} == set(CODES)
    assert all(one["reason"] for one in found["orders"])
    assert found["reasons"]
    by_pair = loaded.get("/portfolio/rebalance", params={"client_reference": "ada", "strategy_id": number})
    assert (by_pair.status_code, by_pair.json()) == (200, found)


def test_components_inside_the_size_band_do_not_trade(service: Service, loaded: httpx.Client) -> None:
    near = {code: 1e6 / 4 / LAST[code] for code in CODES}
    near |= {CODES[0]: near[CODES[0]] * 1.03, CODES[1]: near[CODES[1]] * 1.2}
    components = [{"instrument_code": code, "quantity": units} for code, units in near.items()]
    body = {"currency": "USD", "cash": 0.0, "components": components}
    loaded.put("/portfolio", params={"client_reference": "ben"}, json=body).raise_for_status()
    number = put_strategy(loaded, EQUAL)

    started = loaded.post("/portfolio/rebalance", json={"client_reference": "ben", "strategy_id": number})
    found = polled(loaded, service, started.headers["Location"])

    # the value is 1.0575 million, so targets are 1.0575 of a quarter: the first is 2.6 % away, the second 13 %
    assert {one["instrument_code"] for one in found["orders"]} == set(CODES[1:])
    assert [one["instrument_code"] for one in found["untouched"]] == [CODES[0]]
    assert "band of 5" in found["untouched"][0]["reason"]


def test_many_portfolios_are_rebalanced_at_once_or_none(service: Service, loaded: httpx.Client) -> None:
    for reference in ("one", "two"):
        put_portfolio(loaded, reference)
    number = put_strategy(loaded, EQUAL)

    both = loaded.post("/portfolio/rebalance", json={"client_reference": ["one", "two"], "strategy_id": number})
    wrong = loaded.post("/portfolio/rebalance", json={"client_reference": ["one", "none"], "strategy_id": number})

    assert [one["client_reference"] for one in both.json()] == ["one", "two"]
    for one in both.json():
        assert polled(loaded, service, f"/portfolio/rebalance?id={one['id']}")["status"] == "COMPLETED"
    assert faults(wrong) == {("/client_reference/1", "not-found")}
    keyed = {"json": {"client_reference": ["one"], "strategy_id": number}, "headers": {"Idempotency-Key": "k"}}
    assert loaded.post("/portfolio/rebalance", **keyed).status_code == 400


def test_a_portfolio_or_a_strategy_that_is_not_there_is_not_found(loaded: httpx.Client) -> None:
    put_portfolio(loaded, "hal")
    number = put_strategy(loaded, EQUAL)

    for wrong in (
        {"client_reference": "nobody", "strategy_id": number},
        {"client_reference": "hal", "strategy_id": 99},
    ):
        years = {"from": DAYS[0], "to": DAYS[-1]}
        assert loaded.post("/portfolio/rebalance", json=wrong).status_code == 404
        assert loaded.post("/portfolio/backtest", json=wrong | years).status_code == 404
        assert loaded.get("/portfolio/rebalance", params=wrong).status_code == 404
        assert loaded.delete("/portfolio/backtest", params=wrong).status_code == 404


def test_tracking_error_needs_a_benchmark_which_an_index_gives(service: Service, loaded: httpx.Client) -> None:
    put_portfolio(loaded, "cy")
    number = put_strategy(loaded, TRACKING)
    asked = {"client_reference": "cy", "strategy_id": number}
    index = [{"instrument_code": code, "ratio": ratio} for code, ratio in zip(CODES[:2], (0.6, 0.4), strict=True)]

    refused = loaded.post("/portfolio/rebalance", json=asked)
    loaded.put("/index", params={"client_reference": "cy"}, json=index).raise_for_status()
    found = polled(loaded, service, loaded.post("/portfolio/rebalance", json=asked).headers["Location"])

    assert ("/strategy/rules/0/parameters", "missing-benchmark") in faults(refused)
    weights = {one["instrument_code"]: one["weight"] for one in found["optimal"]["components"]}
    assert weights == pytest.approx(dict.fromkeys(CODES[2:], 0.0) | {CODES[0]: 0.6, CODES[1]: 0.4}, abs=1e-3)
    assert loaded.get("/index", params={"client_reference": "cy"}).json() == index


@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")  # the peer's, not ours
def test_a_backtest_is_what_the_peer_computes(service: Service, loaded: httpx.Client) -> None:
    put_portfolio(loaded, "dee")
    number = put_strategy(loaded, EQUAL | {"size_rebalance_trigger": 0})
    asked = {"client_reference": "dee", "strategy_id": number, "from": DAYS[0], "to": DAYS[-1]}

    started = loaded.post("/portfolio/backtest", json=asked | {"execution": "same_close"})
    found = polled(loaded, service, started.headers["Location"])

    algos = [bt.algos.RunMonthly(run_on_first_date=True), bt.algos.SelectAll(), bt.algos.WeighEqually()]
    peer = bt.Backtest(
        bt.Strategy("s", [*algos, bt.algos.Rebalance()]), PRICES, integer_positions=False, initial_capital=1e6
    )
    bt.run(peer)
    expected = peer.strategy.values  # noqa: PD011 - not a frame
    assert (found["status"], found["progress"]) == ("COMPLETED", 1.0)
    values = [one["value"] for one in found["result"]["values"]]
    np.testing.assert_allclose(values, np.asarray(expected)[1:], rtol=1e-10)
    pair = {"client_reference": "dee", "strategy_id": number}
    assert loaded.get("/portfolio/backtest", params=pair).json()["id"] == found["id"]
    same = loaded.put("/portfolio/backtest", json=asked | {"execution": "same_close"})
    assert (same.status_code, same.json()["id"]) == (202, found["id"])


def test_a_backtest_is_cancelled(service: Service, loaded: httpx.Client) -> None:
    put_portfolio(loaded, "eve")
    limits = [{"constraint_id": 4, "parameters": {"upper": 0.5}}]
    number = put_strategy(loaded, TRACKING | {"rules": [{"rule_id": 2}], "constraints": limits})
    daily = {"from": DAYS[101], "to": DAYS[-1], "schedule": {"kind": "daily"}}

    started = loaded.post("/portfolio/backtest", json={"client_reference": "eve", "strategy_id": number} | daily)
    cancelled = loaded.delete("/portfolio/backtest", params={"id": started.json()["id"]})

    assert started.json()["status"] == "QUEUED"
    assert cancelled.status_code in {200, 202}
    assert polled(loaded, service, started.headers["Location"])["status"] == "CANCELLED"


def test_histories_are_read_and_deleted_but_not_what_a_portfolio_holds(loaded: httpx.Client) -> None:
    put_portfolio(loaded, "fay", **{CODES[0]: 1.0})
    between = {"instrument_code": CODES[0], "from": DAYS[1], "to": DAYS[2]}

    found = loaded.get("/history", params=between).raise_for_status().json()
    held = loaded.delete("/history", params={"instrument_code": CODES[0], "all_data": True})
    free = loaded.delete("/history", params={"instrument_code": CODES[1], "all_data": True})
    prices = loaded.delete("/history", params={"instrument_code": CODES[2]})

    assert found["history"] == [{"date": day, "close": PRICES[CODES[0]].iloc[i]} for i, day in enumerate(DAYS[1:3], 1)]
    assert (held.status_code, free.status_code, prices.status_code) == (409, 204, 204)
    assert loaded.get("/history", params={"instrument_code": CODES[1]}).status_code == 404
    assert loaded.get("/history", params={"instrument_code": CODES[2]}).json()["history"] == []


def test_a_key_in_the_address_is_refused_with_the_cure(service: Service, tenant: str) -> None:
    key = service.key(tenant)

    with httpx.Client(base_url=service.base_url, trust_env=False) as bare:
        refused = bare.get("/strategy", params={"token": key})
        taken = bare.get("/strategy", headers={"X-API-Key": key})

    assert refused.status_code == 401
    assert "X-API-Key" in refused.json()["detail"]
    assert key not in refused.text
    assert taken.status_code == 200


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"rules": [{"rule_id": 999}]}, {("/rules/0/rule_id", "unknown-rule"), ("/rules", "missing")}),
        ({"rules": []}, {("/rules", "missing")}),
        ({"rules": [{"rule_id": 1}, {"rule_id": 3}]}, {("/rules/1", "duplicate")}),
        (
            {"rules": [{"rule_id": 1}, {"rule_id": 102, "parameters": {"window": 1}}]},
            {("/rules/1/parameters/window", "out-of-range")},
        ),
        ({"rules": [{"rule_id": 1}, {"rule_id": 111}]}, {("/rules/1/parameters/kind", "not-live")}),
        ({"rules": [{"rule_id": 4, "parameters": {"span": 3}}]}, {("/rules/0/parameters/span", "unknown_field")}),
        ({"rules": [{"rule_id": 4, "parameters": {"window": "x"}}]}, {("/rules/0/parameters/window", "int_type")}),
        ({"rules": [{"rule_id": 12, "parameters": {"level": 1.5}}]}, {("/rules/0/parameters/level", "out-of-range")}),
        (
            {"rules": [{"rule_id": 11, "parameters": {"risk_aversion": -1}}]},
            {("/rules/0/parameters/risk_aversion", "out-of-range")},
        ),
        (
            {"rules": [{"rule_id": 2}], "constraints": [{"constraint_id": 99}]},
            {("/constraints/0/constraint_id", "unknown-constraint")},
        ),
        (
            {
                "rules": [{"rule_id": 2}],
                "constraints": [{"constraint_id": 1, "parameters": {"lower": 0.5, "upper": 0.1}}],
            },
            {("/constraints/0/parameters/lower", "inconsistent-constraints")},
        ),
        ({"constraints": [{"constraint_id": 1, "parameters": {"upper": 0.2}}]}, {("/constraints", "unsupported-rule")}),
        ({"include_stop_limit": True}, {("/include_stop_limit", "not-live")}),
        ({"size_rebalance_trigger": -1}, {("/size_rebalance_trigger", "greater_than_equal")}),
        ({"timeframeid": 2}, {("/timeframeid", "literal_error")}),
        ({"nonsense": 1}, {("/nonsense", "unknown_field")}),
    ],
    ids=named,
)
def test_a_strategy_is_refused_with_every_fault(
    client: httpx.Client, change: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    assert faults(client.put("/strategy", json=EQUAL | change)) == expected


def backtest(client: httpx.Client, document: dict[str, Any] = EQUAL, **change: Any) -> httpx.Response:
    put_portfolio(client, "gus")
    asked = {"client_reference": "gus", "strategy_id": put_strategy(client, document), "from": DAYS[0], "to": DAYS[-1]}
    return client.post("/portfolio/backtest", json=asked | change)


@pytest.mark.parametrize(
    ("document", "change", "expected"),
    [
        (EQUAL, {"from": DAYS[-1], "to": DAYS[0]}, ("/to", "dates-reversed")),
        (EQUAL, {"from": "2031-01-01", "to": "2031-02-01"}, ("/from", "missing-price")),
        (EQUAL | {"rules": [{"rule_id": 2}]}, {}, ("/strategy/sessions", "short-history")),
        (EQUAL | {"rules": [{"rule_id": 2}], "sessions": 9999}, {}, ("/strategy/sessions", "short-history")),
        (TRACKING, {"from": DAYS[150]}, ("/strategy/rules/0/parameters", "missing-benchmark")),
        (EQUAL, {"schedule": {"kind": "sessions"}}, ("/schedule/every", "out-of-range")),
    ],
    ids=named,
)
def test_a_backtest_is_refused_in_the_words_of_its_strategy(
    loaded: httpx.Client, document: dict[str, Any], change: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert expected in faults(backtest(loaded, document, **change))


@pytest.mark.parametrize(
    ("method", "address", "body", "expected"),
    [
        ("PUT", "/portfolio?client_reference=x", {"currency": "US1"}, ("/currency", "invalid-currency")),
        ("PUT", "/index?client_reference=x", [{"instrument_code": "A", "ratio": 0.5}], ("", "inconsistent-ratios")),
        (
            "PUT",
            "/index?client_reference=x",
            [{"instrument_code": "A", "ratio": 1, "decompose": True}],
            ("/0/decompose", "literal_error"),
        ),
        (
            "PUT",
            "/history",
            series(CODES[0], history=[{"date": DAYS[0], "close": -1.0}]),
            ("/history/0/close", "invalid-price"),
        ),
        (
            "PUT",
            "/history",
            series(CODES[0], history=[{"date": DAYS[0], "close": 1.0}] * 2),
            ("/history/1/date", "duplicate"),
        ),
        ("GET", "/portfolio/rebalance", None, ("/id", "missing")),
        (
            "POST",
            "/portfolio/rebalance",
            {"client_reference": [], "strategy_id": 1},
            ("/client_reference", "too_short"),
        ),
    ],
    ids=named,
)
def test_other_bodies_are_refused(
    client: httpx.Client, method: str, address: str, body: Any, expected: tuple[str, str]
) -> None:
    assert expected in faults(client.request(method, address, json=body))
