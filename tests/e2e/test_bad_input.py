"""Bad input: the right status, the right problem type, the field's pointer; never a 5xx, never an echo."""

import datetime as dt
import socket
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.makers import make_snapshot, stock_ids
from tests.service import Service, load_market, strategy_document

SNAPSHOT = make_snapshot()
IDS = stock_ids(SNAPSHOT)
JSON = {"Content-Type": "application/json"}
SECRET = "SECRET-OF-THE-CALLER"
GOOD = strategy_document()
RUN = {"portfolio": "ada", "strategy": "track"}


@dataclass(frozen=True)
class Case:
    """A call, and what must come back."""

    name: str
    method: str
    path: str
    status: int
    type: str
    json: Any = None
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    pointer: str | None = None


def put(name: str, status: int, kind: str, content: bytes, **headers: str) -> Case:
    return Case(name, "PUT", "/v1/strategies/x", status, kind, content=content, headers=JSON | headers)


def strategy(name: str, status: int, kind: str, pointer: str, **fields: Any) -> Case:
    return Case(name, "PUT", "/v1/strategies/x", status, kind, json=GOOD | fields, pointer=pointer)


def run(name: str, status: int, kind: str, pointer: str | None, **fields: Any) -> Case:
    return Case(name, "POST", "/v1/optimizations", status, kind, json=RUN | fields, pointer=pointer)


def instrument(name: str, pointer: str, problem: str = "validation-failed", **fields: Any) -> Case:
    document = {"id": "X", "currency": "USD"} | fields
    return Case(name, "PUT", "/v1/instruments", 422, problem, json={"instruments": [document]}, pointer=pointer)


def price(name: str, status: int, kind: str, pointer: str, **fields: Any) -> Case:
    document = {"instrument": IDS[0], "date": "2024-07-01", "close": 10.0} | fields
    return Case(name, "PUT", "/v1/prices", status, kind, json={"prices": [document]}, pointer=pointer)


def portfolio(name: str, pointer: str, problem: str = "validation-failed", **fields: Any) -> Case:
    document = {"base_currency": "USD", "holdings": {"$USD": 1}} | fields
    return Case(name, "PUT", "/v1/portfolios/x", 422, problem, json=document, pointer=pointer)


TERMS = [{"measure": {"kind": "variance"}, "weight": 1.0}]
CASES = [
    put("not JSON", 400, "malformed-json", b"hello " + SECRET.encode()),
    put("trailing comma", 400, "malformed-json", b'{"a": 1,}'),
    put("empty body", 400, "malformed-json", b""),
    put("array", 422, "validation-failed", b"[]"),
    put("null", 422, "validation-failed", b"null"),
    put("NaN", 400, "malformed-json", b'{"shorting": NaN}'),
    put("Infinity", 400, "malformed-json", b'{"shorting": -Infinity}'),
    put("1e999", 400, "malformed-json", b'{"objective": {"sense": "minimize", "terms": [{"measure": {"kind": "variance"}, "weight": 1e999}]}}'),
    put("duplicate key", 400, "duplicate-key", b'{"shorting": true, "shorting": false}'),
    put("too deep", 400, "too-deep", b"[" * 40 + b"]" * 40),
    put("endless integer", 400, "malformed-json", b'{"shorting": ' + b"9" * 5000 + b"}"),
    put("NUL in a string", 422, "validation-failed", b'{"objective": {"sense": "x\\u0000", "terms": []}}'),
    put("lone surrogate", 400, "malformed-json", b'{"benchmark": {"\\ud800": 1}}'),
    put("invalid UTF-8", 400, "malformed-json", b'{"benchmark": {"\xff": 1}}'),
    put("byte order mark", 400, "malformed-json", b"\xef\xbb\xbf{}"),
    put("UTF-16", 415, "unsupported-media-type", "{}".encode("utf-16"), **{"Content-Type": "application/json; charset=utf-16"}),
    put("plain text", 415, "unsupported-media-type", b"{}", **{"Content-Type": "text/plain"}),
    put("form", 415, "unsupported-media-type", b"a=1", **{"Content-Type": "application/x-www-form-urlencoded"}),
    put("gzip", 415, "unsupported-content-encoding", b"x", **{"Content-Encoding": "gzip"}),
    put("too large", 413, "payload-too-large", b'{"a": "' + b"x" * (2 * 2**20) + b'"}'),
    strategy("number as text", 422, "validation-failed", "/objective/terms/0/weight", objective={"sense": "minimize", "terms": [{"measure": {"kind": "variance"}, "weight": "1"}]}),
    strategy("NaN as text", 422, "validation-failed", "/trading/cost_fraction", trading={"cost_fraction": "NaN"}),
    strategy("true as number", 422, "validation-failed", "/trading/cost_fraction", trading={"cost_fraction": True}),
    strategy("unknown field", 422, "validation-failed", f"/{SECRET}", **{SECRET: 1}),
    strategy("client sets version", 422, "validation-failed", "/version", version=7),
    strategy("unknown measure", 422, "validation-failed", "/objective/terms/0/measure", objective={"sense": "minimize", "terms": [{"measure": {"kind": SECRET}}]}),
    strategy("unknown constraint", 422, "validation-failed", "/constraints/0", constraints=[{"kind": SECRET}]),
    strategy("no terms", 422, "validation-failed", "/objective/terms", objective={"sense": "minimize", "terms": []}),
    strategy("maximized variance", 422, "validation-failed", "/objective/terms/0", objective={"sense": "maximize", "terms": TERMS}),
    strategy("lower above upper", 422, "inconsistent-constraints", "/constraints/0/lower", constraints=[{"kind": "weight_bounds", "lower": 0.5, "upper": 0.1}]),
    strategy("cash lower above upper", 422, "inconsistent-constraints", "/constraints/0/lower_amount", constraints=[{"kind": "cash", "lower_amount": 5, "upper_amount": 1}]),
    strategy("variance from below", 422, "validation-failed", "/constraints/0/measure", constraints=[{"kind": "measure_limit", "measure": {"kind": "variance"}, "lower": 0.1}]),
    strategy("level of 1", 422, "validation-failed", "/objective/terms/0/measure/level", objective={"sense": "minimize", "terms": [{"measure": {"kind": "cvar", "level": 1.0}}]}),
    strategy("negative cost", 422, "validation-failed", "/trading/cost_fraction", trading={"cost_fraction": -0.1}),
    strategy("negative penalty", 422, "validation-failed", "/constraints/0/penalty", constraints=[{"kind": "turnover", "upper": 1, "penalty": -1}]),
    strategy("too many constraints", 422, "limit-exceeded", "/constraints", constraints=[{"kind": "turnover", "upper": 1}] * 501),
    strategy("two measures of one name", 422, "validation-failed", "/report/0", report=[{"kind": "cvar", "name": "tracking_error_squared"}]),
    run("unknown asset in the universe", 422, "unknown-asset", "/strategy/universe/ids/0", strategy=GOOD | {"universe": {"ids": [SECRET]}}),
    run("unknown benchmark", 422, "unknown-asset", f"/strategy/benchmark/{SECRET}", strategy=GOOD | {"benchmark": {SECRET: 1}}),
    run("no risk model", 422, "validation-failed", "/strategy/objective/terms/0/measure", strategy=GOOD | {"risk_model": None}),
    run("no benchmark", 422, "validation-failed", "/strategy/objective/terms/0/measure", strategy=GOOD | {"benchmark": {}}),
    run("unpriced asset", 422, "missing-price", "/strategy/universe", strategy=GOOD | {"universe": {"ids": ["UNPRICED"]}}),
    run("unknown group", 422, "validation-failed", "/strategy/constraints/0/scope", strategy=GOOD | {"constraints": [{"kind": "group_weight", "scope": {"grouping": SECRET, "name": "x"}, "upper": 1}]}),
    run("empty portfolio", 422, "empty-portfolio", "/portfolio/holdings", cash_flow=-1e9),
    run("unknown holding", 422, "unknown-asset", f"/portfolio/holdings/{SECRET}", portfolio={"base_currency": "USD", "holdings": {SECRET: 1}}),
    run("foreign cash", 422, "missing-price", "/portfolio/holdings/$EUR", portfolio={"base_currency": "USD", "holdings": {"$EUR": 1}}),
    run("no such portfolio", 404, "not-found", None, portfolio=SECRET),
    run("no such strategy", 404, "not-found", None, strategy=SECRET),
    run("too much time", 422, "limit-exceeded", "/time_limit_seconds", time_limit_seconds=301),
    run("no time", 422, "validation-failed", "/time_limit_seconds", time_limit_seconds=0),
    run("bad date", 422, "validation-failed", "/as_of", as_of="2022-13-01"),
    run("bad policy", 422, "validation-failed", "/if_running", if_running=SECRET),
    run("before all prices", 422, "missing-price", "/strategy/universe", as_of="1980-01-01"),
    instrument("zero lot", "/instruments/0/lot", lot=0),
    instrument("cash as instrument", "/instruments/0/id", id="$USD"),
    instrument("id with a slash", "/instruments/0/id", id="A/B"),
    instrument("lot as text", "/instruments/0/lot", lot="1"),
    instrument("Decimal of a thousand digits", "/instruments/0/lot", lot="1e1000000"),
    price("zero price", 422, "invalid-price", "/prices/0/close", close=0),
    price("negative price", 422, "invalid-price", "/prices/0/adjusted_close", adjusted_close=-1),
    price("price of an unknown asset", 422, "unknown-asset", "/prices", instrument="NOBODY"),
    price("bad day", 422, "validation-failed", "/prices/0/date", date="yesterday"),
    Case("CSV that is not UTF-8", "PUT", "/v1/prices", 400, "malformed-csv", content=b"date,A\n\xff", headers={"Content-Type": "text/csv"}),
    Case("CSV with a bad cell", "PUT", "/v1/prices", 422, "validation-failed", content=f"date,{IDS[0]}\n2024-01-02,{SECRET}".encode(), headers={"Content-Type": "text/csv"}, pointer=f"/line/2/{IDS[0]}"),
    portfolio("bad currency", "/base_currency", base_currency="usd"),
    portfolio("quantity as text", "/holdings/A", holdings={"A": "1"}),
    portfolio("no holdings", "/holdings", holdings=None),
    Case("name with a control character", "PUT", "/v1/portfolios/a%0Ab", 422, "validation-failed", json={"base_currency": "USD", "holdings": {}}),
    Case("name like an id", "PUT", "/v1/portfolios/P01M81ZCVTHWX177EKD1JB15E94", 422, "validation-failed", json={"base_currency": "USD", "holdings": {}}),
    Case("name of an address", "PUT", "/v1/strategies/validate", 422, "validation-failed", json=GOOD),
    Case("rebalance with text for a number", "POST", "/portfolio/rebalance", 422, "validation-failed", json={"client_reference": "ada", "strategy_id": "1"}, pointer="/strategy_id"),
    Case("rebalance of nobody", "POST", "/portfolio/rebalance", 404, "not-found", json={"client_reference": SECRET, "strategy_id": 1}),
    Case("unknown path", "GET", f"/v1/{SECRET}", 404, "not-found"),
    Case("wrong method", "PATCH", "/v1/optimizations", 405, "method-not-allowed"),
    Case("id of no shape", "GET", "/v1/optimizations/'; drop table optimizations", 404, "not-found"),
    Case("limit 0", "GET", "/v1/portfolios?limit=0", 400, "invalid-parameter"),
    Case("limit -1", "GET", "/v1/portfolios?limit=-1", 400, "invalid-parameter"),
    Case("limit of words", "GET", f"/v1/portfolios?limit={SECRET}", 400, "invalid-parameter", pointer="/limit"),
    Case("forged cursor", "GET", f"/v1/portfolios?cursor={SECRET}", 400, "invalid-cursor"),
    price("day beyond all calendars", 422, "invalid-price", "/prices/0/date", date="9999-12-31"),
    price("infinite price", 422, "invalid-price", "/prices/0/close", close=1e300),
    price("negative volume", 422, "invalid-price", "/prices/0/volume", volume=-1),
    instrument("endless id", "/instruments/0/id", id="x" * 3000),
    instrument("invisible id", "/instruments/0/id", id="\u200b"),
    instrument("no currency", "/instruments/0/currency", currency=""),
    portfolio("endless quantity", "/holdings/A", holdings={"A": 1e300}),
    strategy("endless window", 422, "validation-failed", "/risk_model/window", risk_model={"kind": "sample", "window": 2**62}),
    strategy("horizon of nothing", 422, "validation-failed", "/risk_model/horizon_days", risk_model={"kind": "sample", "horizon_days": 0}),
    strategy("weight of next to nothing", 422, "validation-failed", "/objective/terms/0/weight", objective={"sense": "minimize", "terms": [{"measure": {"kind": "variance"}, "weight": 5e-324}]}),
    run("inline portfolio in no currency", 422, "validation-failed", "/portfolio/base_currency", portfolio={"base_currency": "x" * 1000, "holdings": {}}),
    run("endless cash flow", 422, "limit-exceeded", "/portfolio/holdings", cash_flow=1e300),
    Case("NUL in a path", "GET", "/v1/portfolios/a%00b", 400, "bad-request"),
    Case("NUL in a query", "GET", "/v1/optimizations?status=%00", 400, "bad-request"),
    Case("number beyond the database", "POST", "/portfolio/rebalance", 422, "validation-failed", json={"client_reference": "ada", "strategy_id": 2**31}, pointer="/strategy_id"),
    Case("If-Match of 5,000 digits", "PUT", "/v1/portfolios/ada", 412, "precondition-failed", json={"base_currency": "USD", "holdings": {}}, headers={"If-Match": '"' + "9" * 5000 + '"'}),
    Case("CSV with NUL", "PUT", "/v1/prices", 400, "malformed-csv", content=b"date,A\n\x00,1", headers={"Content-Type": "text/csv"}),
    Case("CSV with an endless cell", "PUT", "/v1/prices", 422, "validation-failed", content=b"date,A\n" + b"1" * 200_000, headers={"Content-Type": "text/csv"}),
    Case("CSV with a column twice", "PUT", "/v1/prices", 422, "validation-failed", content=b"date,A,A\n2024-01-02,1,2", headers={"Content-Type": "text/csv"}, pointer="/line/1"),
    instrument("too many tags", "/instruments/0/tags", "limit-exceeded", tags=[f"t{i}" for i in range(201)]),
    instrument("too many groups", "/instruments/0/look_through", "limit-exceeded", look_through={"regions": {f"r{i}": 0.001 for i in range(201)}}),
    strategy("too many instruments named", 422, "limit-exceeded", "/universe/ids", universe={"ids": [f"X{i}" for i in range(5001)]}),
    run("too many instruments of a tag", 422, "limit-exceeded", "/strategy/universe", strategy=GOOD | {"universe": {"tags": ["crowd"]}}),
    portfolio("too many holdings", "/holdings", "limit-exceeded", holdings={f"X{i}": 1.0 for i in range(10_001)}),
    Case("too many instruments at once", "PUT", "/v1/instruments", 422, "limit-exceeded", json={"instruments": [{"id": f"X{i}", "currency": "USD"} for i in range(10_001)]}, pointer="/instruments"),
    Case("too many headers", "GET", "/v1/portfolios", 431, "headers-too-large", headers={f"X-{i}": "1" for i in range(100)}),
    Case("headers of too many bytes", "GET", "/v1/portfolios", 431, "headers-too-large", headers={"X-A": "a" * 7000, "X-B": "b" * 7000, "X-C": "c" * 2400}),
    Case("stale If-Match", "PUT", "/v1/portfolios/ada", 412, "precondition-failed", json={"base_currency": "USD", "holdings": {}}, headers={"If-Match": '"99"'}),
    Case("If-Match of nothing", "PUT", "/v1/strategies/none", 412, "precondition-failed", json=GOOD, headers={"If-Match": '"1"'}),
]  # fmt: skip


@pytest.fixture(scope="module")
def loaded(service: Service) -> Any:
    with service.client("bad-input") as client:
        load_market(client, SNAPSHOT)
        client.put("/v1/instruments", json={"instruments": [{"id": "UNPRICED", "currency": "USD"}]}).raise_for_status()
        crowd = [{"id": f"C{i}", "currency": "USD", "tags": ["crowd"]} for i in range(5001)]
        client.put("/v1/instruments", json={"instruments": crowd}).raise_for_status()
        client.put("/v1/strategies/track", json=GOOD).raise_for_status()
        client.put("/v1/portfolios/ada", json={"base_currency": "USD", "holdings": {"$USD": 1000}}).raise_for_status()
        yield client


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_is_refused_by_name(loaded: httpx.Client, case: Case) -> None:
    response = loaded.request(case.method, case.path, json=case.json, content=case.content, headers=case.headers)

    assert response.status_code == case.status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == f"/problems/{case.type}"
    assert problem["status"] == case.status
    assert problem["request_id"] == response.headers["x-request-id"]
    assert len(problem.get("errors", [])) <= 20
    if case.pointer is not None:
        assert case.pointer in [one["pointer"] for one in problem["errors"]], problem
    assert len(response.content) < 10_000
    said = [problem["detail"], *(one["detail"] for one in problem.get("errors", []))]
    assert not any(SECRET in sentence for sentence in said)


def test_nothing_is_stored_by_a_refused_request(loaded: httpx.Client) -> None:
    assert loaded.get("/v1/strategies/x").status_code == 404
    assert loaded.get("/v1/instruments/X").status_code == 404
    assert loaded.get("/v1/portfolios/ada").json()["holdings"] == {"$USD": 1000.0}


@pytest.mark.parametrize("path", ["/v1/portfolios", "/strategy", "/v1/optimizations/x", "/v1/prices/x"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer am_live_x"},
        {"Authorization": "Basic YTpi"},
        {"X-API-Key": "am_live_" + "0" * 8 + "_" + "0" * 49},
    ],
    ids=["none", "empty", "mistyped", "basic", "wrong"],
)
def test_without_a_key_nothing_is_said(service: Service, path: str, headers: dict[str, str]) -> None:
    response = httpx.get(service.base_url + path, headers=headers, trust_env=False)

    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.json()["type"] == "/problems/unauthenticated"


def test_a_key_in_the_query_string_is_not_looked_at(service: Service) -> None:
    key = service.key("bad-input")

    response = httpx.get(f"{service.base_url}/v1/portfolios", params={"token": key, "key": key}, trust_env=False)

    assert response.status_code == 401
    assert key not in response.text
    line = service.until(lambda: [one for one in service.log("api") if "in the address" in one["message"]])[-1]
    assert line["level"] == "warning"
    assert key not in str(line)


def test_an_expired_key_is_refused_like_an_unknown_one(service: Service) -> None:
    key = service.key("bad-input")
    headers = {"Authorization": f"Bearer {key}"}
    service.sql("update api_keys set expires_at = now() - interval '1 second' where id = $1", key.split("_")[2])

    expired = httpx.get(f"{service.base_url}/v1/portfolios", headers=headers, trust_env=False)
    unknown = httpx.get(f"{service.base_url}/v1/portfolios", trust_env=False)

    assert expired.status_code == 401
    assert {**expired.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}


def test_answers_are_json_whatever_is_accepted(loaded: httpx.Client) -> None:
    response = loaded.get("/v1/portfolios/ada", headers={"Accept": "text/xml"})

    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")


def test_a_number_of_sixty_decimals_is_the_nearest_double(loaded: httpx.Client) -> None:
    figure = b"0.1" + b"0" * 58 + b"1"
    body = b'{"base_currency": "USD", "holdings": {"$USD": ' + figure + b"}}"
    loaded.put("/v1/portfolios/fine", content=body, headers=JSON).raise_for_status()

    assert loaded.get("/v1/portfolios/fine").json()["holdings"] == {"$USD": 0.1}


def test_prices_older_than_the_tenant_accepts_are_refused(service: Service) -> None:
    with service.client("stale") as client:
        load_market(client, SNAPSHOT)
        client.put("/v1/portfolios/ada", json={"base_currency": "USD", "holdings": {"$USD": 1000, IDS[0]: 1}})
        client.put("/v1/strategies/track", json=GOOD).raise_for_status()
        last = SNAPSHOT.as_of

        client.patch("/v1/settings", json={"max_price_age_days": 3}).raise_for_status()
        today = client.post("/v1/optimizations", json=RUN)
        then = client.post("/v1/optimizations", json=RUN | {"as_of": (last + dt.timedelta(days=3)).isoformat()})
        later = client.post("/v1/optimizations", json=RUN | {"as_of": (last + dt.timedelta(days=4)).isoformat()})
        client.patch("/v1/settings", json={"max_price_age_days": None}).raise_for_status()
        whatever = client.post("/v1/optimizations", json=RUN)

    for refused in (today, later):
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/stale-price")
        pointers = {one["pointer"] for one in refused.json()["errors"]}
        assert pointers == {f"/portfolio/holdings/{IDS[0]}", "/strategy/universe"}
    assert (then.status_code, whatever.status_code) == (202, 202)


def test_every_documented_header_carries_a_key(service: Service) -> None:
    key = service.key("bad-input")

    for headers in ({"Authorization": f"bearer {key}"}, {"X-API-Key": key}, {"X-IBM-Access-Token": key}):
        assert httpx.get(f"{service.base_url}/v1/portfolios", headers=headers, trust_env=False).status_code == 200


def test_a_missing_scope_is_named(service: Service) -> None:
    with service.client("bad-input", scopes=("read",)) as reader:
        response = reader.put("/v1/portfolios/ada", json={"base_currency": "USD", "holdings": {}})

    assert response.status_code == 403
    assert response.json()["type"] == "/problems/insufficient-scope"
    assert "write" in response.json()["detail"]


def test_a_revoked_key_stops_at_once(service: Service) -> None:
    key = service.key("bad-input")
    headers = {"Authorization": f"Bearer {key}"}
    before = httpx.get(f"{service.base_url}/v1/portfolios", headers=headers, trust_env=False)

    service.sql("update api_keys set revoked_at = now() where id = $1", key.split("_")[2])
    after = httpx.get(f"{service.base_url}/v1/portfolios", headers=headers, trust_env=False)

    assert (before.status_code, after.status_code) == (200, 401)


def test_investsuite_errors_have_investsuites_form(service: Service, loaded: httpx.Client) -> None:
    unknown = loaded.get("/portfolios/nobody/optimizations/latest/")
    stranger = httpx.get(f"{service.base_url}/portfolios/nobody/optimizations/latest/", trust_env=False)
    unclear = loaded.get("/optimizations/latest")

    assert unknown.status_code == 404
    assert set(unknown.json()) == {"title", "description", "request_id", "timestamp"}
    assert stranger.status_code == 401
    assert set(stranger.json()) == {"title", "description", "request_id", "timestamp"}
    assert unclear.status_code == 400
    assert set(unclear.json()) == {"title", "detail", "status", "body"}
    assert set(unclear.json()["detail"][0]) == {"loc", "msg", "type"}


@pytest.mark.parametrize("head", [b"GET /healthz HTTP/1.1\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n"])
def test_a_request_without_a_usable_host_is_refused(service: Service, head: bytes) -> None:
    assert b" 400 " in _raw(service, head).split(b"\r\n", 1)[0]


def test_headers_without_end_are_refused(service: Service) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 40_000 + b"\r\n\r\n"

    assert _raw(service, head).split(b"\r\n", 1)[0].split(b" ")[1] in {b"400", b"431"}


def test_a_chunked_body_that_grows_too_large_is_refused(loaded: httpx.Client) -> None:
    def pieces() -> Any:
        for _ in range(70):
            yield b" " * 2**20

    response = loaded.put("/v1/prices", content=pieces(), headers={"Content-Type": "text/csv"})

    assert response.status_code == 413
    assert response.json()["type"] == "/problems/payload-too-large"


def test_names_of_any_script_are_stored_as_they_are(loaded: httpx.Client) -> None:
    for name in ("Zoë's Ré­serve", "日本株", "x'; drop table portfolios; --", "{{7*7}}", "\u202egnirts"):
        stored = loaded.put(f"/v1/portfolios/{name}", json={"base_currency": "USD", "holdings": {}})
        assert stored.status_code == 201, name
        assert stored.json()["client_reference"] == name


def _raw(service: Service, head: bytes) -> bytes:
    host, port = service.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(head)
        return connection.recv(4096)
