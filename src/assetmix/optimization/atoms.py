"""The one door to cvxpy, opened on first use.

Reading and validating a strategy never touches it, so a process that does not solve never pays
for loading it. Use as `from assetmix.optimization import atoms as cp`.
"""

import importlib
from typing import Any, TypeAlias

from assetmix.domain.arrays import Vector

Expression: TypeAlias = Any
"""A cvxpy expression, parameter or number; untyped, so that naming it does not load cvxpy."""


def give(parameter: Expression, value: Vector) -> None:
    """Set a parameter's value without cvxpy's validation, which takes longer than a small solve does."""
    parameter.save_value(value)


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module stands behind it
    if name.startswith("__"):  # the import system asks for these; cvxpy need not be loaded to say no
        raise AttributeError(name)
    return getattr(importlib.import_module("cvxpy"), name)
