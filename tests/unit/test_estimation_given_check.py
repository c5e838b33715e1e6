"""Uploaded risk models: every fault, where it is, and what passes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assetmix.domain.given_model import GivenModel
from assetmix.domain.universe import Universe
from assetmix.estimation.given_check import MOST_ENTRIES, model_faults

IDS = ("A", "B", "C")
COVARIANCE = np.array([[0.04, 0.01, 0.0], [0.01, 0.09, 0.02], [0.0, 0.02, 0.01]])
ROWS = np.array([[0.01, -0.02, 0.0], [0.03, 0.0, -0.01], [-0.02, 0.01, 0.02]])
FACTORS: dict[str, Any] = {
    "exposures": np.array([[1.0, 0.0], [0.5, 1.0], [0.0, 2.0]]),
    "factor_covariance": np.array([[0.04, 0.01], [0.01, 0.02]]),
    "specific_variance": np.array([0.01, 0.0, 0.02]),
}


def model(**fields: Any) -> GivenModel:
    return GivenModel(universe=Universe(IDS), **fields)


def changed(matrix: np.ndarray, i: int, j: int, value: float) -> np.ndarray:
    copy = matrix.copy()
    copy[i, j] = value
    return copy


@pytest.mark.parametrize(
    ("given", "pointer", "code"),
    [
        (replace(model(covariance=np.zeros((0, 0))), universe=Universe(())), "/instruments", "missing"),
        (replace(model(covariance=COVARIANCE), universe=Universe(("A", "B", "A"))), "/instruments/2", "duplicate"),
        (model(covariance=COVARIANCE, horizon_days=0.0), "/horizon_days", "out-of-range"),
        (model(covariance=COVARIANCE, horizon_days=np.nan), "/horizon_days", "out-of-range"),
        (model(), "/covariance", "missing"),
        (model(covariance=COVARIANCE, scenarios=ROWS), "/scenarios", "conflict"),
        (model(covariance=COVARIANCE, **FACTORS), "/exposures", "conflict"),
        (model(**(FACTORS | {"specific_variance": None})), "/specific_variance", "missing"),
        (model(covariance=COVARIANCE, probabilities=np.array([0.5, 0.5])), "/probabilities", "missing"),
        (model(covariance=COVARIANCE, expected_returns=np.zeros(2)), "/expected_returns", "wrong-shape"),
        (
            model(covariance=COVARIANCE, expected_returns=np.array([0, np.inf, 0])),
            "/expected_returns/1",
            "not-finite",
        ),
        (model(covariance=COVARIANCE[:2]), "/covariance", "wrong-shape"),
        (model(covariance=COVARIANCE[0]), "/covariance", "wrong-shape"),
        (model(covariance=changed(COVARIANCE, 1, 2, np.nan)), "/covariance/1/2", "not-finite"),
        (model(covariance=changed(COVARIANCE, 2, 1, 0.021)), "/covariance/1/2", "not-symmetric"),
        (model(covariance=changed(COVARIANCE, 2, 2, 0.001)), "/covariance", "not-semidefinite"),
        (model(covariance=-COVARIANCE), "/covariance", "not-semidefinite"),
        (model(covariance=1e200 * changed(COVARIANCE, 2, 2, 0.001)), "/covariance", "not-semidefinite"),
        (model(**(FACTORS | {"exposures": FACTORS["exposures"][:2]})), "/exposures", "wrong-shape"),
        (model(**(FACTORS | {"exposures": np.zeros((3, 0))})), "/exposures", "wrong-shape"),
        (
            model(**(FACTORS | {"exposures": changed(FACTORS["exposures"], 2, 1, -np.inf)})),
            "/exposures/2/1",
            "not-finite",
        ),
        (model(**(FACTORS | {"factor_covariance": np.eye(3)})), "/factor_covariance", "wrong-shape"),
        (
            model(**(FACTORS | {"factor_covariance": np.array([[1.0, 2.0], [2.0, 1.0]])})),
            "/factor_covariance",
            "not-semidefinite",
        ),
        (
            model(**(FACTORS | {"factor_covariance": np.array([[1.0, 0.5], [0.4, 1.0]])})),
            "/factor_covariance/0/1",
            "not-symmetric",
        ),
        (model(**(FACTORS | {"specific_variance": np.zeros(2)})), "/specific_variance", "wrong-shape"),
        (
            model(**(FACTORS | {"specific_variance": np.array([0.0, -1e-9, 0.0])})),
            "/specific_variance/1",
            "out-of-range",
        ),
        (model(scenarios=ROWS[:1]), "/scenarios", "wrong-shape"),
        (model(scenarios=ROWS[:, :2]), "/scenarios", "wrong-shape"),
        (model(scenarios=changed(ROWS, 2, 0, np.nan)), "/scenarios/2/0", "not-finite"),
        (model(scenarios=ROWS, probabilities=np.array([0.5, 0.5])), "/probabilities", "wrong-shape"),
        (model(scenarios=ROWS, probabilities=np.array([0.5, 0.5, 1e-8])), "/probabilities", "out-of-range"),
        (model(scenarios=ROWS, probabilities=np.array([0.6, 0.6, -0.2])), "/probabilities/2", "out-of-range"),
        (model(scenarios=ROWS, probabilities=np.array([0.0, 1.0, 0.0])), "/probabilities", "out-of-range"),
    ],
)
def test_a_fault_is_found_where_it_is(given: GivenModel, pointer: str, code: str) -> None:
    faults = model_faults(given)

    assert [(fault.pointer, fault.code) for fault in faults if fault.pointer == pointer] == [(pointer, code)]


@pytest.mark.parametrize(
    "given",
    [
        model(covariance=COVARIANCE, expected_returns=np.array([0.01, -0.02, 3.0]), horizon_days=30.0),
        model(covariance=np.zeros((3, 3))),
        model(covariance=np.ones((3, 3))),
        model(covariance=changed(COVARIANCE, 0, 1, 0.01 + 0.5e-8 * 0.09)),
        model(covariance=np.diag([1.0, 0.5, -0.5e-8])),
        model(covariance=1e-30 * COVARIANCE),
        model(covariance=1e300 * COVARIANCE),
        model(**FACTORS),
        model(scenarios=ROWS),
        model(scenarios=ROWS, probabilities=np.array([0.2, 0.8 + 0.5e-9, 0.0]), expected_returns=np.zeros(3)),
    ],
)
def test_what_is_right_within_tolerance_passes(given: GivenModel) -> None:
    assert model_faults(given) == []


@pytest.mark.parametrize("negative", [-2e-8, -1e-3])
def test_a_negative_eigenvalue_beyond_tolerance_is_told_with_its_size(negative: float) -> None:
    """Eigenvalues 1, 0.5 and the negative one, in axes that are not the instruments'."""
    axes = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    matrix = (axes * [1.0, 0.5, negative]) @ axes.T

    (fault,) = model_faults(model(covariance=(matrix + matrix.T) / 2))

    assert f"smallest eigenvalue is {negative:g}" in fault.detail


def test_an_asymmetry_is_told_with_both_values() -> None:
    (fault,) = model_faults(model(covariance=changed(COVARIANCE, 2, 1, 0.021)))

    assert "row 1, column 2 is 0.02 but row 2, column 1 is 0.021" in fault.detail


def test_every_fault_is_told_at_once() -> None:
    given = GivenModel(
        universe=Universe(("A", "A", "C")),
        horizon_days=-1.0,
        covariance=COVARIANCE[:2],
        expected_returns=np.array([0.0, np.nan, np.nan]),
        scenarios=ROWS,
        probabilities=np.array([0.2, 0.2, 0.2]),
    )

    pointers = {fault.pointer for fault in model_faults(given)}

    assert pointers == {
        "/instruments/1",
        "/horizon_days",
        "/covariance",
        "/expected_returns/1",
        "/expected_returns/2",
        "/scenarios",
        "/probabilities",
    }


def test_entries_of_one_array_are_named_up_to_a_number() -> None:
    count = 100
    given = GivenModel(
        universe=Universe(tuple(f"A{i}" for i in range(count))), covariance=np.full((count, count), np.nan)
    )

    assert len(model_faults(given)) == MOST_ENTRIES


def test_too_many_instruments_are_refused_before_anything_is_multiplied_out() -> None:
    given = GivenModel(universe=Universe(tuple(f"A{i}" for i in range(5001))), scenarios=np.zeros((2, 5001)))

    assert [fault.code for fault in model_faults(given)] == ["limit-exceeded"]
