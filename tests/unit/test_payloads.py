"""Snapshots and risk models as bytes: what goes in comes out, equal things have equal names."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from assetmix.codec.payload import pack, unpack
from assetmix.codec.risk_models import content_digest, figures_of, outline, outline_of, read_model, write_model
from assetmix.codec.snapshots import read_snapshot, write_snapshot
from assetmix.domain.given_model import GivenModel
from assetmix.domain.snapshot import RateSeries
from assetmix.domain.universe import Universe
from tests.makers import make_snapshot

TWO = Universe(("A", "Ä/$"))
COVARIANCE = GivenModel(
    universe=TWO,
    horizon_days=30.0,
    as_of=dt.date(2017, 8, 11),
    expected_returns=np.array([0.01, -0.02]),
    covariance=np.array([[0.04, 0.0], [0.0, 0.01]]),
)
FACTORS = GivenModel(
    universe=TWO,
    exposures=np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
    factor_covariance=np.eye(3),
    specific_variance=np.array([0.1, 0.2]),
)
SCENARIOS = GivenModel(universe=TWO, scenarios=np.arange(8.0).reshape(4, 2), probabilities=np.full(4, 0.25))


@pytest.mark.parametrize("model", [COVARIANCE, FACTORS, SCENARIOS], ids=["covariance", "factors", "scenarios"])
def test_risk_models_survive_their_bytes(model: GivenModel) -> None:
    again = read_model(write_model(model))

    assert (again.universe, again.horizon_days, again.as_of) == (model.universe, model.horizon_days, model.as_of)
    assert list(figures_of(again)) == list(figures_of(model))
    for name, figures in figures_of(model).items():
        np.testing.assert_array_equal(getattr(again, name), figures)
        assert not getattr(again, name).flags.writeable
    assert write_model(again) == write_model(model)


def test_equal_risk_models_have_equal_names_however_their_arrays_lie_in_memory() -> None:
    other = replace(COVARIANCE, covariance=np.asfortranarray([[0.04, -0.0], [0.0, 0.01]]))

    assert content_digest(write_model(other)) == content_digest(write_model(COVARIANCE))


@pytest.mark.parametrize(
    "change",
    [
        {"horizon_days": 31.0},
        {"as_of": None},
        {"universe": Universe(("Ä/$", "A"))},
        {"expected_returns": None},
        {"covariance": np.array([[0.04, 1e-17], [1e-17, 0.01]])},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_part_of_a_risk_model_is_part_of_its_name(change: dict[str, object]) -> None:
    assert content_digest(write_model(replace(COVARIANCE, **change))) != content_digest(write_model(COVARIANCE))


@pytest.mark.parametrize(
    ("model", "form"), [(COVARIANCE, "covariance"), (FACTORS, "factors"), (SCENARIOS, "scenarios")]
)
def test_an_outline_has_the_shapes_and_none_of_the_figures(model: GivenModel, form: str) -> None:
    document = outline(model)
    drawn = outline_of(document)

    assert document["form"] == form
    assert (drawn.universe, drawn.horizon_days, drawn.as_of) == (model.universe, model.horizon_days, model.as_of)
    shapes = {name: figures.shape for name, figures in figures_of(model).items()}
    assert {name: figures.shape for name, figures in figures_of(drawn).items()} == shapes
    assert all(np.isnan(figures).all() for figures in figures_of(drawn).values())


def test_snapshots_carry_further_tables_and_exchange_rates() -> None:
    plain = make_snapshot(count=2, periods=3)
    rates = (RateSeries("EUR", "USD", plain.dates[:2], np.array([1.1, 1.2])),)
    volume = np.where(plain.history > 900, np.nan, 1000.0)
    full = replace(plain, extras={"volume": volume, "high": plain.history}, rates=rates)

    again = read_snapshot(write_snapshot(full))

    assert set(again.extras) == {"high", "volume"}
    np.testing.assert_array_equal(again.extras["volume"], volume)
    np.testing.assert_array_equal(again.extras["high"], plain.history)
    (rate,) = again.rates
    assert (rate.currency, rate.quote) == ("EUR", "USD")
    np.testing.assert_array_equal(rate.dates, plain.dates[:2])
    np.testing.assert_array_equal(rate.values, [1.1, 1.2])
    assert write_snapshot(again) == write_snapshot(full) != write_snapshot(plain)


def test_empty_arrays_keep_their_shape() -> None:
    facts, arrays = unpack(pack({"a": [1, None]}, {"x": np.zeros((0, 3)), "days": np.arange(2)}))

    assert facts == {"a": [1, None]}
    assert arrays["x"].shape == (0, 3)
    assert arrays["days"].dtype == np.int64
