"""Exchange rates over HTTP: loaded, given back, refused by name, and used by runs."""

import datetime as dt
from dataclasses import replace
from typing import Any

import httpx
import pytest

from assetmix.codec.snapshots import read_snapshot
from assetmix.domain.snapshot import Snapshot
from tests.makers import LAST_DAY, make_snapshot, stock_ids
from tests.service import Service, load_market, strategy_document

DOLLARS = make_snapshot(count=3, seed=11)
IDS = stock_ids(DOLLARS)
ABROAD = IDS[0]
SNAPSHOT = replace(
    DOLLARS,
    instruments=tuple(replace(one, currency="EUR") if one.id == ABROAD else one for one in DOLLARS.instruments),
)
"""The first stock is quoted in euros."""

CSV = {"Content-Type": "text/csv"}
BEFORE = LAST_DAY - dt.timedelta(days=1)


@pytest.fixture
def loaded(client: httpx.Client) -> httpx.Client:
    load_market(client, SNAPSHOT)
    client.put("/v1/strategies/track", json=strategy_document(trading={"lots": False})).raise_for_status()
    return client


def rate(currency: str = "$EUR", quote: str | None = "USD", close: float = 1.25, **fields: Any) -> dict[str, Any]:
    row = {"instrument": currency, "date": LAST_DAY.isoformat(), "close": close} | fields
    return row if quote is None else row | {"quote": quote}


def put(client: httpx.Client, *rows: dict[str, Any]) -> httpx.Response:
    return client.put("/v1/prices", json={"prices": list(rows)})


def put_history(client: httpx.Client, values: list[float]) -> None:
    """The same few rates over and over, one for each day of the snapshot."""
    days = [dt.date.fromordinal(int(day)) for day in SNAPSHOT.dates]
    rows = [rate(close=values[i % len(values)], date=day.isoformat()) for i, day in enumerate(days)]
    put(client, *rows).raise_for_status()


def frozen(service: Service, run: str) -> Snapshot:
    query = (
        "select payload from snapshots s join optimizations o "
        "on (o.tenant_id, o.snapshot_digest) = (s.tenant_id, s.digest) where o.id = $1"
    )
    (row,) = service.sql(query, run)
    return read_snapshot(row["payload"])


def ask(client: httpx.Client, **holdings: float) -> httpx.Response:
    held = {key.replace("cash_", "$"): units for key, units in holdings.items()}
    client.put("/v1/portfolios/ada", json={"base_currency": "USD", "holdings": held}).raise_for_status()
    return client.post("/v1/optimizations", json={"portfolio": "ada", "strategy": "track"})


def test_rates_are_loaded_as_json_and_as_csv_and_given_back(client: httpx.Client) -> None:
    as_json = put(client, rate(), rate(quote="CHF", close=0.95), rate("$USD", "JPY", 150.0))
    table = f"date,instrument,quote,close\n{BEFORE},$EUR,USD,1.2\n{LAST_DAY},$EUR,USD,1.25\n"
    as_csv = client.put("/v1/prices", content=table, headers=CSV)

    assert as_json.json() == {"rows": 3, "inserted": 3, "updated": 0, "warnings": []}
    assert as_csv.json() == {"rows": 2, "inserted": 1, "updated": 0, "warnings": []}
    day, before = LAST_DAY.isoformat(), BEFORE.isoformat()
    assert client.get("/v1/prices/$EUR").json() == {
        "instrument": "$EUR",
        "prices": [
            {"date": before, "quote": "USD", "close": 1.2},
            {"date": day, "quote": "CHF", "close": 0.95},
            {"date": day, "quote": "USD", "close": 1.25},
        ],
    }
    assert client.get("/v1/prices/$EUR", params={"to": before}).json()["prices"][0]["close"] == 1.2
    assert client.get("/v1/prices/$EUR", params={"to": "1990-01-01"}).json()["prices"] == []
    assert client.get("/v1/prices/$CHF").status_code == 404


def test_rates_and_prices_may_come_together_and_a_dry_run_writes_nothing(loaded: httpx.Client) -> None:
    row = {"instrument": IDS[1], "date": LAST_DAY.isoformat(), "close": 77.0, "volume": 0.0}
    body = {"prices": [row, rate(open=1.2, volume=5.0)]}

    dry = loaded.put("/v1/prices", params={"dry_run": True}, json=body)
    absent = loaded.get("/v1/prices/$EUR")
    written = loaded.put("/v1/prices", json=body)

    assert dry.json()["rows"] == 2
    assert absent.status_code == 404
    assert (written.json()["inserted"], written.json()["updated"]) == (1, 1)
    assert ["exchange rates" in one for one in written.json()["warnings"]] == [True]
    assert loaded.get("/v1/prices/$EUR").json()["prices"][0].keys() == {"date", "quote", "close"}
    last = loaded.get(f"/v1/prices/{IDS[1]}").json()["prices"][-1]
    assert last == {"date": LAST_DAY.isoformat(), "close": 77.0, "volume": 0.0}


@pytest.mark.parametrize(
    ("row", "pointer", "code"),
    [
        (rate(quote=None), "/prices/0/quote", "missing-quote"),
        (rate(IDS[0]), "/prices/0/quote", "unexpected-quote"),
        (rate("$USD"), "/prices/0/quote", "unexpected-quote"),
        (rate(quote="usd"), "/prices/0/quote", "invalid-currency"),
        (rate(quote=""), "/prices/0/quote", "invalid-currency"),
        (rate("$EURO"), "/prices/0/instrument", "invalid-currency"),
        (rate("$"), "/prices/0/instrument", "invalid-currency"),
        (rate(close=0.0), "/prices/0/close", "invalid-price"),
        (rate(close=-1.0), "/prices/0/close", "invalid-price"),
        (rate(date="1700-01-01"), "/prices/0/date", "out-of-range"),
    ],
    ids=lambda one: str(one)[:60],
)
def test_rates_that_cannot_be_used_are_named(
    loaded: httpx.Client, row: dict[str, Any], pointer: str, code: str
) -> None:
    response = put(loaded, row)

    assert response.status_code == 422
    assert (pointer, code) in {(one["pointer"], one["code"]) for one in response.json()["errors"]}, response.text


def test_two_rates_of_a_pair_on_one_day_are_refused_and_of_two_pairs_are_not(client: httpx.Client) -> None:
    assert put(client, rate(), rate(close=1.3)).json()["errors"][0]["code"] == "duplicate"
    assert put(client, rate(), rate(quote="CHF")).status_code == 200


def test_csv_names_what_is_wrong_with_a_rate(client: httpx.Client) -> None:
    without = client.put("/v1/prices", content=f"date,instrument,close\n{LAST_DAY},$EUR,1.2\n", headers=CSV)
    wide = client.put("/v1/prices", content=f"date,$EUR\n{LAST_DAY},1.2\n", headers=CSV)

    for response in (without, wide):
        assert response.status_code == 422
        assert response.json()["errors"][0]["code"] == "missing-quote"


def test_cash_cannot_be_loaded_as_an_instrument(client: httpx.Client) -> None:
    refused = client.put("/v1/instruments", json={"instruments": [{"id": "$EUR", "currency": "USD"}]})

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/instruments/0/id"


def test_without_a_rate_a_run_is_refused(loaded: httpx.Client) -> None:
    for refused in (ask(loaded, cash_USD=1000.0), ask(loaded, cash_USD=1000.0, cash_EUR=5.0)):
        assert refused.status_code == 422, refused.text
        assert refused.json()["type"] == "/problems/missing-price"


def test_a_run_is_valued_and_solved_in_the_base_currency(service: Service, loaded: httpx.Client) -> None:
    put_history(loaded, [1.2, 1.25])
    last = 1.25 if len(SNAPSHOT.dates) % 2 == 0 else 1.2
    price = SNAPSHOT.prices[ABROAD]

    run = service.ended(loaded, ask(loaded, cash_USD=1000.0, cash_EUR=100.0, **{ABROAD: 10.0}).json()["id"])

    assert run["status"] == "succeeded", run["error"]
    result = run["result"]
    assert result["value"] == pytest.approx(1000.0 + last * (100.0 + 10.0 * price))
    assert result["prices"][ABROAD] == pytest.approx(last * price)
    assert result["prices"]["$EUR"] == pytest.approx(last)
    assert result["weights"].get("$EUR", 0.0) == pytest.approx(0.0, abs=1e-6)  # outside the universe, so sold
    sold = [one for one in result["orders"] if one["instrument"] == "$EUR"]
    assert [(one["side"], one["quantity"]) for one in sold] == [("sell", 100.0)]


def test_rates_are_frozen_with_the_prices_up_to_their_last_day(service: Service, loaded: httpx.Client) -> None:
    put_history(loaded, [1.2, 1.25])
    later = LAST_DAY + dt.timedelta(days=1)
    put(loaded, rate(close=9.0, date=later.isoformat()), rate("$GBP", "JPY", 190.0)).raise_for_status()

    run = ask(loaded, cash_USD=1000.0).json()["id"]

    snapshot = frozen(service, run)
    pairs = {(one.currency, one.quote): one for one in snapshot.rates}
    assert snapshot.as_of == LAST_DAY
    assert set(pairs) == {("EUR", "USD"), ("GBP", "JPY")}
    assert pairs["EUR", "USD"].dates[-1] == LAST_DAY.toordinal()


def test_a_new_rate_supersedes_a_run_that_used_rates_and_no_other(service: Service, loaded: httpx.Client) -> None:
    put_history(loaded, [1.2])
    home = strategy_document(universe={"ids": list(IDS[1:])}, trading={"lots": False})
    loaded.put("/v1/strategies/home", json=home).raise_for_status()
    loaded.put("/v1/portfolios/home", json={"base_currency": "USD", "holdings": {"$USD": 1e4}}).raise_for_status()
    abroad = ask(loaded, cash_USD=1000.0).json()["id"]
    at_home = loaded.post("/v1/optimizations", json={"portfolio": "home", "strategy": "home"}).json()["id"]
    for run in (abroad, at_home):
        assert service.ended(loaded, run)["status"] == "succeeded"

    put(loaded, rate(close=1.5)).raise_for_status()
    superseded = {
        name: loaded.get("/optimizations/latest", params={"client_reference": name}).json()["superseded"]
        for name in ("ada", "home")
    }

    assert superseded == {"ada": True, "home": False}
    assert frozen(service, at_home).rates == ()
    assert ask(loaded, cash_USD=1000.0).json()["id"] != abroad


def test_tables_that_a_strategy_computes_with_are_frozen_as_they_were_loaded(
    service: Service, loaded: httpx.Client
) -> None:
    put_history(loaded, [1.2])
    days = [dt.date.fromordinal(int(day)) for day in SNAPSHOT.dates]
    rows = [
        {"instrument": key, "date": day.isoformat(), "close": 50.0 + i, "volume": 1000.0 + i}
        for key in IDS
        for i, day in enumerate(days)
    ]
    put(loaded, *rows).raise_for_status()
    limit = {"kind": "participation", "upper": 0.1, "window": 5}
    body = {"portfolio": {"base_currency": "USD", "holdings": {"$USD": 100.0}}}

    plain = loaded.post("/v1/optimizations", json=body | {"strategy": strategy_document()})
    asked = loaded.post("/v1/optimizations", json=body | {"strategy": strategy_document(constraints=[limit])})

    assert frozen(service, plain.raise_for_status().json()["id"]).extras == {}
    snapshot = frozen(service, asked.raise_for_status().json()["id"])
    assert set(snapshot.extras) == {"close", "volume"}
    column = snapshot.universe.positions[ABROAD]
    count = len(days)
    assert snapshot.extras["volume"][:, column].tolist() == [1000.0 + i for i in range(count)]
    assert snapshot.extras["close"][:, column].tolist() == [50.0 + i for i in range(count)]  # euros, not dollars
    run = service.ended(loaded, asked.json()["id"])
    assert run["status"] == "succeeded", run["error"]
