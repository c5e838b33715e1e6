"""Figures of a tear sheet against the peer ffn, against skfolio's measures, and against closed forms."""

import datetime as dt

import ffn
import numpy as np
import pandas as pd
import pytest
from skfolio import measures

from assetmix.backtest.result import Path, Statistics
from assetmix.backtest.statistics import drawdowns, statistics, years
from tests import markets
from tests.tolerances import EXACT

YEAR = np.sqrt(252)

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")  # the peer's, not ours


@pytest.fixture(scope="module")
def series() -> pd.DataFrame:
    return markets.made_prices(count=2, sessions=700, seed=5)


def path_of(series: pd.DataFrame, cash_rate: float = 0.0) -> Path:
    days = np.array([day.toordinal() for day in series.index])
    first, other = series.to_numpy().T
    return Path(days, first, other / other[0] * first[0], cash_rate)


def figures(series: pd.DataFrame, cash_rate: float = 0.0) -> Statistics:
    path = path_of(series, cash_rate)
    return statistics(path, [], next(iter(drawdowns(path)), None))


def test_growth_volatility_and_drawdown_are_those_of_the_peer(series: pd.DataFrame) -> None:
    peer = ffn.PerformanceStats(series["S0"])
    ours = figures(series)

    assert ours.total_return == pytest.approx(peer.total_return, rel=EXACT)
    assert ours.annual_return == pytest.approx(peer.cagr, rel=EXACT)
    assert ours.volatility_per_year == pytest.approx(peer.daily_vol, rel=EXACT)
    assert ours.max_drawdown == pytest.approx(-peer.max_drawdown, rel=EXACT)
    assert ours.sharpe_ratio == pytest.approx(peer.daily_sharpe, rel=EXACT)
    assert ours.best_session == pytest.approx(peer.best_day, rel=EXACT)
    assert ours.worst_session == pytest.approx(peer.worst_day, rel=EXACT)
    assert ours.calmar_ratio == pytest.approx(peer.calmar, rel=EXACT)


def test_the_monthly_table_is_that_of_the_peer(series: pd.DataFrame) -> None:
    peer = ffn.PerformanceStats(series["S0"]).return_table
    ours = years(path_of(series))

    for year in ours:
        whole = [value if value is not None else 0.0 for value in year.months]
        np.testing.assert_allclose(whole, peer.loc[year.year].to_numpy()[:12], atol=EXACT)
        assert year.total == pytest.approx(np.prod(1 + np.array(whole)) - 1, abs=EXACT)


def test_drawdowns_are_those_of_the_peer(series: pd.DataFrame) -> None:
    peer = ffn.to_drawdown_series(series["S0"])
    details = ffn.drawdown_details(peer).sort_values("drawdown").head(5)
    ours = drawdowns(path_of(series))[:5]

    np.testing.assert_allclose([-one.depth for one in ours], details["drawdown"].astype(float), rtol=EXACT)


def test_risk_figures_are_those_of_skfolio(series: pd.DataFrame) -> None:
    ours, rate = figures(series, cash_rate=0.0252), 0.0001
    returns = series["S0"].pct_change().to_numpy()[1:]
    other = series["S1"].pct_change().to_numpy()[1:]

    assert ours.volatility == pytest.approx(measures.standard_deviation(returns), rel=EXACT)
    assert ours.cvar == pytest.approx(measures.cvar(returns, beta=0.95), rel=EXACT)
    below = measures.semi_deviation(returns, min_acceptable_return=rate, biased=True)
    assert ours.sortino_ratio == pytest.approx((returns.mean() - rate) / below * YEAR, rel=EXACT)
    deviation = measures.standard_deviation(returns - other)
    assert ours.tracking_error == pytest.approx(deviation * YEAR, rel=EXACT)
    assert ours.information_ratio == pytest.approx((returns - other).mean() / deviation * YEAR, rel=EXACT)


def test_beta_and_hit_rate_have_their_closed_forms(series: pd.DataFrame) -> None:
    returns = series["S0"].pct_change().to_numpy()[1:]
    other = series["S1"].pct_change().to_numpy()[1:]
    ours = figures(series)

    slope, _ = np.polyfit(other, returns, 1)
    assert ours.beta == pytest.approx(slope, rel=EXACT)
    assert ours.hit_rate == pytest.approx(np.mean(returns > 0), rel=EXACT)


def test_a_path_without_risk_has_no_ratios() -> None:
    days = np.arange(5) + dt.date(2024, 1, 1).toordinal()
    ours = statistics(Path(days, np.full(5, 100.0), None, 0.0), [], None)

    assert (ours.sharpe_ratio, ours.sortino_ratio, ours.calmar_ratio, ours.beta) == (None,) * 4
    assert ours.max_drawdown == ours.total_return == ours.volatility == 0


def test_a_fall_that_lasts_has_not_recovered() -> None:
    days = np.arange(4) + dt.date(2024, 1, 1).toordinal()
    (worst,) = drawdowns(Path(days, np.array([100.0, 120.0, 60.0, 90.0]), None, 0.0))

    assert worst.depth == pytest.approx(0.5)
    assert (worst.peak.day, worst.trough.day, worst.recovered) == (2, 3, None)
