"""Array types, and arrays that nobody can write to."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector: TypeAlias = NDArray[np.float64]
"""One number an instrument; the axis is the universe unless said otherwise."""

Matrix: TypeAlias = NDArray[np.float64]
"""Two axes; the docstring that uses it says which."""


Positions: TypeAlias = NDArray[np.intp]
"""Positions of some instruments in a universe."""


def readonly(values: ArrayLike) -> NDArray[np.float64]:
    """Copy `values` to a float array that refuses to be written to."""
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array
