"""Risk models as bytes, named by the hash of their content."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np

from assetmix.codec.payload import content_digest, pack, unpack
from assetmix.domain.arrays import Matrix
from assetmix.domain.given_model import GivenModel
from assetmix.domain.universe import Universe

__all__ = ["content_digest", "figures_of", "outline", "outline_of", "read_model", "write_model"]

FIGURES = (
    "expected_returns",
    "covariance",
    "exposures",
    "factor_covariance",
    "specific_variance",
    "scenarios",
    "probabilities",
)


def write_model(model: GivenModel) -> bytes:
    """Write a risk model in canonical form: equal models give equal bytes."""
    arrays = {name: figures + 0.0 for name, figures in figures_of(model).items()}  # -0.0 is 0.0
    return pack(_facts(model), arrays)


def read_model(payload: bytes) -> GivenModel:
    """Read what `write_model` wrote."""
    return _model(*unpack(payload))


def outline(model: GivenModel) -> dict[str, Any]:
    """Everything about a model but its figures, as JSON: what it covers, its form, and the shape of each array."""
    shapes = {name: list(figures.shape) for name, figures in figures_of(model).items()}
    return _facts(model) | {"form": _form(model), "shapes": shapes}


def outline_of(document: Mapping[str, Any]) -> GivenModel:
    """Give a model of an outline: arrays of the right shapes that hold nothing but nan and take no memory."""
    shapes = document["shapes"].items()
    return _model(document, {name: np.broadcast_to(np.float64(np.nan), tuple(shape)) for name, shape in shapes})


def _model(facts: Mapping[str, Any], arrays: Mapping[str, Matrix]) -> GivenModel:
    return GivenModel(
        universe=Universe(tuple(facts["instruments"])),
        horizon_days=facts["horizon_days"],
        as_of=None if facts["as_of"] is None else dt.date.fromisoformat(facts["as_of"]),
        **arrays,
    )


def _facts(model: GivenModel) -> dict[str, Any]:
    return {
        "instruments": list(model.universe.ids),
        "horizon_days": model.horizon_days,
        "as_of": None if model.as_of is None else model.as_of.isoformat(),
    }


def figures_of(model: GivenModel) -> dict[str, Matrix]:
    """Arrays of a model by name, absent ones left out."""
    named = ((name, getattr(model, name)) for name in FIGURES)
    return {name: figures for name, figures in named if figures is not None}


def _form(model: GivenModel) -> str:
    if model.covariance is not None:
        return "covariance"
    return "factors" if model.exposures is not None else "scenarios"
