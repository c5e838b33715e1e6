"""Ranges of what a strategy may ask of risk models and forecasts."""

import math
import subprocess
import sys
from dataclasses import replace
from typing import get_args

import pytest

from assetmix.estimation.spec_check import spec_faults
from assetmix.estimation.specs import (
    BlackLitterman,
    Equilibrium,
    EwmaMean,
    EwmaRisk,
    FactorRisk,
    ForecastSpec,
    GivenForecast,
    HistoricalMean,
    LedoitWolfRisk,
    NamedRisk,
    RiskSpec,
    SampleRisk,
    ShrunkMean,
    View,
)

VIEW = View(weights={"A": 1.0, "B": -1.0}, expected_return=0.02, variance=0.0004)


@pytest.mark.parametrize(
    ("spec", "pointer"),
    [
        (NamedRisk(name=""), "/name"),
        (SampleRisk(window=1), "/window"),
        (SampleRisk(window=100_001), "/window"),
        (LedoitWolfRisk(horizon_days=0.0), "/horizon_days"),
        (ShrunkMean(horizon_days=36_501.0), "/horizon_days"),
        (EwmaRisk(half_life=0.0), "/half_life"),
        (EwmaMean(half_life=-5.0), "/half_life"),
        (EwmaMean(half_life=math.nan), "/half_life"),
        (FactorRisk(factors=0), "/factors"),
        (Equilibrium(risk_aversion=0.0), "/risk_aversion"),
        (Equilibrium(weights={"A/B": math.inf}), "/weights/A~1B"),
        (BlackLitterman(tau=0.0), "/tau"),
        (BlackLitterman(risk_aversion=-1.0), "/risk_aversion"),
        (BlackLitterman(prior_weights={"A": 1e7}), "/prior_weights/A"),
        (BlackLitterman(views=(VIEW,) * 1001), "/views"),
        (BlackLitterman(views=(VIEW, replace(VIEW, weights={}))), "/views/1/weights"),
        (BlackLitterman(views=(replace(VIEW, weights={"A": 0.0}),)), "/views/0/weights"),
        (BlackLitterman(views=(replace(VIEW, weights={"A": -2e6}),)), "/views/0/weights/A"),
        (BlackLitterman(views=(replace(VIEW, variance=0.0),)), "/views/0/variance"),
        (BlackLitterman(views=(replace(VIEW, expected_return=math.inf),)), "/views/0/expected_return"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_out_of_range_is_pointed_at(spec: RiskSpec | ForecastSpec, pointer: str) -> None:
    assert [fault.pointer for fault in spec_faults(spec)] == [pointer]


@pytest.mark.parametrize(
    "spec",
    [
        NamedRisk(name="ibm-30d"),
        SampleRisk(window=2, horizon_days=36_500.0),
        EwmaRisk(half_life=0.1),
        FactorRisk(factors=1),
        HistoricalMean(),
        BlackLitterman(prior_weights={"A": -1.0}, views=(VIEW, replace(VIEW, variance=None))),
        GivenForecast(expected_returns={"A": -0.5}),
    ],
)
def test_what_is_in_range_has_no_faults(spec: RiskSpec | ForecastSpec) -> None:
    assert spec_faults(spec) == ()


def test_every_fault_is_told_at_once() -> None:
    spec = BlackLitterman(tau=-1.0, risk_aversion=0.0, views=(replace(VIEW, weights={}, variance=-1.0),))

    assert len(spec_faults(spec)) == 4


@pytest.mark.parametrize("spec", [*get_args(RiskSpec), *get_args(ForecastSpec)])
def test_every_spec_speaks_to_callers(spec: type) -> None:
    assert len((spec.__doc__ or "").split()) > 5
    assert not (spec.__doc__ or "").startswith(spec.__name__ + "(")


def test_declaring_checking_and_wiring_load_no_library_of_statistics() -> None:
    code = (
        "import sys, assetmix.estimation.estimate, assetmix.estimation.spec_check, assetmix.estimation.given_check; "
        "heavy = ('sklearn', 'skfolio', 'pandas', 'scipy', 'cvxpy'); "
        "print([name for name in heavy if name in sys.modules])"
    )

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout.strip() == "[]"
