"""IBM's dialect over HTTP: golden pairs, both shapes, and the life of a request that is not waited for.

Five assets with round prices, and a risk model in which nothing is correlated: every expected
number of the golden pairs is worked out by hand there, beside the request.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service import Service
from tests.tolerances import SOLVED, WEIGHTS

GOLDEN = sorted((Path(__file__).resolve().parents[1] / "golden" / "ibm").glob("*/*.json"))
PRICES = {"A": 10.0, "B": 20.0, "C": 25.0, "D": 50.0, "E": 40.0}
VARIANCES = (0.01, 0.02, 0.04, 0.04, 0.05, 0.06)
RETURNS = [0.01, 0.02, 0.03, 0.005, 0.0, 0.0]
CONSTRUCT = "/api/v1/optimization/portfolio/construct"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{9}-UTC")
ERROR = {"description", "httpcode", "requestendtimestamp", "requeststarttimestamp", "transactionid"}


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[httpx.Client]:
    """A client as IBM's own were: one header with the key."""
    with service.client("ibm") as loader:
        load(loader)
    headers = {"X-IBM-Access-Token": service.key("ibm")}
    with httpx.Client(base_url=service.base_url, headers=headers, timeout=60, trust_env=False) as one:
        yield one


def load(client: httpx.Client) -> None:
    """Load instruments, prices of long ago, and the default model of 30 days."""
    instruments = [{"id": key, "currency": "USD"} for key in (*PRICES, "NOPRICE")]
    client.put("/v1/instruments", json={"instruments": instruments}).raise_for_status()
    prices = [{"instrument": key, "date": "2017-08-11", "close": close} for key, close in PRICES.items()]
    client.put("/v1/prices", json={"prices": prices}).raise_for_status()
    covariance = [[one if i == j else 0.0 for j in range(6)] for i, one in enumerate(VARIANCES)]
    model = {"instruments": [*PRICES, "NOPRICE"], "horizon_days": 30, "default": True}
    figures = {"expected_returns": RETURNS, "covariance": covariance}
    client.put("/v1/risk-models/thirty", json=model | figures).raise_for_status()


def golden(name: str) -> dict[str, Any]:
    """Read one pair."""
    file = next(file for file in GOLDEN if file.stem == name)
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def post(client: httpx.Client, pair: dict[str, Any], **headers: str) -> httpx.Response:
    """Send the request of a pair."""
    return client.post(f"/api/v1/optimization/portfolio/{pair['route']}", json=pair["request"], headers=headers)


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_golden_pair(client: httpx.Client, file: Path) -> None:
    pair = json.loads(file.read_text("utf-8"))
    response = post(client, pair)
    body, expected = response.json(), pair["response"]

    assert response.status_code == pair["status"], response.text
    if pair["status"] == 200:
        check_solution(body, expected)
    else:
        check_error(body, expected, pair.get("conflict"))


def check_solution(body: dict[str, Any], expected: dict[str, Any]) -> None:
    """The documented shape, the worked-out numbers."""
    assert set(body) == {"holdings", "metadata", "performance"}
    (metadata,), (performance,) = body["metadata"], body["performance"]
    (known,) = expected["metadata"]
    assert {key: metadata[key] for key in ("message", "status", "statusCode")} == {
        key: known[key] for key in ("message", "status", "statusCode")
    }
    assert metadata["objectiveValue"] == pytest.approx(known["objectiveValue"], rel=1e-4)
    assert MOMENT.fullmatch(metadata["requeststarttimestamp"])
    assert MOMENT.fullmatch(metadata["requestendtimestamp"])
    assert metadata["requeststarttimestamp"] < metadata["requestendtimestamp"]
    assert performance["algorithm"] == expected["performance"][0]["algorithm"]
    assert set(performance) == {"algorithm", "threads", "time"}
    for row in body["holdings"]:
        assert row["optimizedTrade"] == row["optimizedQuantity"] - row["quantity"]
    if "holdings" in expected:
        assert metadata["objectiveValue"] == pytest.approx(known["objectiveValue"], rel=SOLVED)
        value = sum(PRICES[row["asset"]] * row["optimizedQuantity"] for row in expected["holdings"])
        assert [row["asset"] for row in body["holdings"]] == [row["asset"] for row in expected["holdings"]]
        for row, best in zip(body["holdings"], expected["holdings"], strict=True):
            apart = abs(row["optimizedQuantity"] - best["optimizedQuantity"]) * PRICES[row["asset"]] / value
            assert apart < WEIGHTS, (row, best)
            assert row["quantity"] == best["quantity"]


def check_error(body: dict[str, Any], expected: dict[str, Any], pointer: str | None) -> None:
    """The documented members as documented; `conflict` beside them says more."""
    assert set(body) - {"conflict"} == ERROR
    assert body["httpcode"] == expected["httpcode"]
    if expected["description"] is not None:
        assert body["description"] == expected["description"]
    if pointer is not None:
        assert pointer in [one.partition(":")[0] for one in body["conflict"]], body
    assert MOMENT.fullmatch(body["requeststarttimestamp"])
    assert MOMENT.fullmatch(body["requestendtimestamp"])


def test_at_least_three_positions_are_three(client: httpx.Client) -> None:
    body = post(client, golden("c6_at_least_three_positions")).json()

    value = {row["asset"]: row["optimizedQuantity"] * PRICES[row["asset"]] for row in body["holdings"]}
    assert sum(amount > 0.01 for amount in value.values()) >= 3


def test_the_live_shape_has_objects_and_capitals(client: httpx.Client) -> None:
    pair = golden("objective_variance")
    documented = post(client, pair).json()
    live = client.post(CONSTRUCT, params={"shape": "live"}, json=pair["request"]).json()

    assert set(live) == {"Holdings", "Metadata", "Performance"}
    assert live["Metadata"]["TransactionID"] == documented["metadata"][0]["transactionid"]
    assert live["Metadata"]["ObjectiveValue"] == documented["metadata"][0]["objectiveValue"]
    assert (live["Metadata"]["Status"], live["Metadata"]["StatusCode"]) == ("Optimal", 1)
    assert MOMENT.fullmatch(live["Metadata"]["RequestStartTimestamp"])
    assert set(live["Metadata"]) == {
        "Status", "Message", "StatusCode", "ObjectiveValue", "TransactionID", "RequestStartTimestamp",
        "RequestEndTimestamp",
    }  # fmt: skip
    assert set(live["Performance"]) == {"Algorithm", "Threads", "Time"}
    assert [row["Asset"] for row in live["Holdings"]] == ["A", "B", "C", "D"]
    assert set(live["Holdings"][0]) == {"Asset", "Quantity", "OptimizedTrade", "OptimizedQuantity"}


def test_construct_then_rebalance_trades_nothing(client: httpx.Client) -> None:
    asked = golden("c1_group_weight")["request"]
    built = client.post(CONSTRUCT, json=asked).json()
    held = [{"asset": row["asset"], "quantity": row["optimizedQuantity"]} for row in built["holdings"]]
    again = {
        "constraints": asked["constraints"][1:],
        "objectives": asked["objectives"],
        "portfolios": [asked["portfolios"][0] | {"holdings": held}, *asked["portfolios"][1:]],
    }

    settled = client.post(CONSTRUCT.replace("construct", "rebalance"), json=again).json()

    moved = sum(abs(row["optimizedTrade"]) * PRICES[row["asset"]] for row in settled["holdings"])
    assert moved < WEIGHTS * 10_000


def test_equal_requests_share_one_run(client: httpx.Client) -> None:
    pair = golden("c2_members")

    ids = {post(client, pair).json()["metadata"][0]["transactionid"] for _ in range(2)}

    assert len(ids) == 1


def test_who_does_not_wait_is_told_where_to_look(service: Service, client: httpx.Client) -> None:
    pair = golden("c7_cash_in")
    asked = pair["request"]["constraints"]
    pair["request"]["constraints"] = [*asked, asked[0] | {"CashAdjust": 321}]
    accepted = post(client, pair, Prefer="respond-async")

    again = post(client, pair, Prefer="respond-async")

    assert (accepted.status_code, again.status_code) == (202, 202)
    assert again.json()["transactionid"] == accepted.json()["transactionid"]
    assert set(accepted.json()) == ERROR
    assert int(accepted.headers["retry-after"]) >= 1
    where = accepted.headers["location"]
    assert where.startswith("/api/v1/optimization/portfolio/optimizations/O")
    ended = service.until(lambda: one if (one := client.get(where)).status_code != 202 else None)
    assert ended.status_code == 200
    assert ended.json()["metadata"][0]["transactionid"] == accepted.json()["transactionid"]
    assert client.get(where, params={"shape": "live"}).json()["Metadata"]["Status"] == "Optimal"


def test_a_refusal_is_polled_like_an_answer(service: Service, client: httpx.Client) -> None:
    pair = golden("infeasible")
    pair["request"]["constraints"][0]["CashAdjust"] = 12_345
    accepted = post(client, pair, Prefer="respond-async")
    where = accepted.headers["location"]
    ended = service.until(lambda: one if (one := client.get(where)).status_code != 202 else None)

    assert (ended.status_code, ended.json()["description"]) == (400, "Infeasible")
    assert any("AB" in one or "A, B" in one for one in ended.json()["conflict"])


def test_a_request_with_a_key_is_carried_out_once(client: httpx.Client) -> None:
    pair = golden("c3_no_short_sales")
    first = post(client, pair, **{"Idempotency-Key": "ibm 1"})
    again = post(client, pair, **{"Idempotency-Key": "ibm 1"})
    other = post(client, golden("c2_members"), **{"Idempotency-Key": "ibm 1"})

    ids = [one.json()["metadata"][0]["transactionid"] for one in (first, again)]
    assert ids[0] == ids[1]
    assert other.status_code == 400
    assert set(other.json()) - {"conflict"} == ERROR


def test_a_name_of_any_script_is_told_back_in_an_address(service: Service) -> None:
    tenant = "фонд & Söhne €"
    with service.client(tenant) as loader:
        load(loader)
        asked = golden("objective_variance")["request"]
        response = loader.post(
            f"/api/v1/{tenant}/portfolio/construct",
            json=asked,
            headers={"Prefer": "respond-async", "Idempotency-Key": "1"},
        )
        where = response.headers["location"]
        ended = service.until(lambda: one if (one := loader.get(where)).status_code != 202 else None)

    assert response.status_code == 202
    assert ended.status_code == 200


def test_no_time_to_wait_is_no_wait(client: httpx.Client) -> None:
    pair = golden("objective_variance")
    pair["request"]["constraints"][0]["CashAdjust"] = 777

    assert post(client, pair, Prefer="wait=0").status_code == 202


def test_runs_of_others_dialects_are_not_shown_as_ibms(service: Service, client: httpx.Client) -> None:
    with service.client("ibm") as native:
        held = {"base_currency": "USD", "holdings": {"$USD": 1000, "A": 1}}
        variance = {"sense": "minimize", "terms": [{"measure": {"kind": "variance"}, "weight": 1.0}]}
        run = native.post("/v1/optimizations", json={"portfolio": held, "strategy": {"objective": variance}}).json()
        service.ended(native, run["id"])

    assert client.get(f"/api/v1/optimization/portfolio/optimizations/{run['id']}").status_code == 404


def test_what_is_wrong_with_the_data_is_no_fault_of_the_optimizer(service: Service) -> None:
    with service.client("ibm-one-day") as loader:
        instruments = [{"id": key, "currency": "USD"} for key in PRICES]
        loader.put("/v1/instruments", json={"instruments": instruments}).raise_for_status()
        prices = [{"instrument": key, "date": "2017-08-11", "close": close} for key, close in PRICES.items()]
        loader.put("/v1/prices", json={"prices": prices}).raise_for_status()
        response = loader.post(CONSTRUCT, json=golden("objective_variance")["request"])

    assert (response.status_code, response.json()["description"]) == (400, "history too short")


def test_strict_handling_refuses_what_is_mended_else(client: httpx.Client) -> None:
    good = post(client, golden("objective_variance"), Prefer="handling=strict")
    spelled = post(client, golden("spellings"), Prefer="handling=strict")

    assert (good.status_code, good.headers["preference-applied"]) == (200, "handling=strict")
    assert spelled.status_code == 400
    for field in ("/constraints/0/cashadjust", "/constraints/0/attribute:", "/constraints/1/in-portfolio"):
        assert any(one.startswith(f"{field}: ") for one in spelled.json()["conflict"])


def test_the_tenant_is_the_callers_own_or_none_in_particular(service: Service, client: httpx.Client) -> None:
    service.key("somebody else")
    asked = golden("objective_variance")["request"]
    statuses = {
        tenant: client.post(f"/api/v1/{tenant}/portfolio/construct", json=asked)
        for tenant in ("optimization", "ibm", "somebody else", "nobody")
    }

    assert [one.status_code for one in statuses.values()] == [200, 200, 404, 404]
    assert statuses["nobody"].json()["description"] == statuses["somebody else"].json()["description"]
    assert set(statuses["nobody"].json()) == ERROR


def test_errors_before_the_request_is_read_have_ibms_form_too(service: Service, client: httpx.Client) -> None:
    url = service.base_url + CONSTRUCT
    stranger = httpx.post(url, json={}, trust_env=False)
    broken = client.post(CONSTRUCT, content=b"{", headers={"Content-Type": "application/json"})
    unfit = client.post(CONSTRUCT, json=[])
    text = client.post(CONSTRUCT, content=b"x", headers={"Content-Type": "text/plain"})

    assert [one.status_code for one in (stranger, broken, unfit, text)] == [401, 400, 400, 415]
    for one in (stranger, broken, unfit, text):
        assert set(one.json()) - {"conflict"} == ERROR
        assert one.json()["httpcode"] == one.status_code


def test_without_a_default_model_the_loaded_prices_are_what_is_known(service: Service) -> None:
    with service.client("ibm-prices") as client:
        instruments = [{"id": key, "currency": "USD"} for key in ("X", "Y")]
        client.put("/v1/instruments", json={"instruments": instruments}).raise_for_status()
        # returns of +1 % and -1 % by turns, and twice as much: variances 1 to 4, and no correlation
        moves = [(1.01, 1.02), (1.01, 0.98), (0.99, 1.02), (0.99, 0.98)] * 10
        lines, x, y = ["date,X,Y", "2020-01-01,100,100"], 100.0, 100.0
        for day, (up, side) in enumerate(moves, 2):
            x, y = x * up, y * side
            lines.append(f"2020-{1 + day // 29:02d}-{1 + day % 29:02d},{x!r},{y!r}")
        client.put("/v1/prices", content="\n".join(lines), headers={"Content-Type": "text/csv"}).raise_for_status()
        holdings = [{"asset": "X", "quantity": 1}, {"asset": "Y", "quantity": 1}]
        body = client.post(
            CONSTRUCT,
            json={
                "constraints": [],
                "objectives": [golden("objective_variance")["request"]["objectives"][0]],
                "portfolios": [{"name": "Root", "type": "root", "holdings": holdings}],
            },
        ).json()
        run = client.get(f"/v1/optimizations/{body['metadata'][0]['transactionid']}").json()

    money = [row["optimizedQuantity"] * last for row, last in zip(body["holdings"], (x, y), strict=True)]
    daily, sessions = 0.01**2 * 40 / 39, 30 * 252 / 365
    assert money[0] / sum(money) == pytest.approx(0.8, abs=WEIGHTS)
    assert body["metadata"][0]["objectiveValue"] == pytest.approx(0.8 * daily * sessions, rel=SOLVED)
    assert run["status"] == "succeeded"
    (stored,) = service.sql("select inputs from optimizations where id = $1", run["id"])
    assert json.loads(stored["inputs"])["strategy"]["risk_model"] == {
        "kind": "sample",
        "frequency": "daily",
        "horizon_days": 30.0,
    }
