"""Prices to returns: gaps, windows, frequencies; and the sample covariance."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from assetmix.errors import MissingData
from assetmix.estimation.covariance import estimated_risk
from assetmix.estimation.returns import returns
from assetmix.estimation.specs import SampleRisk
from tests.makers import make_snapshot, stock_ids
from tests.tolerances import EXACT


def test_a_day_with_a_missing_price_is_dropped_and_the_next_return_spans_it() -> None:
    snapshot = make_snapshot(count=2, periods=4)
    history = np.array([[10.0, 20, 1], [11.0, np.nan, 1], [12.0, 30, 1], [15.0, 33, 1]])
    ids = stock_ids(snapshot)

    found = returns(replace(snapshot, history=history), ids, None, "daily")

    assert found == pytest.approx(np.array([[0.2, 0.5], [0.25, 0.1]]), rel=EXACT)


def test_window_counts_returns_from_the_end() -> None:
    snapshot = make_snapshot(periods=30)
    ids = stock_ids(snapshot)

    assert returns(snapshot, ids, 7, "daily") == pytest.approx(returns(snapshot, ids, None, "daily")[-7:])


def test_too_short_a_history_is_refused_with_both_numbers() -> None:
    snapshot = make_snapshot(periods=10)

    with pytest.raises(MissingData) as refused:
        returns(snapshot, stock_ids(snapshot), 10, "daily")

    assert "10 returns are needed" in refused.value.faults[0].detail
    assert "only 9 are there" in refused.value.faults[0].detail


def test_weekly_returns_run_from_last_day_to_last_day_of_each_week() -> None:
    snapshot = make_snapshot(count=1, periods=21)
    monday = dt.date(2024, 6, 3).toordinal()

    found = returns(replace(snapshot, dates=np.arange(monday, monday + 21)), stock_ids(snapshot), None, "weekly")

    sundays = snapshot.history[[6, 13, 20], 0]
    assert found[:, 0] == pytest.approx(sundays[1:] / sundays[:-1] - 1, rel=EXACT)


def test_sample_covariance_is_numpys() -> None:
    snapshot = make_snapshot(count=4, periods=50)
    ids = stock_ids(snapshot)

    model = estimated_risk(snapshot, ids, SampleRisk())

    assert model.covariance == pytest.approx(np.cov(returns(snapshot, ids, None, "daily").T), rel=EXACT)


def test_horizon_scales_the_covariance_by_sessions_and_leaves_scenarios() -> None:
    snapshot = make_snapshot()
    ids = stock_ids(snapshot)

    daily = estimated_risk(snapshot, ids, SampleRisk())
    yearly = estimated_risk(snapshot, ids, SampleRisk(horizon_days=365))

    assert yearly.covariance == pytest.approx(252 * daily.covariance, rel=EXACT)
    assert yearly.scenarios == pytest.approx(daily.scenarios)


def test_fewer_scenarios_than_instruments_give_a_singular_covariance_without_trouble() -> None:
    snapshot = make_snapshot(count=8, periods=5)
    ids = stock_ids(snapshot)

    model = estimated_risk(snapshot, ids, SampleRisk())

    assert model.covariance == pytest.approx(np.cov(returns(snapshot, ids, None, "daily").T), rel=EXACT, abs=1e-18)
