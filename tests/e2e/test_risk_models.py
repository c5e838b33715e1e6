"""Uploaded risk models over HTTP: stored, refused by name, chosen for runs, solved with."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest

from tests.makers import make_snapshot, stock_ids
from tests.service import Service, load_market

SNAPSHOT = make_snapshot(count=3, seed=7)
IDS = list(stock_ids(SNAPSHOT))
PAIR = {"instruments": IDS[:2], "covariance": [[0.04, 0.0], [0.0, 0.01]], "expected_returns": [0.08, 0.02]}
FACTORS = {
    "instruments": IDS[:2],
    "exposures": [[1.0], [2.0]],
    "factor_covariance": [[0.09]],
    "specific_variance": [0.01, 0.02],
}
SCENARIOS = {"instruments": IDS[:2], "scenarios": [[0.1, -0.1], [0.0, 0.2], [-0.1, 0.0]], "horizon_days": 30}
LEAST_VARIANCE = {
    "universe": {"ids": IDS[:2]},
    "objective": {"sense": "minimize", "terms": [{"measure": {"kind": "variance"}}]},
}
CASH = {"base_currency": "USD", "holdings": {"$USD": 1e6}}


@pytest.fixture
def loaded(client: httpx.Client) -> httpx.Client:
    load_market(client, SNAPSHOT)
    client.put("/v1/portfolios/ada", json=CASH).raise_for_status()
    return client


def put(client: httpx.Client, name: str = "m", **fields: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.put(f"/v1/risk-models/{name}", json=PAIR | fields).raise_for_status().json()
    return answer


def faults(response: httpx.Response) -> set[tuple[str, str]]:
    assert response.status_code == 422, response.text
    return {(one["pointer"], one["code"]) for one in response.json()["errors"]}


def inputs(service: Service, run: httpx.Response) -> dict[str, Any]:
    assert run.status_code == 202, run.text
    (row,) = service.sql("select inputs from optimizations where id = $1", run.json()["id"])
    return dict(json.loads(row["inputs"]))


@pytest.mark.parametrize(
    ("body", "form"),
    [(PAIR, "covariance"), (FACTORS, "factors"), (SCENARIOS, "scenarios")],
    ids=["pair", "factors", "rows"],
)
def test_a_model_is_given_back_as_it_was_given(client: httpx.Client, body: dict[str, Any], form: str) -> None:
    stored = client.put("/v1/risk-models/ibm-30d", json=body | {"as_of": "2017-08-11"})
    again = client.get("/v1/risk-models/ibm-30d")

    assert stored.status_code == 200
    assert {name: again.json()[name] for name in body} == body
    said = {"name": "ibm-30d", "version": 1, "default": False, "form": form, "instrument_count": 2}
    assert said.items() <= stored.json().items() <= again.json().items()
    assert again.json()["as_of"] == "2017-08-11"
    assert again.headers["etag"] == stored.headers["etag"]


def test_versions_grow_with_changes_and_if_match_is_honored(client: httpx.Client) -> None:
    first = client.put("/v1/risk-models/m", json=PAIR)
    same = client.put("/v1/risk-models/m", json=PAIR)
    other = client.put("/v1/risk-models/m", json=FACTORS, headers={"If-Match": first.headers["etag"]})
    late = client.put("/v1/risk-models/m", json=PAIR, headers={"If-Match": first.headers["etag"]})
    absent = client.put("/v1/risk-models/none", json=PAIR, headers={"If-Match": '"1-x"'})

    assert [one.json()["version"] for one in (first, same, other)] == [1, 1, 2]
    assert first.json()["digest"] == same.json()["digest"] != other.json()["digest"]
    assert (late.status_code, absent.status_code) == (412, 412)
    assert client.get("/v1/risk-models/none").status_code == 404


def test_models_are_listed_by_name_without_figures_and_deleted(client: httpx.Client) -> None:
    for name in ("b", "a", "c"):
        put(client, name)

    page = client.get("/v1/risk-models", params={"limit": 2}).json()
    rest = client.get("/v1/risk-models", params={"limit": 2, "cursor": page["next"]}).json()
    gone = client.delete("/v1/risk-models/a")

    assert [one["name"] for one in (*page["items"], *rest["items"])] == ["a", "b", "c"]
    assert rest["next"] is None
    assert set(page["items"][0]) == {
        "name", "version", "digest", "default", "form", "instrument_count", "horizon_days", "as_of", "updated_at",
    }  # fmt: skip
    assert (gone.status_code, gone.content) == (204, b"")
    assert client.get("/v1/risk-models/a").status_code == 404
    assert client.delete("/v1/risk-models/a").status_code == 404


def test_there_is_one_default_at_most(client: httpx.Client) -> None:
    put(client, "a", default=True)
    put(client, "b", default=True)

    assert {one["name"]: one["default"] for one in client.get("/v1/risk-models").json()["items"]} == {
        "a": False,
        "b": True,
    }
    put(client, "b", default=False)
    assert not any(one["default"] for one in client.get("/v1/risk-models").json()["items"])


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"covariance": [[0.04, 0.1], [0.0, 0.01]]}, "/covariance/0/1"),
        ({"covariance": [[0.04, 0.1], [0.1, 0.01]]}, "/covariance"),
        ({"covariance": [[0.04, 0.0]]}, "/covariance"),
        ({"covariance": [[0.04, 0.0], [0.0]]}, "/covariance/1"),
        ({"covariance": []}, "/covariance"),
        ({"covariance": [[0.04, "0"], [0.0, 0.01]]}, "/covariance/0/1"),
        ({"covariance": None}, "/covariance"),
        ({"expected_returns": [0.1]}, "/expected_returns"),
        ({"instruments": [IDS[0], IDS[0]]}, "/instruments/1"),
        ({"horizon_days": -1}, "/horizon_days"),
        ({"as_of": "yesterday"}, "/as_of"),
        ({"scenarios": [[0.1, 0.2], [0.2, 0.1]]}, "/scenarios"),
        ({"default": 1}, "/default"),
        ({"covarianse": [[1.0]]}, "/covarianse"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(client: httpx.Client, change: dict[str, Any], pointer: str) -> None:
    response = client.put("/v1/risk-models/m", json=PAIR | change)

    assert pointer in {where for where, _ in faults(response)}, response.text
    assert client.get("/v1/risk-models/m").status_code == 404


def test_all_faults_come_at_once(client: httpx.Client) -> None:
    change = {"expected_returns": [0.1], "horizon_days": -1, "covariance": [[0.04, 0.1], [0.0, 0.01]]}

    found = {where for where, _ in faults(client.put("/v1/risk-models/m", json=PAIR | change))}

    assert {"/expected_returns", "/horizon_days", "/covariance/0/1"} <= found


@pytest.mark.parametrize("name", ["P01M81ZCVTHWX177EKD1JB15E94", "x" * 129, "a%0Ab", " a", "a%E2%80%AE"])
def test_names_that_cannot_be_used_are_refused(client: httpx.Client, name: str) -> None:
    assert client.put(f"/v1/risk-models/{name}", json=PAIR).status_code == 422


def test_figures_that_are_no_numbers_are_no_json(client: httpx.Client) -> None:
    for figure in ("NaN", "1e999"):
        body = json.dumps(PAIR).replace("0.04", figure)
        response = client.put("/v1/risk-models/m", content=body, headers={"Content-Type": "application/json"})
        assert response.json()["type"] == "/problems/malformed-json"


def test_another_tenant_sees_nothing_and_readers_change_nothing(service: Service, client: httpx.Client) -> None:
    put(client, default=True)

    with service.client("a-stranger-to-models") as stranger:
        assert stranger.get("/v1/risk-models/m").status_code == 404
        assert stranger.delete("/v1/risk-models/m").status_code == 404
        assert stranger.get("/v1/risk-models").json()["items"] == []
    with service.client("a-reader-of-models", scopes=("read",)) as reader:
        assert reader.put("/v1/risk-models/m", json=PAIR).status_code == 403
        assert reader.delete("/v1/risk-models/m").status_code == 403


def test_two_thousand_instruments_fit_and_others_are_answered_meanwhile(service: Service, client: httpx.Client) -> None:
    count = 2000
    random = np.random.default_rng(1)
    root = random.normal(size=(count + 50, count))
    covariance = np.round(root.T @ root / (count + 50), 6)
    body = json.dumps({"instruments": [f"I{i}" for i in range(count)], "covariance": covariance.tolist()}).encode()
    assert len(body) > 2**25

    with ThreadPoolExecutor(1) as pool, service.client("beside-the-large-one") as other:
        headers = {"Content-Type": "application/json"}
        sent = pool.submit(client.put, "/v1/risk-models/large", content=body, headers=headers)
        waits = []
        while not sent.done():
            began = time.monotonic()
            other.get("/v1/risk-models").raise_for_status()
            waits.append(time.monotonic() - began)
        stored = sent.result().raise_for_status().json()

    again = client.get("/v1/risk-models/large").json()
    assert stored["instrument_count"] == count
    assert again["digest"] == stored["digest"]
    np.testing.assert_array_equal(again["covariance"], covariance)
    assert len(waits) > 3


def test_a_body_beyond_64_megabytes_is_refused(client: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}

    response = client.put("/v1/risk-models/m", content=b" " * (64 * 2**20 + 1), headers=headers)

    assert response.status_code == 413


def test_a_run_uses_the_requests_model_else_the_strategys_else_the_default(
    service: Service, loaded: httpx.Client
) -> None:
    digests = {name: put(loaded, name, horizon_days=days)["digest"] for name, days in (("a", 1), ("b", 2), ("c", 3))}
    put(loaded, "c", horizon_days=3, default=True)
    named = LEAST_VARIANCE | {"risk_model": {"name": "b"}}
    sampled = LEAST_VARIANCE | {"risk_model": {"kind": "sample"}}

    def used(strategy: dict[str, Any], **fields: Any) -> Any:
        run = loaded.post("/v1/optimizations", json={"portfolio": "ada", "strategy": strategy} | fields)
        return inputs(service, run)["risk_model"]

    assert used(named, risk_model="a") == {"name": "a", "digest": digests["a"]}
    assert used(sampled, risk_model="a") == {"name": "a", "digest": digests["a"]}
    assert used(named) == {"name": "b", "digest": digests["b"]}
    assert used(LEAST_VARIANCE) == {"name": "c", "digest": digests["c"]}
    assert used(sampled) is None


def test_a_model_that_does_not_exist_is_refused_where_it_is_named(loaded: httpx.Client) -> None:
    put(loaded)
    named = LEAST_VARIANCE | {"risk_model": {"name": "nobody"}}
    body = {"portfolio": "ada", "strategy": named}

    by_strategy = loaded.post("/v1/optimizations", json=body)
    by_request = loaded.post("/v1/optimizations", json=body | {"risk_model": "nobody"})
    checked = loaded.post("/v1/optimizations", params={"validate_only": True}, json=body | {"risk_model": ""})
    rescued = loaded.post("/v1/optimizations", json=body | {"risk_model": "m"})

    assert faults(by_strategy) == {("/strategy/risk_model/name", "unknown-risk-model")}
    assert faults(by_request) == faults(checked) == {("/risk_model", "unknown-risk-model")}
    assert rescued.status_code == 202


def test_gap_and_model_are_among_the_inputs(service: Service, loaded: httpx.Client) -> None:
    put(loaded, "a", default=True)
    put(loaded, "twin")
    body: dict[str, Any] = {"portfolio": "ada", "strategy": LEAST_VARIANCE}

    plain = loaded.post("/v1/optimizations", json=body)
    spelled = loaded.post("/v1/optimizations", json=body | {"gap": 0.01, "risk_model": "a"})
    tight = loaded.post("/v1/optimizations", json=body | {"gap": 1e-4})
    twin = loaded.post("/v1/optimizations", json=body | {"risk_model": "twin"})
    put(loaded, "a", default=True, horizon_days=30)
    changed = loaded.post("/v1/optimizations", json=body)

    assert inputs(service, plain)["gap"] == 0.01
    assert plain.json()["id"] == spelled.json()["id"]
    assert len({one.json()["optimization_hash"] for one in (plain, tight, twin, changed)}) == 4
    for gap in (0, -1, 1.1, "0.1"):
        refused = loaded.post("/v1/optimizations", json=body | {"gap": gap})
        assert {where for where, _ in faults(refused)} == {"/gap"}


def test_the_latest_run_is_superseded_when_its_model_has_changed(service: Service, loaded: httpx.Client) -> None:
    put(loaded, "a", default=True)
    put(loaded, "b", expected_returns=None)
    loaded.put("/v1/strategies/least", json=LEAST_VARIANCE).raise_for_status()

    def superseded() -> bool:
        answer = loaded.get("/optimizations/latest", params={"client_reference": "ada"})
        assert answer.status_code == 200
        return bool(answer.json()["superseded"])

    def run(**fields: Any) -> None:
        accepted = loaded.post("/v1/optimizations", json={"portfolio": "ada", "strategy": "least"} | fields)
        service.ended(loaded, accepted.raise_for_status().json()["id"])

    run()
    assert superseded() is False
    put(loaded, "b", default=True, expected_returns=None)
    assert superseded() is True
    run(risk_model="a")
    assert superseded() is False
    put(loaded, "a", horizon_days=9)
    assert superseded() is True
    loaded.delete("/v1/risk-models/a").raise_for_status()
    assert superseded() is True


def test_the_least_variance_of_two_uncorrelated_instruments(service: Service, loaded: httpx.Client) -> None:
    """Closed form: weights are inversely proportional to the variances, 0.04 and 0.01."""
    put(loaded)
    body = {"portfolio": "ada", "strategy": LEAST_VARIANCE, "risk_model": "m"}

    run = service.ended(loaded, loaded.post("/v1/optimizations", json=body).json()["id"])

    assert run["status"] == "succeeded", run["error"]
    weights = run["result"]["weights"]
    assert weights[IDS[0]] == pytest.approx(0.2, abs=1e-6)
    assert weights[IDS[1]] == pytest.approx(0.8, abs=1e-6)
    assert run["result"]["measures"]["optimal"]["variance"] == pytest.approx(0.008, abs=1e-8)
    assert run["result"]["measures"]["optimal"]["expected_return"] == pytest.approx(0.032, abs=1e-6)


@pytest.mark.parametrize("spec", [{"kind": "sample"}, {"name": "other"}], ids=["estimated", "named"])
def test_the_requests_model_wins_over_the_strategys(
    service: Service, loaded: httpx.Client, spec: dict[str, Any]
) -> None:
    """Closed form as above; the strategy's own model would give other weights."""
    put(loaded)
    put(loaded, "other", covariance=[[1.0, 0.0], [0.0, 1.0]])
    body = {"portfolio": "ada", "strategy": LEAST_VARIANCE | {"risk_model": spec}, "risk_model": "m"}

    run = service.ended(loaded, loaded.post("/v1/optimizations", json=body).json()["id"])

    assert run["result"]["weights"][IDS[1]] == pytest.approx(0.8, abs=1e-6)


def test_a_model_is_solved_with_again_and_again_and_a_new_one_at_once(service: Service, loaded: httpx.Client) -> None:
    """Closed form as above; the solver keeps models by content, so that a changed one is never mistaken."""
    for variance in (0.01, 0.04, 0.01):
        put(loaded, covariance=[[0.04, 0.0], [0.0, variance]])
        body = {"portfolio": "ada", "strategy": LEAST_VARIANCE, "risk_model": "m", "what_if": True}
        run = service.ended(loaded, loaded.post("/v1/optimizations", json=body).json()["id"])
        expected = (1 / variance) / (1 / variance + 1 / 0.04)
        assert run["result"]["weights"][IDS[1]] == pytest.approx(expected, abs=1e-6)


def test_a_benchmark_may_be_in_the_model_alone(service: Service, loaded: httpx.Client) -> None:
    """An index that was never loaded, all variances 1, covariance 0.9 with the first stock and 0 with the second.

    Minimize a^2 + b^2 - 1.8 a + 1 with a + b = 1: 2 a - 2 (1 - a) - 1.8 = 0, so a = 0.95.
    """
    model = {
        "instruments": [*IDS[:2], "NOWHERE"],
        "covariance": [[1.0, 0.0, 0.9], [0.0, 1.0, 0.0], [0.9, 0.0, 1.0]],
        "expected_returns": None,
    }
    put(loaded, **model)
    strategy = {
        "universe": {"ids": IDS[:2]},
        "benchmark": {"NOWHERE": 1.0},
        "objective": {"sense": "minimize", "terms": [{"measure": {"kind": "tracking_error_squared"}}]},
        "risk_model": {"name": "m"},
    }

    run = loaded.post("/v1/optimizations", json={"portfolio": "ada", "strategy": strategy})
    ended = service.ended(loaded, run.raise_for_status().json()["id"])
    unknown = loaded.post(
        "/v1/optimizations",
        json={"portfolio": "ada", "strategy": strategy | {"benchmark": {"NOBODY": 1.0}}},
    )

    assert ended["result"]["weights"][IDS[0]] == pytest.approx(0.95, abs=1e-6)
    assert ("/strategy/benchmark/NOBODY", "unknown-asset") in faults(unknown)


def test_an_instrument_that_the_model_does_not_cover_is_named(loaded: httpx.Client) -> None:
    put(loaded)
    strategy = LEAST_VARIANCE | {"universe": {"ids": IDS}}

    refused = loaded.post("/v1/optimizations", json={"portfolio": "ada", "strategy": strategy, "risk_model": "m"})

    assert refused.json()["type"] == "/problems/unknown-asset"
    assert any(IDS[2] in one["detail"] for one in refused.json()["errors"])
