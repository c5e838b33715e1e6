"""Exchange rates: either way round, over other currencies, fresh for a week; snapshots in one currency."""

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pytest

from assetmix.domain.currency import RateBook, converted
from assetmix.domain.instrument import Instrument
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import RateSeries, Snapshot

DAY = dt.date(2024, 6, 3).toordinal()


def series(currency: str, quote: str, values: Mapping[int, float]) -> RateSeries:
    """Rates by number of days after the first."""
    return RateSeries(currency, quote, np.array(list(values)) + DAY, np.array(list(values.values())))


def rates(given: list[RateSeries], currency: str, base: str, days: list[int]) -> list[float]:
    return RateBook(tuple(given)).rates(currency, base, np.array(days) + DAY).tolist()


def snapshot(currencies: str, given: list[RateSeries], **fields: object) -> Snapshot:
    """Two days of prices of one instrument a currency: 10 and 11, 20 and 22, and so on; known on the second day."""
    codes = currencies.split()
    instruments = tuple(Instrument(id=f"IN{code}", currency=code) for code in codes)
    first = 10.0 * np.arange(1, len(codes) + 1)
    history = np.array([first, 1.1 * first])
    day = dt.date.fromordinal(DAY + 1)
    return Snapshot(
        day, instruments, history[-1], np.array([DAY, DAY + 1]), history, **({"rates": tuple(given)} | fields)
    )


def test_a_known_pair_is_used_either_way_round() -> None:
    eur = [series("EUR", "USD", {0: 1.25})]

    assert rates(eur, "EUR", "USD", [0]) == [1.25]
    assert rates(eur, "USD", "EUR", [0]) == [0.8]  # 1 / 1.25
    assert rates(eur, "EUR", "EUR", [0, 900]) == [1.0, 1.0]


def test_rates_triangulate_over_the_fewest_pairs() -> None:
    """By hand: 1 CHF = 1 / 0.8 EUR = 1.25 EUR = 1.25 x 1.2 USD = 1.5 USD = 1.5 x 100 JPY = 150 JPY."""
    given = [series("EUR", "CHF", {0: 0.8}), series("EUR", "USD", {0: 1.2}), series("USD", "JPY", {0: 100.0})]

    assert rates(given, "CHF", "JPY", [0]) == pytest.approx([150.0], rel=1e-15)
    assert rates(given, "JPY", "CHF", [0]) == pytest.approx([1 / 150.0], rel=1e-15)
    direct = series("CHF", "JPY", {0: 151.0})
    assert rates([*given, direct], "CHF", "JPY", [0]) == [151.0]
    assert np.isnan(rates(given, "CHF", "SEK", [0])).all()


def test_among_equally_short_ways_the_alphabet_decides_whatever_the_order_and_direction() -> None:
    over_gbp = [series("EUR", "GBP", {0: 0.8}), series("GBP", "USD", {0: 1.6})]
    over_chf = [series("EUR", "CHF", {0: 1.0}), series("USD", "CHF", {0: 0.8})]

    for given in ([*over_gbp, *over_chf], [*over_chf, *over_gbp]):
        assert rates(given, "EUR", "USD", [0]) == pytest.approx([1.25])  # 1.0 / 0.8, not 0.8 x 1.6 = 1.28
        assert rates(given, "USD", "EUR", [0]) == pytest.approx([0.8])


def test_the_last_known_rate_serves_for_seven_days_and_not_for_eight() -> None:
    given = [series("EUR", "USD", {0: 1.25, 10: 1.5})]

    found = rates(given, "EUR", "USD", [-1, 0, 7, 8, 9, 10, 17, 18])

    assert found == pytest.approx([np.nan, 1.25, 1.25, np.nan, np.nan, 1.5, 1.5, np.nan], nan_ok=True)


def test_every_pair_on_the_way_must_be_fresh() -> None:
    given = [series("EUR", "USD", {0: 1.2}), series("USD", "JPY", {3: 100.0})]

    assert rates(given, "EUR", "JPY", [2, 3, 7, 8]) == pytest.approx([np.nan, 120.0, 120.0, np.nan], nan_ok=True)


def test_a_pair_given_both_ways_is_one_history_in_which_its_own_figure_counts() -> None:
    given = [series("EUR", "USD", {0: 1.25}), series("USD", "EUR", {0: 0.5, 5: 0.4})]

    assert rates(given, "EUR", "USD", [0, 5]) == [1.25, 2.5]  # 1 / 0.4
    assert rates(given, "USD", "EUR", [0, 5]) == [0.5, 0.4]


def test_nothing_to_convert_gives_the_same_object() -> None:
    plain = snapshot("USD USD", [])

    assert converted(plain, "USD") is plain
    assert converted(plain, "USD", ["USD"]) is plain


def test_prices_are_multiplied_by_the_rate_of_their_day_and_volumes_are_not() -> None:
    table = np.array([[1.0, 2.0], [3.0, 4.0]])
    given = [series("EUR", "USD", {0: 1.5, 1: 2.0})]
    before = snapshot("EUR USD", given, extras={"high": table, "volume": table})

    after = converted(before, "USD")

    np.testing.assert_array_equal(after.history, [[15.0, 20.0], [22.0, 22.0]])
    np.testing.assert_array_equal(after.closes, [22.0, 22.0])
    np.testing.assert_array_equal(after.extras["high"], [[1.5, 2.0], [6.0, 4.0]])
    np.testing.assert_array_equal(after.extras["volume"], table)
    assert [one.currency for one in after.instruments] == ["USD", "USD"]
    assert converted(after, "USD") is after


def test_foreign_cash_becomes_an_instrument_whose_price_is_its_rate() -> None:
    before = snapshot("USD", [series("EUR", "USD", {0: 1.5, 1: 2.0})], extras={"close": np.array([[10.0], [11.0]])})

    after = converted(before, "USD", ["EUR", "USD"])

    cash = after.by_id["$EUR"]
    assert (cash.currency, cash.kind, cash.step, cash.tradable) == ("USD", "cash", 0.01, True)
    assert after.prices == {"INUSD": 11.0, "$EUR": 2.0}
    np.testing.assert_array_equal(after.history[:, 1], [1.5, 2.0])
    np.testing.assert_array_equal(after.extras["close"][:, 1], [1.5, 2.0])
    assert converted(after, "USD", ["EUR"]) is after


def test_cash_alone_is_converted_too() -> None:
    empty = np.zeros((0, 0))
    rate = (series("EUR", "USD", {0: 1.5}),)
    before = Snapshot(dt.date.fromordinal(DAY), (), np.zeros(0), np.zeros(0, dtype=np.int64), empty, rates=rate)

    assert converted(before, "USD", ["EUR"]).prices == {"$EUR": 1.5}


def test_without_a_fresh_rate_a_price_is_missing() -> None:
    stale = [series("EUR", "USD", {-7: 1.5})]  # seven days before the first day, eight before the second

    after = converted(snapshot("EUR USD SEK", stale), "USD")

    np.testing.assert_array_equal(after.history, [[15.0, 20.0, np.nan], [np.nan, 22.0, np.nan]])
    assert after.prices == {"INUSD": 22.0}


def test_the_last_close_is_taken_at_the_rate_of_the_snapshots_day() -> None:
    """An instrument whose last price is of the first day is worth that price at today's rate."""
    before = snapshot("EUR", [series("EUR", "USD", {0: 1.5, 6: 3.0})])
    later = Snapshot(
        dt.date.fromordinal(DAY + 6),
        before.instruments,
        before.closes,
        before.dates,
        before.history,
        rates=before.rates,
    )

    assert converted(later, "USD").prices == {"INEUR": 33.0}  # 11 x 3, not 11 x 1.5


def test_foreign_cash_is_a_position_and_base_cash_is_not() -> None:
    held = Portfolio(base_currency="USD", holdings={"$USD": 5.0, "$EUR": 2.0, "$CHF": 0.0, "A": 1.0})

    assert held.positions == {"$EUR": 2.0, "A": 1.0}
    assert held.cash == 5.0
    assert held.foreign_currencies == ("EUR",)
