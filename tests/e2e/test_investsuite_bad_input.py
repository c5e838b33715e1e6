"""Bad input at every address of InvestSuite's dialect: the right status, the field's place, its own body."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from ulid import ULID

from tests import robo
from tests.service import Service, body_of

SECRET = "SECRET-OF-THE-CALLER"
U, Y = f"U{26 * '0'}", f"Y{26 * '0'}"
MOVEMENT = {
    "type": "BUY",
    "status": "PLACED",
    "datetime": "2024-06-27T00:00:00Z",
    "instrument_id": "A",
    "quantity": 1,
}


@dataclass(frozen=True)
class Case:
    """A call, and what must come back: status, place of the fault, its type."""

    name: str
    method: str
    path: str
    status: int
    loc: str | None = None
    type: str | None = None
    json: Any = None
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with something else at a place."""
    made = copy.deepcopy(document)
    *parents, last = path.split("/")
    inner = made
    for part in parents:
        inner = inner[part]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return made


GOOD = robo.portfolio("OWNER", None, {"$USD": 1.0})
POLICY = robo.policy()
AT = "config/algorithm_settings"
BANDS = f"{AT}/portfolio_constraints"


def portfolio(name: str, wrong: tuple[int, str], path: str, value: Any, loc: str | None = None) -> Case:
    return Case(name, "POST", "/portfolios/", wrong[0], loc or path, wrong[1], json=changed(GOOD, path, value))


def patch(case: str, code: int, kind: str | None, loc: str | None, **body: Any) -> Case:
    return Case(case, "PATCH", "/portfolios/PORTFOLIO/", code, loc, kind, json=body)


def policy(name: str, wrong: tuple[int, str], path: str, value: Any, loc: str | None = None) -> Case:
    return Case(
        name, "POST", "/robo-advisor/policies/", wrong[0], loc or path, wrong[1], json=changed(POLICY, path, value)
    )


def transaction(name: str, status: int, kind: str, loc: str, *movements: dict[str, Any], **fields: Any) -> Case:
    body = {"movements": list(movements)} | fields
    return Case(name, "POST", "/portfolios/PORTFOLIO/transactions/", status, loc, kind, json=body)


def get(name: str, path: str, status: int, loc: str | None = None, kind: str | None = None) -> Case:
    return Case(name, "GET", path, status, loc, kind)


def cash(name: str, status: int, kind: str | None, loc: str | None, **data: Any) -> Case:
    body = {"data": {"amount": "1000", "currency": "USD", "portfolio": "PORTFOLIO"} | data}
    return Case(name, "POST", "/events/deposit/", status, loc, kind, json=body)


EXTRA, MISSING = "value_error.extra", "value_error.missing"
PATTERN = "value_error.string_pattern_mismatch"
CROSSED = "value_error.inconsistent_constraints"

CASES = [
    # portfolios
    portfolio("a field nobody knows", (400, EXTRA), "rik_profile_id", SECRET),
    portfolio("no name", (400, MISSING), "name", ...),
    portfolio("a name that is too long", (400, "value_error.string_too_long"), "name", "x" * 129),
    portfolio("an owner that is no id", (400, PATTERN), "owned_by_user_id", "somebody"),
    portfolio("an owner that does not exist", (422, "value_error.unknown_user"), "owned_by_user_id", U),
    portfolio("a currency in small letters", (400, PATTERN), "base_currency", "usd"),
    portfolio("another kind of money", (400, "value_error.literal_error"), "money_type", "MONOPOLY"),
    portfolio("another kind of manager", (400, "value_error.literal_error"), "config/manager", "MYSELF"),
    portfolio("a version of a manager below 1", (400, "value_error.greater_than_equal"), "config/manager_version", 0),
    portfolio("a setting nobody knows", (400, EXTRA), "config/manager_settings/polcy_id", Y),
    portfolio(
        "a policy that does not exist", (422, "value_error.unknown_policy"), "config/manager_settings/policy_id", Y
    ),
    portfolio(
        "less than nothing to divest",
        (400, "value_error.greater_than_equal"),
        "config/manager_settings/divest_amount",
        -1,
    ),
    portfolio("a quantity that is text", (400, "value_error.float_type"), "portfolio/$USD", SECRET),
    portfolio(
        "a quantity without end", (422, "value_error.out_of_range"), "portfolio", {"$USD": 1e300}, "holdings/$USD"
    ),
    portfolio("a time without a zone", (400, "value_error.timezone_aware"), "funded_since", "2024-06-27T00:00:00"),
    Case("no JSON", "POST", "/portfolios/", 400, content=b"{", headers={"Content-Type": "application/json"}),
    Case("another media type", "POST", "/portfolios/", 415, content=b"<a/>", headers={"Content-Type": "text/xml"}),
    Case(
        "a body too many",
        "POST",
        "/portfolios/",
        413,
        content=b"[" + b"1," * 2_000_000 + b"1]",
        headers={"Content-Type": "application/json"},
    ),
    Case("NaN", "POST", "/portfolios/", 400, content=b'{"name": NaN}', headers={"Content-Type": "application/json"}),
    Case("an external id that is taken", "POST", "/portfolios/", 409, json=GOOD | {"external_id": "taken"}),
    Case("an external id like an id", "POST", "/portfolios/", 422, json=GOOD | {"external_id": f"P{26 * '0'}"}),
    patch("other money", 409, None, None, money_type="REAL_MONEY"),
    patch("another manager", 409, None, None, config={"manager": "USER_MANAGED"}),
    patch("funded anew", 409, None, None, funded_since="2024-06-28T00:00:00Z"),
    patch("another one's external id", 409, None, None, external_id="other"),
    patch("an id set by the caller", 400, EXTRA, "id", id=SECRET),
    patch("a status set by the caller", 400, EXTRA, "status", status="ACTIVE"),
    patch("a version set by the caller", 400, EXTRA, "version", version=7),
    patch("no name at all", 400, "value_error.string_type", "name", name=None),
    patch("holdings that are null", 400, "value_error.dict_type", "portfolio", portfolio=None),
    patch(
        "neither active nor not",
        400,
        "value_error.bool_type",
        "config/manager_settings/active",
        config={"manager_settings": {"active": None}},
    ),
    Case("a stale tag", "PATCH", "/portfolios/PORTFOLIO/", 412, json={}, headers={"If-Match": '"old"'}),
    Case("a portfolio nobody has", "PATCH", f"/portfolios/P{26 * '0'}/", 404, json={}),
    get("a portfolio nobody has", f"/portfolios/P{26 * '0'}/", 404),
    get("a version nobody has made", "/portfolios/PORTFOLIO/?version=99", 404),
    get("a version beyond all", "/portfolios/PORTFOLIO/?version=2147483648", 400, "version"),
    get("a version that is no number", "/portfolios/PORTFOLIO/?version=first", 400, "version"),
    Case("a deletion of nothing", "DELETE", f"/portfolios/P{26 * '0'}/", 404),
    # collections
    get("a query without sense", "/portfolios/?query=name is null", 400, "query", "value_error.invalid_query"),
    get("a query with an open quote", "/users/?query=name eq 'x", 400, "query", "value_error.invalid_query"),
    get("a query that is too long", f"/users/?query=name eq '{'x' * 3000}'", 400, "query"),
    get("a query that is a program", "/users/?query=1; drop table users", 400, "query"),
    get("null in order", "/users/?query=name gt null", 422, "query", "value_error.invalid_query"),
    get("a wildcard in order", "/users/?query=first_name gt 'a*'", 422, "query"),
    get("a time that is none", "/users/?query=creation_datetime gt 'soon'", 422, "query"),
    get("truth in order", "/users/?query=deleted gt true", 422, "query", "value_error.invalid_query"),
    get("brackets without end", f"/users/?query={'(' * 950}id eq 1{')' * 950}", 400, "query"),
    get("no items", "/portfolios/?limit=0", 400, "limit"),
    get("before the first", "/portfolios/?offset=-1", 400, "limit"),
    get("a limit that is no number", "/robo-advisor/policies/?limit=all", 400, "limit"),
    # policies
    policy("a field nobody knows", (400, EXTRA), f"{AT}/portfolio_constraint", {}),
    policy("another algorithm", (400, "value_error.literal_error"), "config/algorithm", "MAGIC"),
    policy("no execution settings", (400, MISSING), f"{AT}/execution_settings", ...),
    policy("a crossed band", (422, CROSSED), f"{BANDS}/asset_classes/bonds", [0.8, 0.6]),
    policy("a crossed band of cash", (422, CROSSED), f"{BANDS}/holdings/cash_fraction", [0.3, 0.1]),
    policy(
        "a crossed outer band",
        (422, CROSSED),
        f"{AT}/portfolio_update_constraints/holdings",
        {"cash_fraction": [0.3, 0.1]},
        f"{AT}/portfolio_update_constraints/holdings/cash_fraction",
    ),
    policy("a band of one number", (400, "value_error.too_short"), f"{BANDS}/sectors/energy", [0.1]),
    policy("a band of three", (400, "value_error.too_long"), f"{BANDS}/sectors/energy", [0, 0.1, 0.2]),
    policy(
        "a band of texts",
        (400, "value_error.float_type"),
        f"{BANDS}/sectors/energy",
        ["0", "1"],
        f"{BANDS}/sectors/energy/0",
    ),
    policy(
        "a negative band",
        (422, "value_error.out_of_range"),
        f"{BANDS}/sectors/energy",
        [-0.1, 0.2],
        f"{BANDS}/sectors/energy/0",
    ),
    policy("a sector nobody knows", (422, "value_error.unknown_group"), f"{BANDS}/sectors/tecnology", [0, 0.1]),
    policy("an instrument named twice", (422, "value_error.duplicate"), f"{BANDS}/investment_universe", ["A", "A"]),
    policy(
        "a cost above 1",
        (400, "value_error.less_than_equal"),
        f"{AT}/execution_settings/cost_per_transaction_fraction",
        2,
    ),
    policy("momentum, whose shape is not public", (400, "value_error.none_required"), f"{BANDS}/momentum", {}),
    policy(
        "simulated costs, whose meaning is not public",
        (400, "value_error.literal_error"),
        f"{AT}/execution_settings/simulate_transaction_cost",
        True,
    ),
    policy(
        "a benchmark constraint without a floor that is convex",
        (422, "value_error.not_convex"),
        f"{AT}/benchmark_constraints",
        {"active_share": [0.1, None]},
        f"{AT}/benchmark_constraints/active_share",
    ),
    Case("a policy nobody has", "PUT", f"/robo-advisor/policies/{Y}/", 404, json=POLICY),
    Case(
        "another currency",
        "PUT",
        "/robo-advisor/policies/POLICY/",
        409,
        json=changed(POLICY, f"{AT}/execution_settings/base_currency", "EUR"),
    ),
    Case(
        "a stale tag of a policy",
        "PUT",
        "/robo-advisor/policies/POLICY/",
        412,
        json=POLICY,
        headers={"If-Match": '"old"'},
    ),
    get("a policy nobody has", f"/robo-advisor/policies/{Y}/", 404),
    # transactions
    transaction("no movements", 400, "value_error.too_short", "movements"),
    transaction("another type", 400, "value_error.literal_error", "movements/0/type", MOVEMENT | {"type": "STEAL"}),
    transaction(
        "another status", 400, "value_error.literal_error", "movements/0/status", MOVEMENT | {"status": "LOST"}
    ),
    transaction(
        "two requests",
        422,
        "value_error.second_request",
        "movements/1/status",
        MOVEMENT,
        MOVEMENT | {"status": "PENDING"},
    ),
    transaction(
        "a movement of nothing", 422, "value_error.out_of_range", "movements/0/quantity", MOVEMENT | {"quantity": 0}
    ),
    transaction(
        "cash that is none",
        422,
        "value_error.not_cash",
        "movements/0/instrument_id",
        MOVEMENT | {"type": "CASH_DEPOSIT"},
    ),
    transaction(
        "a quantity that is no number",
        400,
        "value_error.float_type",
        "movements/0/quantity",
        MOVEMENT | {"quantity": SECRET},
    ),
    transaction(
        "an optimization of nobody",
        422,
        "value_error.unknown_optimization",
        "optimization_id",
        MOVEMENT,
        optimization_id=f"O{26 * '0'}",
    ),
    Case(
        "one bad of two",
        "POST",
        "/portfolios/PORTFOLIO/transactions/",
        422,
        "1/movements/0/quantity",
        json=[{"movements": [MOVEMENT]}, {"movements": [MOVEMENT | {"quantity": 0}]}],
    ),
    Case(
        "of a portfolio nobody has",
        "POST",
        f"/portfolios/P{26 * '0'}/transactions/",
        404,
        json={"movements": [MOVEMENT]},
    ),
    Case(
        "a transaction nobody has",
        "PATCH",
        f"/portfolios/PORTFOLIO/transactions/T{26 * '0'}/",
        404,
        json={"movements": [MOVEMENT]},
    ),
    get("a transaction nobody has", f"/portfolios/PORTFOLIO/transactions/T{26 * '0'}/", 404),
    # users
    Case("a user with a field nobody knows", "POST", "/users/", 400, "frist_name", EXTRA, json={"frist_name": "A"}),
    Case("an external id of another user", "POST", "/users/", 409, json={"external_id": "user-taken"}),
    Case("a user nobody has", "PATCH", f"/users/{U}/", 404, json={}),
    get("a user nobody has", f"/users/{U}/", 404),
    Case("a deletion of nobody", "DELETE", f"/users/{U}/", 404),
    # logins
    Case("no secret", "POST", "/auth/login/", 400, "secret_access_key", MISSING, json={"access_key_id": "x"}),
    Case("a wrong key", "POST", "/auth/login/", 401, json={"access_key_id": "x", "secret_access_key": SECRET}),
    Case(
        "a token in two parts", "POST", "/auth/login/", 401, json={"access_key_id": "a.b", "secret_access_key": "c.d"}
    ),
    Case(
        "a forged token",
        "GET",
        "/users/",
        401,
        headers={"Authorization": "Bearer eyJhbGciOiJIUzI1NiIsImNyaXQiOjV9.e30.eA"},
    ),
    Case("a wrong token", "POST", "/auth/refresh-token/", 401, json={"refresh_token": "a.b.c"}),
    # events
    cash("a deposit of nothing", 400, "value_error.greater_than", "data/amount", amount="0"),
    cash("an amount that is no number", 400, "value_error.float_type", "data/amount", amount=SECRET),
    cash("an endless amount", 400, None, None, amount="Infinity"),
    cash("a currency that is none", 400, PATTERN, "data/currency", currency="$"),
    cash("another currency", 422, "value_error.other_currency", "data/currency", currency="EUR"),
    cash("an amount in other digits", 400, "value_error.float_type", "data/amount", amount="1_0"),
    cash("a portfolio nobody has", 404, None, None, portfolio=f"P{26 * '0'}"),
    Case(
        "an empty idempotency key",
        "POST",
        "/events/withdraw/",
        400,
        json={"data": {"amount": 1, "currency": "USD", "portfolio": "PORTFOLIO"}},
        headers={"Idempotency-Key": ""},
    ),
    # optimizations
    get("the latest of a portfolio nobody has", f"/portfolios/P{26 * '0'}/optimizations/latest/", 404),
    get("the latest where none was asked for", "/portfolios/PORTFOLIO/optimizations/latest/", 404),
    get("an optimization nobody has", f"/portfolios/PORTFOLIO/optimizations/O{26 * '0'}/", 404),
    get("an optimization nobody has, flat", f"/optimizations/O{26 * '0'}/", 404),
    get("neither id nor reference", "/optimizations/latest", 400),
    Case(
        "another choice", "PATCH", f"/optimizations/O{26 * '0'}/", 400, "owner_choice", json={"owner_choice": "MAYBE"}
    ),
    Case("a choice about nothing", "PATCH", f"/optimizations/O{26 * '0'}/", 404, json={"owner_choice": "ACCEPT"}),
    Case("a choice for whatever is the latest", "PATCH", "/portfolios/PORTFOLIO/optimizations/latest/", 405, json={}),
    Case("a method that is none", "PUT", "/portfolios/PORTFOLIO/optimizations/latest/", 405, json={}),
]


@dataclass(frozen=True)
class Prepared:
    """A tenant with an owner, a policy and portfolios."""

    client: httpx.Client
    names: dict[str, str]


@pytest.fixture(scope="module")
def prepared(service: Service) -> Iterator[Prepared]:
    with service.client(f"bad-{ULID()}") as client:

        def made(address: str, body: dict[str, Any]) -> str:
            response = client.post(address, json=body)
            assert response.status_code == 201, response.text
            return str(body_of(response)["id"])

        owner = made("/users/", {"external_id": "user-taken"})
        policy_id = made("/robo-advisor/policies/", POLICY)
        good = GOOD | {"owned_by_user_id": owner}
        portfolio_id = made("/portfolios/", good | {"external_id": "taken", "funded_since": "2024-06-27T00:00:00Z"})
        made("/portfolios/", good | {"external_id": "other"})
        yield Prepared(client, {"OWNER": owner, "POLICY": policy_id, "PORTFOLIO": portfolio_id})


def filled(value: Any, names: dict[str, str]) -> Any:
    """Names of what was prepared in place of the words for them."""
    if isinstance(value, dict):
        return {key: filled(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, names) for one in value]
    return names.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.method} {case.name}")
def test_it_is_refused_by_name_and_nothing_is_kept(prepared: Prepared, case: Case) -> None:
    path = case.path
    for word, name in prepared.names.items():
        path = path.replace(word, name)
    before = prepared.client.get("/portfolios/").json()

    given = {"content": case.content} if case.json is None else {"json": filled(case.json, prepared.names)}
    response = prepared.client.request(case.method, path, headers=case.headers, **given)

    assert response.status_code == case.status, response.text
    body = body_of(response)
    if case.loc is not None:
        places = ["/".join(str(part) for part in one["loc"][1:]) for one in body["detail"]]
        assert case.loc in places
        assert body["status"] == case.status
        assert case.type in {None, *(one["type"] for one in body["detail"])}
    else:
        assert {"title", "request_id"} <= set(body) or "detail" in body
    assert SECRET not in response.text
    assert prepared.client.get("/portfolios/").json() == before
