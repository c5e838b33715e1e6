"""Exchange rates and price tables in Postgres, read as arrays."""

import datetime as dt

import numpy as np

from assetmix.domain.instrument import Instrument
from assetmix.persistence import instruments, prices, rates, uploads
from assetmix.persistence.prices import Span
from assetmix.persistence.session import Connection
from tests.integration.conftest import Bench


async def put_rows(connection: Connection, tenant_id: str, rows: list[tuple[object, ...]]) -> None:
    upload = await uploads.open_upload(connection)
    await upload.add(rows)
    await prices.put_prices(connection, tenant_id, upload)


DAYS = [dt.date(2024, 6, 3) + dt.timedelta(days=i) for i in range(4)]


async def test_rates_are_inserted_updated_and_left_alone(bench: Bench) -> None:
    tenant, other = await bench.tenant("one"), await bench.tenant("two")
    before = await bench.do(rates.get_revision, tenant)

    first = await bench.do(rates.put_rates, tenant, [("EUR", "USD", DAYS[0], 1.1), ("EUR", "USD", DAYS[1], 1.2)])
    after = await bench.do(rates.get_revision, tenant)
    same = await bench.do(rates.put_rates, tenant, [("EUR", "USD", DAYS[0], 1.1)])
    unchanged = await bench.do(rates.get_revision, tenant)
    changed = await bench.do(rates.put_rates, tenant, [("EUR", "USD", DAYS[0], 1.3), ("EUR", "CHF", DAYS[0], 0.9)])

    assert (first, same, changed) == ((2, 0), (0, 0), (1, 1))
    assert before != after == unchanged != await bench.do(rates.get_revision, tenant)
    assert await bench.do(rates.get_rates, tenant, "EUR", (DAYS[0], DAYS[3]), 10) == [
        {"date": DAYS[0], "quote": "CHF", "close": 0.9},
        {"date": DAYS[0], "quote": "USD", "close": 1.3},
        {"date": DAYS[1], "quote": "USD", "close": 1.2},
    ]
    assert await bench.do(rates.has_rates, other, "EUR") is False
    assert await bench.do(rates.last_day, tenant, DAYS[3]) == DAYS[1]
    assert await bench.do(rates.last_day, other, DAYS[3]) is None


async def test_series_hold_the_days_asked_for(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    given = [("USD", "JPY", day, 150.0 + i) for i, day in enumerate(DAYS)]
    await bench.do(rates.put_rates, tenant, [*reversed(given), ("EUR", "USD", DAYS[3], 1.1)])

    (series,) = await bench.do(rates.get_series, tenant, DAYS[1], DAYS[2])
    both = await bench.do(rates.get_series, tenant, DAYS[0], DAYS[3])

    assert (series.currency, series.quote) == ("USD", "JPY")
    assert series.dates.tolist() == [DAYS[1].toordinal(), DAYS[2].toordinal()]
    assert series.values.tolist() == [151.0, 152.0]
    assert [(one.currency, len(one.dates)) for one in both] == [("EUR", 1), ("USD", 4)]


async def test_histories_bring_the_tables_asked_for_aligned_with_gaps_as_nan(bench: Bench) -> None:
    tenant = await bench.tenant("one")
    await bench.do(instruments.put_instruments, tenant, [Instrument(id=key, currency="USD") for key in "AB"])
    rows = [
        ("A", DAYS[0], 10.0, 9.0, None, 11.0, 9.5, 1000.0),
        ("A", DAYS[1], 20.0, None, None, None, None, 0.0),
        ("B", DAYS[1], 5.0, None, None, 6.0, 4.0, None),
    ]
    await bench.do(put_rows, tenant, rows)

    plain = await bench.do(prices.get_history, tenant, ("A", "B", "C"), Span(DAYS[3], None))
    full = await bench.do(
        prices.get_history, tenant, ("A", "B", "C"), Span(DAYS[3], None, ("volume", "close", "high", "low"))
    )

    nan = np.nan
    assert plain.extras == {}
    np.testing.assert_array_equal(full.dates, plain.dates)
    np.testing.assert_array_equal(full.table, [[9.0, nan, nan], [20.0, 5.0, nan]])
    np.testing.assert_array_equal(full.closes, [20.0, 5.0, nan])
    np.testing.assert_array_equal(full.extras["close"], [[10.0, nan, nan], [20.0, 5.0, nan]])
    np.testing.assert_array_equal(full.extras["high"], [[11.0, nan, nan], [nan, 6.0, nan]])
    np.testing.assert_array_equal(full.extras["low"], [[9.5, nan, nan], [nan, 4.0, nan]])
    np.testing.assert_array_equal(full.extras["volume"], [[1000.0, nan, nan], [0.0, nan, nan]])
