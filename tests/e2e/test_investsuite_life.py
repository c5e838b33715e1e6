"""The life of a robo advisor's portfolio over HTTP, as its middleware lives it."""

from typing import Any

import httpx
import pytest

from tests import robo
from tests.service import Service, body_of
from tests.tolerances import EXACT

CASH = {"$USD": 10_000.0}


@pytest.fixture
def loaded(client: httpx.Client) -> httpx.Client:
    robo.load(client)
    return client


def made(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code in {200, 201}, response.text
    return body_of(response)


def owner(client: httpx.Client) -> str:
    return str(made(client.post("/users/", json={"first_name": "Ashok", "last_name": "Kumar"}))["id"])


def policy_id(client: httpx.Client, **changes: dict[str, Any]) -> str:
    return str(made(client.post("/robo-advisor/policies/", json=robo.policy(**changes)))["id"])


def create(client: httpx.Client, held: dict[str, float], policy: str | None, **fields: Any) -> dict[str, Any]:
    return made(client.post("/portfolios/", json=robo.portfolio(owner(client), policy, held, **fields)))


def latest(service: Service, client: httpx.Client, portfolio: str) -> dict[str, Any]:
    """Poll as the documents say: 202 until it is there."""

    def look() -> httpx.Response | None:
        response = client.get(f"/portfolios/{portfolio}/optimizations/latest/")
        if response.status_code == 202:
            assert set(body_of(response)) == {"message", "details", "optimization_hash"}
            assert response.headers["retry-after"]
            return None
        return response

    return made(service.until(look))


def patched(client: httpx.Client, key: str, **changes: Any) -> httpx.Response:
    response = client.patch(f"/portfolios/{key}/", json=changes)
    assert response.status_code == 200, response.text
    return response


def transaction(key: str, order: dict[str, Any], run: str, status: str, **more: Any) -> dict[str, Any]:
    """An order as the broker has it; executed with its movements of cash and fees."""
    kind = "BUY" if order["shares"] > 0 else "SELL"
    moment = {"datetime": "2024-06-28T09:00:00Z", "instrument_id": key, "quantity": abs(order["shares"])}
    movements: list[dict[str, Any]] = [{"type": kind, "status": "PLACED", **moment}]
    if status != "PLACED":
        price = {"unit_price": str(order["expected_share_price"])}
        money = {"datetime": "2024-06-28T10:00:00Z", "instrument_id": "$USD", "status": status}
        amount = -order["shares"] * order["expected_share_price"]
        movements += [
            {"type": kind, "status": status, **moment, **price},
            {"type": "SELL" if amount < 0 else "BUY", "quantity": amount, **money},
            {"type": "TRANSACTION_FEE", "quantity": -order["expected_transaction_cost"], **money},
        ]
    return {"optimization_id": run, "movements": movements} | more


def executed(found: dict[str, Any]) -> dict[str, float]:
    """Holdings after the orders, by the arithmetic of the documents' sample."""
    held = dict(found["current_solution"]["portfolio"])
    for key, order in found["portfolio_update"]["orders"].items():
        held[key] = held.get(key, 0.0) + order["shares"]
        held["$USD"] -= order["shares"] * order["expected_share_price"] + order["expected_transaction_cost"]
    return {key: units for key, units in held.items() if units}


def test_the_whole_life_of_a_discretionary_portfolio(service: Service, loaded: httpx.Client) -> None:
    portfolio = create(loaded, {}, policy_id(loaded), external_id="life")
    key = portfolio["id"]
    assert portfolio["status"] == "WAITING_FOR_FUNDS"
    assert loaded.get(f"/portfolios/{key}/optimizations/latest/").status_code == 404

    found = recommended_after_a_deposit(service, loaded, key)
    placed = place(loaded, key, found)
    is_left_alone(service, loaded, key, found["id"])
    execute(loaded, key, found, placed)
    after = executed(found)
    assert after == pytest.approx(found["optimal_solution"]["portfolio"], rel=EXACT, abs=1e-9)
    patched(loaded, key, portfolio=after)

    again = latest(service, loaded, key)
    assert again["id"] != found["id"]
    assert again["portfolio_update"]["is_recommended"] is False
    assert again["portfolio_update"]["orders"] == {}
    # costs have shrunk the whole that shares are taken of: bands that were met are missed by less than the costs
    assert max(again["current_solution"]["portfolio_constraint_violations"].values(), default=0) < 0.005


def recommended_after_a_deposit(service: Service, client: httpx.Client, key: str) -> dict[str, Any]:
    """Deposit -> 202 -> 200 recommended."""
    deposit = {"type": "CASH_DEPOSIT", "status": "SETTLED", "datetime": "2024-06-27T00:00:00Z"}
    cash = {"movements": [deposit | {"instrument_id": "$USD", "quantity": 10_000}]}
    assert made(client.post(f"/portfolios/{key}/transactions/", json=cash))["status"] == "SETTLED"
    funded = patched(client, key, portfolio=CASH, funded_since="2024-06-27T00:00:00Z")
    assert body_of(funded)["status"] == "ACTIVE"
    assert funded.headers["operation-location"].startswith(f"/portfolios/{key}/optimizations/O")
    told = client.post("/events/deposit/", json=event(key), headers={"Idempotency-Key": "core-banking-1"})
    assert told.status_code == 202
    again = client.post("/events/deposit/", json=event(key), headers={"Idempotency-Key": "core-banking-1"})
    assert (again.headers["idempotency-replayed"], again.json()) == ("true", told.json())
    found = latest(service, client, key)
    assert body_of(told)["data"]["optimization_id"] == found["id"]
    assert (found["status"], found["portfolio_update"]["is_recommended"]) == ("SUCCESS", True)
    return found


def event(key: str) -> dict[str, Any]:
    """Money that has moved, as the documents send it."""
    return {"data": {"amount": "10000", "currency": "USD", "portfolio": key}}


def place(client: httpx.Client, key: str, found: dict[str, Any]) -> dict[str, str]:
    """Place every order; ids of the transactions by instrument."""
    orders = found["portfolio_update"]["orders"]
    placed = [transaction(one, order, found["id"], "PLACED", external_id=one) for one, order in orders.items()]
    booked = client.post(f"/portfolios/{key}/transactions/", json=placed)
    assert booked.status_code == 201
    assert {one["status"] for one in booked.json()} == {"PLACED"}
    return {one["external_id"]: one["id"] for one in booked.json()}


def is_left_alone(service: Service, client: httpx.Client, key: str, run: str) -> None:
    """While orders are being executed nothing is optimized, and nothing withdrawn."""
    blocked = patched(client, key)
    assert "orders of it are being executed" in blocked.headers["optimization-skipped"]
    withdrawal = client.post("/events/withdraw/", json=event(key))
    assert (withdrawal.status_code, "are being executed" in withdrawal.text) == (409, True)
    assert latest(service, client, key)["id"] == run


def execute(client: httpx.Client, key: str, found: dict[str, Any], placed: dict[str, str]) -> None:
    """Report every order as executed."""
    for one, order in found["portfolio_update"]["orders"].items():
        done = transaction(one, order, found["id"], "EXECUTED", external_id=one)
        address = f"/portfolios/{key}/transactions/{placed[one]}/"
        assert made(client.patch(address, json=done))["status"] == "EXECUTED"


def test_nothing_is_computed_twice(service: Service, loaded: httpx.Client) -> None:
    key = create(loaded, CASH, policy_id(loaded))["id"]
    first = latest(service, loaded, key)

    empty = loaded.patch(f"/portfolios/{key}/")
    assert empty.status_code == 200
    assert body_of(empty)["version"] == 1
    patched(loaded, key, name="Another name")
    loaded.post("/events/deposit/", json={"data": {"amount": 1, "currency": "USD", "portfolio": key}})
    second = latest(service, loaded, key)

    assert second["id"] == first["id"]
    count = service.sql("select count(*) from optimizations where portfolio_id = $1", key)[0][0]
    assert count == 1


def test_who_is_polled_with_an_etag_answers_304(service: Service, loaded: httpx.Client) -> None:
    key = create(loaded, CASH, policy_id(loaded))["id"]
    latest(service, loaded, key)
    addresses = [f"/portfolios/{key}/optimizations/{name}" for name in ("latest/", "current/", "latest", "current")]

    for address in addresses:
        known = loaded.get(address)
        assert loaded.get(address, headers={"If-None-Match": known.headers["etag"]}).status_code == 304


def test_a_partial_withdrawal_frees_the_money_and_keeps_the_policy(service: Service, loaded: httpx.Client) -> None:
    key = create(loaded, CASH, policy_id(loaded))["id"]
    held = executed(latest(service, loaded, key))

    patched(loaded, key, portfolio=held, config={"manager_settings": {"divest_amount": 2000}})
    found = latest(service, loaded, key)

    left = found["optimal_solution"]["portfolio"]
    invested = sum(units * robo.PRICES[one] for one, units in left.items() if one != "$USD")
    worth = sum(units * robo.PRICES.get(one, 1.0) for one, units in held.items())
    assert left["$USD"] >= 2000 + 0.0125 * (worth - 2000)
    assert left["$USD"] <= 2000 + 0.03 * (worth - 2000) + 1e-6
    assert 0.6 - 1e-6 <= found["optimal_solution"]["look_through"]["asset_classes"]["bonds"] <= 0.8 + 1e-6
    assert invested < worth - 2000
    reason = found["portfolio_update"]["reasons"][0]
    assert (reason["portfolio_update_constraint_id"], reason["portfolio_update_constraint_value"]) == (
        "divest_amount",
        2000,
    )
    events = loaded.get("/v1/events").json()["items"]
    withdrawal = next(one for one in events if one["action"] == "withdrawal")
    told = {"id": key, "external_id": None, "divest_amount": 2000.0, "currency": "USD"}
    assert withdrawal["data"] == told


def test_a_full_withdrawal_sells_everything_in_units(service: Service, loaded: httpx.Client) -> None:
    loaded.patch("/v1/settings", json={"quantity_type": "AMOUNT"}).raise_for_status()
    key = create(loaded, CASH, policy_id(loaded))["id"]
    first = latest(service, loaded, key)
    assert {one["quantity_type"] for one in first["portfolio_update"]["orders"].values()} == {"AMOUNT"}
    for order in first["portfolio_update"]["orders"].values():
        assert order["quantity"] == pytest.approx(order["shares"] * order["expected_share_price"], rel=EXACT)
    held = executed(first)

    # the place in which one of the documents' samples has it
    patched(loaded, key, portfolio=held, manager={"manager_settings": {"divest_amount": 1e100}})
    found = latest(service, loaded, key)

    orders = found["portfolio_update"]["orders"]
    assert {one: -order["shares"] for one, order in orders.items()} == pytest.approx(
        {one: units for one, units in held.items() if one != "$USD"}, rel=EXACT
    )
    assert {order["quantity_type"] for order in orders.values()} == {"UNITS"}
    assert set(found["optimal_solution"]["portfolio"]) == {"$USD"}
    assert found["portfolio_update"]["is_recommended"] is True


def test_orders_that_were_not_executed_lead_to_a_fresh_run(service: Service, loaded: httpx.Client) -> None:
    key = create(loaded, CASH, policy_id(loaded))["id"]
    found = latest(service, loaded, key)
    one, order = next(iter(found["portfolio_update"]["orders"].items()))
    placed = transaction(one, order, found["id"], "PLACED")
    number = made(loaded.post(f"/portfolios/{key}/transactions/", json=placed))["id"]

    lapsed = transaction(one, order, found["id"], "NOT_EXECUTED")
    done = made(loaded.patch(f"/portfolios/{key}/transactions/{number}/", json=lapsed))
    fresh = latest(service, loaded, key)

    assert (done["status"], done["version"]) == ("NOT_EXECUTED", 2)
    assert fresh["id"] != found["id"]
    assert fresh["optimal_solution"] == found["optimal_solution"]
    # and that one is not computed anew by another trigger
    patched(loaded, key)
    assert latest(service, loaded, key)["id"] == fresh["id"]


def test_a_run_after_orders_that_ended_differently_waits_for_the_holdings(
    service: Service, loaded: httpx.Client
) -> None:
    key = create(loaded, CASH, policy_id(loaded))["id"]
    found = latest(service, loaded, key)
    placed = place(loaded, key, found)
    orders = found["portfolio_update"]["orders"]
    lapsed, *others = orders
    for one in (lapsed, *others):
        status = "NOT_EXECUTED" if one == lapsed else "EXECUTED"
        done = transaction(one, orders[one], found["id"], status)
        made(loaded.patch(f"/portfolios/{key}/transactions/{placed[one]}/", json=done))
    # a run now would see holdings from before
    assert latest(service, loaded, key)["id"] == found["id"]

    bought = {one: orders[one]["shares"] for one in others}
    spent = sum(orders[one]["shares"] * orders[one]["expected_share_price"] * 1.005 for one in others)
    patched(loaded, key, portfolio={"$USD": CASH["$USD"] - spent} | bought)
    fresh = latest(service, loaded, key)

    assert fresh["id"] != found["id"]
    assert fresh["portfolio_update"]["is_recommended"] is True


def advised(client: httpx.Client) -> str:
    """A portfolio whose owner chooses."""
    return str(create(client, CASH, policy_id(client), manager="ROBO_ADVISOR_ADVISORY")["id"])


def choose(client: httpx.Client, run: dict[str, Any], choice: str) -> httpx.Response:
    return client.patch(f"/optimizations/{run['id']}/", json={"owner_choice": choice})


def test_what_is_accepted_is_the_latest(service: Service, loaded: httpx.Client) -> None:
    key = advised(loaded)
    first = latest(service, loaded, key)
    patched(loaded, key, portfolio={"$USD": 9000.0})
    second = latest(service, loaded, key)

    old = choose(loaded, first, "ACCEPT")
    assert (old.status_code, "later optimization" in old.text) == (409, True)
    assert choose(loaded, second, "ACCEPT").status_code == 200
    # what is chosen of another changes nothing
    assert choose(loaded, first, "IGNORED").status_code == 200
    assert "has accepted" in patched(loaded, key).headers["optimization-skipped"]
    withdrawal = {"data": {"amount": 1, "currency": "USD", "portfolio": key}}
    assert loaded.post("/events/withdraw/", json=withdrawal).status_code == 409
    single = made(loaded.get(f"/optimizations/{first['id']}/"))
    assert (single["superseded"], second["superseded"]) == (True, False)


def test_what_was_done_anew_stays_so(service: Service, loaded: httpx.Client) -> None:
    key = advised(loaded)
    first = latest(service, loaded, key)
    assert choose(loaded, first, "REOPTIMIZE").status_code == 200
    second = latest(service, loaded, key)
    assert choose(loaded, second, "REJECT").status_code == 200

    patched(loaded, key)

    assert latest(service, loaded, key)["id"] == second["id"]


def test_nothing_is_accepted_where_nothing_is_recommended(service: Service, loaded: httpx.Client) -> None:
    key = advised(loaded)
    patched(loaded, key, portfolio=executed(latest(service, loaded, key)))
    rest = latest(service, loaded, key)

    assert rest["portfolio_update"]["is_recommended"] is False
    assert choose(loaded, rest, "ACCEPT").status_code == 409


def test_what_there_is_no_room_for_is_tried_again(service: Service, loaded: httpx.Client) -> None:
    policy = policy_id(loaded)
    loaded.patch("/v1/settings", json={"active_runs": 1}).raise_for_status()
    user = owner(loaded)
    answers = [loaded.post("/portfolios/", json=robo.portfolio(user, policy, {"$USD": 1000.0 + i})) for i in range(8)]
    skipped = [one for one in answers if "optimization-skipped" in one.headers]

    assert skipped
    waiting = {row["portfolio_id"] for row in service.sql("select portfolio_id from due")}
    assert {body_of(one)["id"] for one in skipped} <= waiting
    service.sql("update due set at = now() where portfolio_id = any($1::text[])", list(waiting))
    loaded.patch("/v1/settings", json={"active_runs": None}).raise_for_status()
    for one in skipped:
        assert latest_or_none(service, loaded, body_of(one)["id"])["status"] == "SUCCESS"


def latest_or_none(service: Service, client: httpx.Client, portfolio: str) -> dict[str, Any]:
    """The optimization when there is one."""

    def look() -> dict[str, Any] | None:
        response = client.get(f"/portfolios/{portfolio}/optimizations/latest/")
        return body_of(response) if response.status_code == 200 else None

    return service.until(look)


def test_a_native_delete_keeps_what_happened(loaded: httpx.Client) -> None:
    key = create(loaded, CASH, policy_id(loaded), external_id="kept-natively")["id"]

    assert loaded.delete("/v1/portfolios/kept-natively").status_code == 204

    assert made(loaded.get(f"/portfolios/{key}/", params={"version": 1}))["portfolio"] == CASH
    assert loaded.get(f"/portfolios/{key}/").status_code == 404


def test_a_policy_is_no_strategy_to_delete_or_a_currency_to_leave(loaded: httpx.Client) -> None:
    policy = policy_id(loaded)
    create(loaded, CASH, policy, external_id="native-too")

    euros = {"base_currency": "EUR", "holdings": {"$EUR": 1.0}, "strategy": policy}
    assert loaded.put("/v1/portfolios/native-too", json=euros).status_code == 409
    assert loaded.delete(f"/v1/strategies/{policy}").status_code == 409


def test_an_owner_chooses(service: Service, loaded: httpx.Client) -> None:
    key = create(loaded, CASH, policy_id(loaded), manager="ROBO_ADVISOR_ADVISORY")["id"]
    found = latest(service, loaded, key)
    address = f"/portfolios/{key}/optimizations/{found['id']}/"
    assert (found["owner_choice"], found["version"]) == (None, 1)

    accepted = made(loaded.patch(address, json={"owner_choice": "ACCEPT"}))
    assert (accepted["owner_choice"], accepted["version"]) == ("ACCEPT", 2)
    assert "has accepted" in patched(loaded, key, portfolio=CASH | {"$USD": 9000.0}).headers["optimization-skipped"]
    again = made(loaded.patch(address, json={"owner_choice": "REOPTIMIZE"}))
    assert (again["owner_choice"], again["version"]) == ("REOPTIMIZE", 3)
    fresh = latest(service, loaded, key)

    assert fresh["id"] != found["id"]
    assert fresh["current_solution"]["portfolio"] == {"$USD": 9000.0}
    choices = [one for one in loaded.get("/v1/events").json()["items"] if one["action"] == "owner-choice-update"]
    assert [one["data"]["value"] for one in choices] == ["REOPTIMIZE", "ACCEPT"]
    discretionary = create(loaded, {"$USD": 8000.0}, policy_id(loaded))["id"]
    other = latest(service, loaded, discretionary)["id"]
    refused = loaded.patch(f"/optimizations/{other}/", json={"owner_choice": "ACCEPT"})
    assert (refused.status_code, "advisory" in refused.text) == (409, True)


def test_a_policy_that_changes_has_its_portfolios_optimized(service: Service, loaded: httpx.Client) -> None:
    policy = policy_id(loaded)
    key = create(loaded, CASH, policy)["id"]
    first = latest(service, loaded, key)
    assert set(first["optimal_solution"]["portfolio"]) & {"BE97717W6049", "BE97717W3319", "BE46429B2676"}
    sold = next(one for one in first["optimal_solution"]["portfolio"] if one in robo.STOCKS)
    patched(loaded, key, portfolio=executed(first))
    latest(service, loaded, key)

    universe = [one for one in robo.PRICES if one != sold]
    changed = robo.policy(portfolio_constraints={"investment_universe": universe})
    replaced = made(loaded.put(f"/robo-advisor/policies/{policy}/", json=changed))
    assert replaced["version"] == 2

    def look() -> dict[str, Any] | None:
        found = latest(service, loaded, key)
        return found if sold not in (found["optimal_solution"] or {"portfolio": {sold: 1}})["portfolio"] else None

    found = service.until(look)
    reasons = {one["portfolio_update_constraint_id"]: one for one in found["portfolio_update"]["reasons"]}
    assert reasons["investment_universe"]["portfolio_constraint_id"] == f"holdings.position.{sold}"
    assert found["portfolio_update"]["orders"][sold]["shares"] < 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"config": {"manager_settings": {"active": False}}}, "it is not active"),
        ({"archived": True}, "it is archived"),
        ({"config": {"manager_settings": {"policy_id": None}}}, "it has no policy yet"),
        ({"portfolio": {}}, "it holds nothing yet, not even cash"),
        (
            {"config": {"manager_settings": {"optimization_cooldown_end": "2999-01-01T00:00:00Z"}}},
            "it is left alone until 2999-01-01T00:00:00Z",
        ),
    ],
    ids=["switched off", "archived", "no policy", "nothing held", "cooldown"],
)
def test_what_forbids_an_optimization_is_said(
    service: Service, loaded: httpx.Client, changes: dict[str, Any], sentence: str
) -> None:
    key = create(loaded, CASH, policy_id(loaded))["id"]
    latest(service, loaded, key)

    skipped = patched(loaded, key, **({"portfolio": {"$USD": 5.0}} | changes))

    assert skipped.headers["optimization-skipped"] == sentence
    assert "operation-location" not in skipped.headers


def test_a_user_managed_portfolio_is_left_to_its_user(loaded: httpx.Client) -> None:
    body = robo.portfolio(owner(loaded), None, CASH, manager="USER_MANAGED")

    response = loaded.post("/portfolios/", json=body)

    assert (response.status_code, response.headers["optimization-skipped"]) == (201, "its user manages it")


def test_what_cannot_be_optimized_is_an_object_that_says_why(service: Service, loaded: httpx.Client) -> None:
    key = create(loaded, {"$USD": 1000.0, "XX0000000000": 3.0}, policy_id(loaded))["id"]

    found = latest(service, loaded, key)

    assert (found["status"], found["current_solution"], found["optimal_solution"]) == ("FAILURE", None, None)
    assert found["portfolio_update"]["is_recommended"] is False
    assert found["errors"][0]["pointer"] == "/portfolio/holdings/XX0000000000"
    assert "no such instrument" in found["errors"][0]["detail"]
    assert found["superseded"] is False


def test_a_policy_that_cannot_hold_is_infeasible_and_names_the_conflict(service: Service, loaded: httpx.Client) -> None:
    bounds = robo.CONSTRAINTS["asset_classes"] | {"commodities": [0.1, 0.2]}
    key = create(loaded, CASH, policy_id(loaded, portfolio_constraints={"asset_classes": bounds}))["id"]

    found = latest(service, loaded, key)

    assert (found["status"], found["optimal_solution"]) == ("INFEASIBLE", None)
    assert found["current_solution"]["portfolio"] == CASH
    assert any("commodities" in one["limit"] for one in found["conflict"])
    assert found["portfolio_update"]["orders"] == {}


def test_versions_stay_readable(loaded: httpx.Client) -> None:
    key = create(loaded, CASH, None, external_id="kept")["id"]
    patched(loaded, key, portfolio={"$USD": 1.0})
    gone = made(loaded.delete(f"/portfolios/{key}"))

    assert (gone["deleted"], gone["version"], gone["portfolio"]) == (True, 3, {"$USD": 1.0})
    assert loaded.get(f"/portfolios/{key}/").status_code == 404
    first = made(loaded.get(f"/portfolios/{key}/", params={"version": 1}))
    assert (first["portfolio"], first["version"], first["deleted"]) == (CASH, 1, False)
    # the external id may be given to another
    create(loaded, CASH, None, external_id="kept")


@pytest.fixture
def plans(loaded: httpx.Client) -> str:
    """Five portfolios of one owner."""
    user = owner(loaded)
    for i in range(5):
        body = robo.portfolio(user, None, {"$USD": 100.0 * i}, external_id=f"bank-{i}", name=f"Plan {i}")
        made(loaded.post("/portfolios/", json=body))
    return user


def ask(client: httpx.Client, query: str, **more: Any) -> dict[str, Any]:
    return made(client.get("/portfolios/", params={"query": query, **more}))


def test_collections_are_paged_and_embedded(loaded: httpx.Client, plans: str) -> None:
    page = ask(loaded, "external_id eq 'bank*' orderby name", limit=2, embed="owned_by_user_id")

    assert (page["count"], page["offset"], len(page["results"])) == (5, 0, 2)
    assert page["_embedded"][plans]["first_name"] == "Ashok"
    names = [one["name"] for one in page["results"]]
    while page["next"]:
        page = made(loaded.get(page["next"]))
        names += [one["name"] for one in page["results"]]
    assert names == [f"Plan {i}" for i in range(5)]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("portfolio.$USD ge 200 orderby portfolio.$USD desc", 3),
        ("external_id in ['bank-1', 'bank-3'] and version eq 1", 2),
        ("(external_id eq 'bank-1' or name eq '*4') and archived eq false", 2),
        ("creation_datetime in ['20200101' to '20990101']", 5),
        ("creation_datetime lt '20200101' or archived eq true", 0),
        ("creation_datetime in ['20200101' to 'TODAY']", 5),
        ("creation_datetime eq TODAY and creation_datetime ge TODAY", 5),
        ("creation_datetime gt 'TODAY'", 0),
        ("config.manager_settings.divest_amount eq null", 5),
        ("config.manager_settings.divest_amount neq 0", 0),
        ("brokerage_account eq null and status neq 'ACTIVE'", 5),
    ],
)
@pytest.mark.usefixtures("plans")
def test_a_query_finds_what_it_says(loaded: httpx.Client, query: str, count: int) -> None:
    today = made(loaded.get("/portfolios/"))["results"][0]["creation_datetime"][:10].replace("-", "")

    assert ask(loaded, query.replace("TODAY", today))["count"] == count


@pytest.mark.usefixtures("plans")
def test_an_order_is_kept(loaded: httpx.Client) -> None:
    found = ask(loaded, "portfolio.$USD ge 200 orderby portfolio.$USD desc")["results"]

    assert [one["external_id"] for one in found] == ["bank-4", "bank-3", "bank-2"]
    assert made(loaded.get("/users/", params={"query": "last_name eq kum*"}))["count"] == 1


def test_logging_in_with_the_parts_of_a_key(service: Service, tenant: str) -> None:
    key = service.key(tenant)
    public, secret = key.split("_")[2], key.split("_")[3]
    with httpx.Client(base_url=service.base_url, trust_env=False) as plain:

        def bearer(token: str) -> dict[str, str]:
            return {"Authorization": f"Bearer {token}"}

        given = plain.post("/auth/login/", json={"access_key_id": public, "secret_access_key": secret})
        tokens = body_of(given)
        assert (given.status_code, tokens["token_type"], tokens["expires_in"]) == (200, "Bearer", "300")
        assert given.headers["cache-control"] == "no-store"
        assert plain.get("/users/", headers=bearer(tokens["access_token"])).status_code == 200
        assert plain.get("/users/", headers=bearer(key)).status_code == 200
        # a refresh token is no access token, nor the other way round
        assert plain.get("/users/", headers=bearer(tokens["refresh_token"])).status_code == 401
        assert plain.post("/auth/refresh-token/", json={"refresh_token": tokens["access_token"]}).status_code == 401
        again = plain.post("/auth/refresh-token/", json={"refresh_token": tokens["refresh_token"]})
        assert again.status_code == 200
        wrong = plain.post("/auth/login/", json={"access_key_id": public, "secret_access_key": secret[::-1]})
        assert (wrong.status_code, set(body_of(wrong))) == (
            401,
            {"title", "description", "request_id", "timestamp"},
        )
        # the tokens die with the key
        service.sql("update api_keys set revoked_at = now() where id = $1", public)
        for token in (tokens["access_token"], body_of(again)["access_token"]):
            assert plain.get("/users/", headers=bearer(token)).status_code == 401
        assert plain.post("/auth/refresh-token/", json={"refresh_token": tokens["refresh_token"]}).status_code == 401
