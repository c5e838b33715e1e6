"""From what a strategy asks for to arrays: uploaded models, defaults, and refusals with their pointers."""

from typing import Any

import numpy as np
import pytest

from assetmix.domain.given_model import GivenModel
from assetmix.domain.universe import Universe
from assetmix.errors import InvalidRequest, MissingData, UnknownAsset
from assetmix.estimation.estimate import Estimates, Wanted, estimate
from assetmix.estimation.roots import covariance_root
from assetmix.estimation.specs import (
    BlackLitterman,
    Equilibrium,
    EwmaMean,
    EwmaRisk,
    ForecastSpec,
    GivenForecast,
    HistoricalMean,
    NamedRisk,
    RiskSpec,
    SampleRisk,
    ShrunkMean,
    View,
)
from tests.makers import INDEX, make_snapshot, stock_ids
from tests.tolerances import EXACT

SNAPSHOT = make_snapshot(count=3, periods=30)
IDS = stock_ids(SNAPSHOT)
COVERED = Universe(("OTHER", IDS[2], IDS[0], INDEX, IDS[1]))
MEANS = np.array([0.5, 0.3, 0.1, 0.4, 0.2])
ORDER = [2, 4, 1, 3]
"""Positions of the three stocks and the index in the uploaded model."""


def estimated(
    risk: RiskSpec | None = None,
    forecast: ForecastSpec | None = None,
    given: GivenModel | None = None,
    ids: tuple[str, ...] = IDS,
    extra: tuple[str, ...] = (INDEX,),
) -> Estimates:
    return estimate(SNAPSHOT, ids, extra, Wanted(risk, forecast, given, {INDEX: 1.0}))


def uploaded(**fields: Any) -> GivenModel:
    return GivenModel(universe=COVERED, horizon_days=30.0, **fields)


def random_rows(count: int = 40) -> np.ndarray:
    return np.random.default_rng(2).normal(0.001, 0.01, size=(count, 5))


def test_nothing_asked_for_is_nothing_estimated() -> None:
    found = estimated()

    assert found.risk is None
    assert found.forecast is None


@pytest.mark.parametrize("spec", [None, NamedRisk(name="mine")])
def test_an_uploaded_covariance_is_laid_out_by_id_and_never_rescaled(spec: NamedRisk | None) -> None:
    covariance = np.cov(random_rows().T)

    risk = estimated(spec, given=uploaded(covariance=covariance, expected_returns=MEANS)).risk

    assert risk.universe.ids == (*IDS, INDEX)
    assert risk.covariance == pytest.approx(covariance[np.ix_(ORDER, ORDER)], rel=EXACT)
    assert risk.mean == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert risk.scenarios is None
    second = covariance[np.ix_(ORDER, ORDER)] + np.outer(MEANS[ORDER], MEANS[ORDER])
    assert risk.uncentered_root.T @ risk.uncentered_root == pytest.approx(second, rel=EXACT)


def test_an_uploaded_covariance_without_means_has_none() -> None:
    risk = estimated(given=uploaded(covariance=np.eye(5))).risk

    assert risk.mean is None
    assert risk.uncentered_root is None


def test_an_uploaded_factor_model_keeps_its_form() -> None:
    random = np.random.default_rng(3)
    exposures, specific = random.normal(size=(5, 2)), random.uniform(size=5)
    factors = np.array([[0.04, 0.02], [0.02, 0.01]])

    risk = estimated(given=uploaded(exposures=exposures, factor_covariance=factors, specific_variance=specific)).risk

    expected = (exposures @ factors @ exposures.T + np.diag(specific))[np.ix_(ORDER, ORDER)]
    assert risk.root.shape == (1, 4), "a singular factor covariance has one factor only"
    assert risk.specific_variance == pytest.approx(specific[ORDER])
    assert risk.covariance == pytest.approx(expected, rel=EXACT)
    assert risk.product(np.ones(4)) == pytest.approx(expected.sum(axis=0), rel=EXACT)


def test_equally_likely_scenarios_have_the_covariance_of_numpy_and_their_mean() -> None:
    rows = random_rows()

    risk = estimated(given=uploaded(scenarios=rows)).risk

    assert risk.covariance == pytest.approx(np.cov(rows[:, ORDER].T), rel=EXACT)
    assert risk.mean == pytest.approx(rows[:, ORDER].mean(axis=0), rel=EXACT)
    assert risk.scenarios == pytest.approx(rows[:, ORDER])
    assert risk.probabilities is None
    second = rows[:, ORDER].T @ rows[:, ORDER] / 39
    assert risk.uncentered_root.T @ risk.uncentered_root == pytest.approx(second, rel=EXACT)


def test_likely_scenarios_weigh_more() -> None:
    """A plain loop, with the divisor 1 - sum p^2."""
    rows = random_rows(6)
    likely = np.array([0.1, 0.2, 0.3, 0.0, 0.15, 0.25])

    risk = estimated(given=uploaded(scenarios=rows, probabilities=likely)).risk

    mean = sum(p * row for p, row in zip(likely, rows[:, ORDER], strict=True))
    spread = sum(p * np.outer(row - mean, row - mean) for p, row in zip(likely, rows[:, ORDER], strict=True))
    assert risk.mean == pytest.approx(mean, rel=EXACT)
    assert risk.covariance == pytest.approx(spread / (1 - sum(p * p for p in likely)), rel=EXACT)
    assert risk.probabilities == pytest.approx(likely)


def test_expected_returns_beside_scenarios_win_over_their_mean_and_leave_the_rows() -> None:
    rows = random_rows()

    both = estimated(given=uploaded(scenarios=rows, expected_returns=MEANS)).risk
    alone = estimated(given=uploaded(scenarios=rows)).risk

    assert both.mean == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert both.covariance == pytest.approx(alone.covariance)
    assert both.uncentered_root == pytest.approx(alone.uncentered_root)


def test_an_estimated_model_wins_over_the_default_one() -> None:
    risk = estimated(SampleRisk(), given=uploaded(covariance=np.eye(5))).risk

    rows = SNAPSHOT.history[1:] / SNAPSHOT.history[:-1] - 1
    assert risk.covariance == pytest.approx(np.cov(rows.T), rel=EXACT)
    assert risk.universe.ids == (*IDS, INDEX)


def test_a_forecast_covers_the_instruments_only() -> None:
    """On the instruments' own history, without the benchmark's."""
    rows = SNAPSHOT.history[1:] / SNAPSHOT.history[:-1] - 1

    for spec in (HistoricalMean(), EwmaMean(half_life=1e6)):
        forecast = estimated(SampleRisk(), spec).forecast
        assert forecast.universe.ids == IDS
        assert forecast.expected_returns == pytest.approx(rows[:, :3].mean(axis=0), rel=1e-3, abs=1e-6)


def test_a_given_forecast_is_taken_as_it_is() -> None:
    spec = GivenForecast(expected_returns={key: 0.1 * i for i, key in enumerate(IDS)})

    assert estimated(forecast=spec).forecast.expected_returns == pytest.approx([0.0, 0.1, 0.2])


def test_a_prior_of_its_own_wins_over_the_benchmark() -> None:
    covariance = np.cov(random_rows().T)
    spec = BlackLitterman(prior_weights={IDS[0]: 0.25, IDS[1]: 0.75}, covariance="prior")

    found = estimated(forecast=spec, given=uploaded(covariance=covariance)).forecast

    expected = 2.5 * covariance[np.ix_(ORDER[:3], ORDER[:2])] @ [0.25, 0.75]
    assert found.expected_returns == pytest.approx(expected, rel=EXACT)


VIEW_ON_NOBODY = View(weights={IDS[0]: 1.0, "NO/BODY": -1.0}, expected_return=0.1)
RISKLESS = View(weights={IDS[0]: 1.0}, expected_return=0.1)


@pytest.mark.parametrize(
    ("fields", "error", "pointer"),
    [
        ({"risk": NamedRisk(name="mine")}, InvalidRequest, "/risk_model/name"),
        ({"risk": SampleRisk(window=30)}, MissingData, "/risk_model/window"),
        ({"risk": EwmaRisk(window=500)}, MissingData, "/risk_model/window"),
        ({"forecast": HistoricalMean(window=30)}, MissingData, "/forecast/window"),
        ({"forecast": ShrunkMean(window=5)}, MissingData, "/forecast/window"),
        ({"forecast": Equilibrium()}, InvalidRequest, "/risk_model"),
        ({"forecast": BlackLitterman()}, InvalidRequest, "/risk_model"),
        ({"forecast": GivenForecast(expected_returns={IDS[0]: 0.1})}, InvalidRequest, "/forecast/expected_returns"),
        (
            {"risk": SampleRisk(), "forecast": Equilibrium(weights={"NO/BODY": 1.0})},
            UnknownAsset,
            "/forecast/weights/NO~1BODY",
        ),
        (
            {"risk": SampleRisk(), "forecast": BlackLitterman(prior_weights={"NOBODY": 1.0})},
            UnknownAsset,
            "/forecast/prior_weights/NOBODY",
        ),
        (
            {"risk": SampleRisk(), "forecast": BlackLitterman(views=(VIEW_ON_NOBODY,))},
            UnknownAsset,
            "/forecast/views/0/weights/NO~1BODY",
        ),
        (
            {"given": uploaded(covariance=np.zeros((5, 5))), "forecast": BlackLitterman(views=(RISKLESS,))},
            InvalidRequest,
            "/forecast/views/0/variance",
        ),
        ({"given": uploaded(covariance=np.eye(5)), "ids": (*IDS, "NOBODY")}, UnknownAsset, "/risk_model"),
        ({"given": uploaded(covariance=np.eye(5)), "extra": (INDEX, "S/P")}, UnknownAsset, "/benchmark/S~1P"),
    ],
)
def test_what_cannot_be_estimated_is_refused_where_it_was_asked_for(
    fields: dict[str, Any], error: type[InvalidRequest], pointer: str
) -> None:
    with pytest.raises(error) as refused:
        estimated(**fields)

    assert refused.value.faults[0].pointer == pointer


def test_a_prior_needs_weights_or_a_benchmark() -> None:
    for spec, pointer in ((Equilibrium(), "/forecast/weights"), (BlackLitterman(), "/forecast/prior_weights")):
        with pytest.raises(InvalidRequest) as refused:
            estimate(SNAPSHOT, IDS, (), Wanted(SampleRisk(), spec, None, {}))
        assert [fault.pointer for fault in refused.value.faults] == [pointer]


def test_every_instrument_that_a_model_lacks_is_named() -> None:
    with pytest.raises(UnknownAsset) as refused:
        estimated(given=uploaded(covariance=np.eye(5)), ids=("X", "Y"), extra=("Z",))

    assert [fault.pointer for fault in refused.value.faults] == ["/risk_model", "/risk_model", "/benchmark/Z"]


@pytest.mark.parametrize("rank", [1, 3, 6, 8])
def test_a_covariance_root_has_as_many_rows_as_the_rank(rank: int) -> None:
    rows = np.random.default_rng(rank).normal(size=(rank, 8))
    covariance = rows.T @ rows

    root = covariance_root(covariance)

    assert len(root) == rank
    assert np.abs(root.T @ root - covariance).max() <= 1e-12 * np.abs(covariance).max()


def test_a_covariance_negative_within_tolerance_is_taken_without_what_is_negative() -> None:
    root = covariance_root(np.diag([1.0, 0.25, -1e-9]))

    assert root.T @ root == pytest.approx(np.diag([1.0, 0.25, 0.0]), abs=1e-12)


def test_a_covariance_of_nothing_has_a_root_of_one_row_of_zeros() -> None:
    assert covariance_root(np.zeros((3, 3))).tolist() == [[0.0, 0.0, 0.0]]
