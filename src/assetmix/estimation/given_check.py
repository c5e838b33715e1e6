"""What is wrong with a risk model as it is uploaded; all faults at once.

Nothing is repaired, with one exception: a matrix that is symmetric within `SYMMETRIC` is used as
the average of itself and its transpose, and what is negative in it within `SEMIDEFINITE` counts
as zero (`roots`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assetmix.domain.arrays import Matrix, Vector
from assetmix.domain.given_model import GivenModel
from assetmix.errors import Fault
from assetmix.estimation.roots import symmetrized

MOST_INSTRUMENTS = 5000
MOST_DAYS = 36_500
MOST_ENTRIES = 20
"""Entries of one array that are named one by one."""

LEAST_SCENARIOS = 2
SYMMETRIC = 1e-8
"""Difference of two opposite entries that passes, relative to the largest entry."""

SEMIDEFINITE = 1e-8
"""Size of a negative eigenvalue that passes, relative to the largest eigenvalue."""

SUM = 1e-9
"""Difference of the sum of the probabilities from 1 that passes."""

_FORMS: Mapping[str, tuple[str, ...]] = {
    "covariance": ("covariance",),
    "factors": ("exposures", "factor_covariance", "specific_variance"),
    "scenarios": ("scenarios",),
}


def model_faults(model: GivenModel) -> list[Fault]:
    """Find everything that is wrong with an uploaded model.

    Returns
    -------
    faults with pointers into the upload's body; none where the model can be used as it is
    """
    return [
        *_instruments(model),
        *_horizon(model),
        *_form(model),
        *(fault for name, check in _CHECKS.items() if getattr(model, name) is not None for fault in check(model)),
    ]


def _instruments(model: GivenModel) -> Iterator[Fault]:
    ids = model.universe.ids
    if not ids:
        yield Fault("/instruments", "missing", "name at least one instrument")
    if len(ids) > MOST_INSTRUMENTS:
        yield Fault("/instruments", "limit-exceeded", f"at most {MOST_INSTRUMENTS} instruments, not {len(ids)}")
    seen: set[str] = set()
    for i, key in enumerate(ids):
        if key in seen:
            yield Fault(f"/instruments/{i}", "duplicate", f"{key} is named twice; name each instrument once")
        seen.add(key)


def _horizon(model: GivenModel) -> Iterator[Fault]:
    days = model.horizon_days
    if days is not None and not 0 < days <= MOST_DAYS:
        yield Fault("/horizon_days", "out-of-range", f"horizon_days is above 0 and at most {MOST_DAYS}")


def _form(model: GivenModel) -> Iterator[Fault]:
    given = [form for form, names in _FORMS.items() if any(getattr(model, name) is not None for name in names)]
    if not given:
        detail = "give a covariance; or exposures, factor_covariance and specific_variance; or scenarios"
        yield Fault("/covariance", "missing", detail)
    for form in given[1:]:
        name = next(name for name in _FORMS[form] if getattr(model, name) is not None)
        yield Fault(f"/{name}", "conflict", f"{name} stands beside {given[0]}; keep one form of the risk only")
    for name in _FORMS["factors"] if "factors" in given else ():
        if getattr(model, name) is None:
            yield Fault(f"/{name}", "missing", f"a factor model needs {', '.join(_FORMS['factors'])}")
    if model.probabilities is not None and model.scenarios is None:
        yield Fault("/probabilities", "missing", "probabilities are those of scenarios; give the scenarios too")


def _covariance(model: GivenModel) -> Iterator[Fault]:
    count = len(model.universe)
    return _semidefinite("covariance", model.covariance, count, "a row and a column for each instrument")


def _factor_covariance(model: GivenModel) -> Iterator[Fault]:
    matrix = np.asarray(model.factor_covariance)
    factors = _factors(model.exposures)
    count = (matrix.shape[0] if matrix.ndim else 0) if factors is None else factors
    return _semidefinite("factor_covariance", matrix, count, "a row and a column for each column of exposures")


def _factors(exposures: Matrix | None) -> int | None:
    return exposures.shape[1] if exposures is not None and exposures.ndim == 2 else None  # noqa: PLR2004 - a matrix


def _semidefinite(name: str, matrix: Any, count: int, meaning: str) -> Iterator[Fault]:  # noqa: ANN401 - any shape
    array = np.asarray(matrix)
    faults = [*_shape(name, array, (count, count), meaning)] or [*_finite(name, array)] or [*_symmetric(name, array)]
    yield from faults or _positive(name, array)


def _exposures(model: GivenModel) -> Iterator[Fault]:
    array = np.asarray(model.exposures)
    wanted = (len(model.universe), max(array.shape[1], 1) if array.ndim > 1 else 1)
    meaning = "a row for each instrument and a column for each factor"
    yield from [*_shape("exposures", array, wanted, meaning)] or _finite("exposures", array)


def _scenarios(model: GivenModel) -> Iterator[Fault]:
    array = np.asarray(model.scenarios)
    wanted = (max(array.shape[0], LEAST_SCENARIOS) if array.ndim else LEAST_SCENARIOS, len(model.universe))
    meaning = "a row for each of two or more scenarios and a column for each instrument"
    yield from [*_shape("scenarios", array, wanted, meaning)] or _finite("scenarios", array)


def _expected_returns(model: GivenModel) -> Iterator[Fault]:
    return _vector("expected_returns", model.expected_returns, len(model.universe), "instrument")


def _specific_variance(model: GivenModel) -> Iterator[Fault]:
    array = np.asarray(model.specific_variance)
    yield from _vector("specific_variance", array, len(model.universe), "instrument")
    yield from _negative("specific_variance", array)


def _probabilities(model: GivenModel) -> Iterator[Fault]:
    array = np.asarray(model.probabilities)
    count = array.size if model.scenarios is None else len(np.atleast_1d(model.scenarios))
    faults = [*_vector("probabilities", array, count, "scenario"), *_negative("probabilities", array)]
    yield from faults
    if not faults and abs(array.sum() - 1.0) > SUM:
        detail = f"probabilities sum to {array.sum():.12g}, not to 1 within {SUM:g}; divide them by their sum"
        yield Fault("/probabilities", "out-of-range", detail)
    if not faults and array.max(initial=0.0) > 1.0 - SUM:
        yield Fault("/probabilities", "out-of-range", "one scenario is certain; give at least two a probability")


def _vector(name: str, values: Any, count: int, meaning: str) -> Iterator[Fault]:  # noqa: ANN401 - any shape
    array = np.asarray(values)
    yield from [*_shape(name, array, (count,), f"a figure for each {meaning}")] or _finite(name, array)


def _shape(name: str, array: NDArray[Any], wanted: tuple[int, ...], meaning: str) -> Iterator[Fault]:
    if array.shape != wanted:
        has, needs = (" x ".join(map(str, shape)) or "a single figure" for shape in (array.shape, wanted))
        yield Fault(f"/{name}", "wrong-shape", f"{name} is {has}, not {needs}: {meaning}")


def _finite(name: str, array: NDArray[Any]) -> Iterator[Fault]:
    detail = "a figure is missing or not finite; fill it, or leave the instrument out"
    return _entries(name, ~np.isfinite(array), lambda _: Fault("", "not-finite", detail))


def _negative(name: str, array: Vector) -> Iterator[Fault]:
    def fault(place: Sequence[int]) -> Fault:
        return Fault("", "out-of-range", f"{array[tuple(place)]:.6g} is negative; {name} is at least 0")

    return _entries(name, array < 0, fault)


def _symmetric(name: str, matrix: Matrix) -> Iterator[Fault]:
    largest = np.abs(matrix).max(initial=0.0)
    differs = np.abs(matrix / 2.0 - matrix.T / 2.0) > SYMMETRIC * (largest / 2.0)

    def fault(place: Sequence[int]) -> Fault:
        i, j = place
        detail = (
            f"row {i}, column {j} is {matrix[i, j]:.12g} but row {j}, column {i} is {matrix[j, i]:.12g}; "
            "a covariance is the same both ways"
        )
        return Fault("", "not-symmetric", detail)

    return _entries(name, np.triu(differs), fault)


def _entries(name: str, wrong: NDArray[np.bool_], fault: Callable[[Sequence[int]], Fault]) -> Iterator[Fault]:
    for place in np.argwhere(wrong)[:MOST_ENTRIES].tolist():
        found = fault(place)
        yield Fault(f"/{name}/{'/'.join(map(str, place))}", found.code, found.detail)


def _positive(name: str, matrix: Matrix) -> Iterator[Fault]:
    largest = np.abs(matrix).max(initial=0.0)
    whole = symmetrized(matrix / largest) if largest > 0 else matrix
    if largest == 0 or _surely_positive(whole):
        return
    values = np.linalg.eigvalsh(whole)
    if values[0] < -SEMIDEFINITE * max(float(values[-1]), 0.0):
        detail = (
            f"the smallest eigenvalue is {values[0] * largest:.6g}, the largest {values[-1] * largest:.6g}: some "
            "portfolio would have a negative variance. Estimate all entries from the same complete returns, or "
            "replace negative eigenvalues by 0 and multiply the matrix out again"
        )
        yield Fault(f"/{name}", "not-semidefinite", detail)


def _surely_positive(matrix: Matrix) -> bool:
    """Whether a triangular factor proves it: much quicker than eigenvalues; the largest one is no variance's less."""
    shift = SEMIDEFINITE * max(float(np.diagonal(matrix).max()), 0.0)
    try:
        np.linalg.cholesky(matrix + shift * np.eye(len(matrix)))
    except np.linalg.LinAlgError:
        return False
    return True


_CHECKS: Mapping[str, Callable[[GivenModel], Iterator[Fault]]] = {
    "expected_returns": _expected_returns,
    "covariance": _covariance,
    "exposures": _exposures,
    "factor_covariance": _factor_covariance,
    "specific_variance": _specific_variance,
    "scenarios": _scenarios,
    "probabilities": _probabilities,
}
