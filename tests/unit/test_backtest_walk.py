"""The rules of a walk: what is known when, what trading costs, what becomes of prices that are not there.

Expected numbers are worked out by hand beside each case.
"""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from assetmix.backtest.result import Backtest
from assetmix.backtest.spec import Charges, Dividend, Schedule
from assetmix.backtest.whole import backtest
from assetmix.domain.portfolio import Portfolio
from assetmix.domain.snapshot import RateSeries, Snapshot
from assetmix.errors import InvalidRequest
from assetmix.estimation.specs import SampleRisk
from assetmix.optimization.constraints.cash import Cash
from assetmix.optimization.constraints.no_trade import NoTrade
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.measures.concentration import Concentration
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.overlays.trend_filter import TrendFilter
from assetmix.optimization.resolve import Question
from assetmix.optimization.rules.equal_weight import EqualWeight
from assetmix.optimization.strategy import Objective, Strategy, Term, UniverseById
from tests import markets
from tests.tolerances import EXACT

ONCE = Schedule(kind="never")
HALF_IN_CASH = Cash(lower_fraction=0.5, upper_fraction=0.5)


def halves(*ids: str) -> Strategy:
    return Strategy(objective=EqualWeight(), universe=UniverseById(ids=ids))


def least_variance(prices: pd.DataFrame, **fields: object) -> Strategy:
    objective = Objective(sense="minimize", terms=(Term(measure=Variance()),))
    universe = UniverseById(ids=tuple(prices.columns))
    return Strategy(objective=objective, universe=universe, risk_model=SampleRisk(window=60), **fields)


def table(*days: str, **columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=pd.DatetimeIndex(days))


FOUR = ("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05")


def ends_at(found: Backtest) -> float:
    return float(markets.values_of(found)[-1])


@pytest.mark.parametrize("measure_by", ["variance", "equal"])
def test_no_decision_moves_when_later_prices_do(measure_by: str) -> None:
    prices = markets.made_prices(sessions=300)
    strategy = least_variance(prices) if measure_by == "variance" else halves(*prices.columns)
    begin, change = prices.index[80].date(), 200
    later = prices.copy()
    later.iloc[change:] *= np.random.default_rng(1).uniform(0.5, 2.0, later.iloc[change:].shape)

    once, again = (markets.run(one, strategy, start=begin, execution="next_close") for one in (prices, later))

    known = [one.decided < prices.index[change].date() for one in once.rebalances]
    assert 3 < sum(known) < len(known)
    seen = change - 80
    np.testing.assert_array_equal(markets.values_of(once)[:seen], markets.values_of(again)[:seen])
    assert not np.array_equal(markets.values_of(once)[seen:], markets.values_of(again)[seen:])


def test_orders_are_executed_at_the_close_of_the_next_session() -> None:
    prices = table(*FOUR, A=[10.0, 20.0, 20.0, 40.0])

    found = markets.run(prices, halves("A"), schedule=ONCE, execution="next_close")

    assert markets.values_of(found).tolist() == [1e6, 1e6, 1e6, 2e6]
    assert found.rebalances[0].executed == dt.date(2024, 1, 3)


def test_costs_are_paid_from_the_portfolio() -> None:
    prices = table(*FOUR, A=[10.0, 10.0, 10.0, 10.0])
    charges = Charges(cost_fraction=0.01, cost_amount=100.0, impact_coefficient=0.02)

    found = markets.run(prices, halves("A"), schedule=ONCE, charges=charges)

    low, high = 0.0, 1.0
    for _ in range(200):  # x + 1 % x + 100 of a million + 2 % x^1.5 = 1, by bisection
        invested = (low + high) / 2
        low, high = (low, invested) if 1.01 * invested + 1e-4 + 0.02 * invested**1.5 > 1 else (invested, high)
    assert ends_at(found) == pytest.approx(1e6 * invested, rel=EXACT)
    assert found.statistics.cost == pytest.approx(1e6 * (1 - invested), rel=EXACT)


def test_cash_earns_interest_for_calendar_days() -> None:
    prices = table("2024-01-05", "2024-01-08", "2024-01-09", A=[10.0, 10.0, 10.0])  # a week-end between
    strategy = Strategy(objective=EqualWeight(), universe=UniverseById(ids=("A",)), constraints=(HALF_IN_CASH,))

    found = markets.run(prices, strategy, schedule=ONCE, cash_rate=0.0365)

    assert ends_at(found) == pytest.approx(500_000 + 500_000 * 1.0003 * 1.0001, rel=EXACT)


def test_dividends_are_paid_at_the_close_of_the_ex_date() -> None:
    prices = table(*FOUR, A=[10.0, 10.0, 9.0, 9.0])
    given = (Dividend(instrument="A", ex_date=dt.date(2024, 1, 4), amount=1.0),)

    found = markets.run(prices, halves("A"), schedule=ONCE, prices="close", dividends=given)

    assert markets.values_of(found).tolist() == [1e6, 1e6, 1e6, 1e6]


def test_a_price_that_is_missing_is_the_last_one_and_is_not_traded_at() -> None:
    prices = table(*FOUR, A=[10.0, np.nan, 10.0, 20.0], B=[10.0, 20.0, 20.0, 20.0])

    found = markets.run(prices, halves("A", "B"), schedule=Schedule(kind="daily"))

    # day 2: A is worth 500,000 still and stays; B, worth 1,000,000, would be sold to 750,000 and the rest kept
    # as cash; day 3: A and B to 750,000 each; day 4: A doubles
    assert markets.values_of(found).tolist() == pytest.approx([1e6, 1.5e6, 1.5e6, 2.25e6], rel=EXACT)


def test_what_has_no_price_any_more_is_paid_out_at_its_last() -> None:
    days = [day.date().isoformat() for day in pd.bdate_range("2024-01-01", periods=10)]
    prices = table(*days, A=[10.0, 10.0, 5.0, *[np.nan] * 7], B=[10.0] * 9 + [20.0])

    found = markets.run(prices, halves("A", "B"), schedule=Schedule(kind="daily"), delisted_after=4)

    # A's 250,000 are paid out, all 750,000 go into B, which doubles at the end
    assert ends_at(found) == pytest.approx(1.5e6, rel=EXACT)


def test_a_drift_schedule_trades_where_a_weight_has_left_its_band() -> None:
    prices = table(*FOUR, A=[10.0, 11.0, 13.0, 13.0], B=[10.0, 10.0, 10.0, 10.0])

    found = markets.run(prices, halves("A", "B"), schedule=Schedule(kind="drift", band=0.05))

    # day 2: 0.524 lies inside 0.5 +- 0.05; day 3: 0.565 does not
    assert [one.decided.day for one in found.rebalances] == [2, 4]


def test_positions_inside_the_size_band_are_not_traded() -> None:
    prices = table(*FOUR, A=[10.0, 10.8, 12.0, 12.0], B=[10.0, 10.0, 10.0, 10.0])

    found = markets.run(prices, halves("A", "B"), schedule=Schedule(kind="daily"), size_band=0.05)

    # day 2: 0.519 is within 5 % of 0.5; day 3: 0.545 is 9 % away, 0.4545 as far below
    assert [one.status for one in found.rebalances] == ["traded", "unchanged", "traded", "unchanged"]


def test_a_strategy_at_its_own_targets_trades_nothing() -> None:
    prices = table(*FOUR, A=[10.0] * 4, B=[20.0] * 4)

    found = markets.run(prices, halves("A", "B"), {"A": 200.0, "B": 100.0}, schedule=Schedule(kind="daily"))

    assert {one.status for one in found.rebalances} == {"unchanged"}
    assert found.statistics.turnover == 0


def test_a_session_without_an_answer_keeps_the_old_weights_and_is_listed() -> None:
    prices = markets.made_prices(count=3, sessions=140)
    prices.iloc[100:, 0] = np.nan  # from there on two names are left, of which none may be more than 0.4
    strategy = least_variance(prices, constraints=(WeightBounds(upper=0.4),))
    begin = prices.index[61].date()

    found = markets.run(prices, strategy, start=begin, schedule=Schedule(kind="sessions", every=5), delisted_after=2)

    assert {"kept", "traded"} == {one.status for one in found.rebalances}
    first = next(one for one in found.rebalances if one.status == "kept")
    assert first.decided > prices.index[100].date()
    assert "at most 40" in first.sentence or "cannot hold" in first.sentence
    assert found.statistics.kept == sum(one.status == "kept" for one in found.rebalances)


def test_what_is_not_listed_yet_joins_when_its_history_is_long_enough() -> None:
    prices = markets.made_prices(count=3, sessions=200)
    prices.iloc[:80, 2] = np.nan
    begin = prices.index[61].date()

    found = markets.decisions(prices, least_variance(prices), start=begin, schedule=Schedule(kind="daily"))

    joined = next(one.decided for one in found if "S2" in one.weights)
    assert joined == prices.index[80 + 60].date()  # 61 closes are 60 returns


@pytest.mark.parametrize(
    ("asked", "pointer", "code"),
    [
        ({"start": dt.date(2030, 1, 1), "end": dt.date(2031, 1, 1)}, "/from", "missing-price"),
        ({"start": dt.date(2020, 1, 3)}, "/strategy/risk_model/window", "short-history"),
    ],
)
def test_a_backtest_that_cannot_begin_is_refused(asked: dict[str, object], pointer: str, code: str) -> None:
    prices = markets.made_prices()

    with pytest.raises(InvalidRequest) as refused:
        markets.run(prices, least_variance(prices), **asked)

    assert [(one.pointer, one.code) for one in refused.value.faults] == [(pointer, code)]


def test_only_sessions_of_the_calendar_count() -> None:
    days = pd.date_range("2024-06-28", "2024-07-09")  # with week-ends, and the fourth of July
    prices = pd.DataFrame({"A": 10.0 + np.arange(len(days))}, index=days)

    found = markets.run(prices, halves("A"), schedule=Schedule(kind="sessions", every=2), calendar="XNYS")

    assert [one.day for one in found.path.dates] == [28, 1, 2, 3, 5, 8, 9]
    assert [one.decided.day for one in found.rebalances] == [28, 2, 5, 9]


@pytest.mark.parametrize(
    ("code", "start", "expected"),
    [("NOPE", "2024-06-28", "unknown-calendar"), ("XTAE", "1990-01-05", "out-of-range")],
)
def test_a_calendar_that_cannot_be_used_is_refused(code: str, start: str, expected: str) -> None:
    prices = pd.DataFrame({"A": [10.0, 11.0, 12.0]}, index=pd.date_range(start, periods=3))

    with pytest.raises(InvalidRequest) as refused:
        markets.run(prices, halves("A"), calendar=code)

    assert [(one.pointer, one.code) for one in refused.value.faults] == [("/calendar", expected)]


def test_a_spec_is_refused_with_all_its_faults() -> None:
    spec = markets.BacktestSpec(
        start=dt.date(2024, 1, 2),
        end=dt.date(2024, 1, 1),
        schedule=Schedule(kind="drift"),
        charges=Charges(cost_fraction=0.9),
        cash_rate=3.0,
        size_band=-1.0,
        delisted_after=0,
        dividends=(Dividend(instrument="A", ex_date=dt.date(2024, 1, 1), amount=-1.0),),
    )

    pointers = {one.pointer for one in spec.faults()}

    assert pointers == {
        "/to",
        "/schedule/band",
        "/charges/cost_fraction",
        "/cash_rate",
        "/size_band",
        "/delisted_after",
        "/dividends",
        "/dividends/0/amount",
    }


def test_what_is_borrowed_is_invested() -> None:
    prices = table(*FOUR, A=[10.0, 10.0, 11.0, 11.0])
    lent = Cash(lower_fraction=-0.5, upper_fraction=-0.5)
    strategy = Strategy(
        objective=Objective(sense="minimize", terms=(Term(measure=Concentration()),)),
        universe=UniverseById(ids=("A",)),
        constraints=(lent,),
    )

    found = markets.run(prices, strategy, schedule=ONCE)

    assert ends_at(found) == pytest.approx(1e6 * 1.15, rel=1e-6)  # one and a half times a tenth


def test_dividends_are_in_the_currency_of_the_instrument_and_the_benchmark_earns_them_too() -> None:
    prices = table(*FOUR, A=[1000.0, 1000.0, 900.0, 900.0])
    yen = replace(snapshot_in_yen(prices), extras={"close": prices.to_numpy()})
    portfolio = Portfolio(base_currency="USD", holdings={"$USD": 1e6}, benchmark={"A": 1.0})
    question = Question(halves("A"), portfolio, yen, "strategy", "yen")
    given = (Dividend(instrument="A", ex_date=dt.date(2024, 1, 4), amount=100.0),)
    spec = markets.spec_of(prices, schedule=ONCE, prices="close", dividends=given)

    found = backtest(question, spec, markets.tools(), lambda _: None)

    assert markets.values_of(found).tolist() == pytest.approx([1e6] * 4, rel=EXACT)
    assert found.path.benchmark == pytest.approx([1e6] * 4, rel=EXACT)


def snapshot_in_yen(prices: pd.DataFrame) -> Snapshot:
    """The same numbers as yen, a hundredth of a dollar each."""
    known = markets.snapshot_of(prices)
    rates = RateSeries("JPY", "USD", known.dates, np.full(len(known.dates), 0.01))
    return replace(known, instruments=tuple(replace(one, currency="JPY") for one in known.instruments), rates=(rates,))


def test_a_dividend_of_something_unknown_is_refused() -> None:
    given = (Dividend(instrument="TYPO", ex_date=dt.date(2024, 1, 4), amount=1.0),)

    with pytest.raises(InvalidRequest) as refused:
        markets.run(table(*FOUR, A=[10.0] * 4), halves("A"), prices="close", dividends=given)

    assert [(one.pointer, one.code) for one in refused.value.faults] == [("/dividends/0/instrument", "unknown-asset")]


def test_a_backtest_ends_where_nothing_is_left() -> None:
    prices = table(*FOUR, A=[10.0, 40.0, 40.0, 10.0])

    found = markets.run(prices, halves("A"), {"$USD": 2e6, "A": -1e5}, schedule=Schedule(kind="drift", band=1.0))

    # short of 100,000 at 10 with two millions of cash, bought back at once by equal weights
    assert ends_at(found) > 0
    lost = markets.run(prices, nothing_to_do(), {"$USD": 2e6, "A": -1e5}, schedule=Schedule(kind="daily"))
    assert markets.values_of(lost).tolist() == [1e6, -2e6]
    assert "nothing was left" in lost.sentence


def nothing_to_do() -> Strategy:
    """A strategy that never has an answer: it may not trade, and its limits say that it must."""
    limits = (NoTrade(scope="all"), WeightBounds(lower=0.5, upper=1.0))
    objective = Objective(sense="minimize", terms=(Term(measure=Concentration()),))
    return Strategy(objective=objective, universe=UniverseById(ids=("A",)), constraints=limits, shorting=True)


def test_going_to_cash_costs_its_impact() -> None:
    prices = table(*FOUR, A=[10.0, 11.0, 12.0, 6.0])
    strategy = replace(halves("A"), overlays=(TrendFilter(window=2),))
    charges = Charges(impact_coefficient=0.1)

    found = markets.run(prices, strategy, start=dt.date(2024, 1, 4), schedule=Schedule(kind="daily"), charges=charges)

    sold = found.rebalances[-1]
    assert sold.turnover == pytest.approx(1.0)
    assert sold.cost == pytest.approx(0.1 * sold.turnover**1.5 * markets.values_of(found)[-1] / 0.9, rel=1e-6)
