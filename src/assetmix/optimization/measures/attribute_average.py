"""Weighted average of an attribute."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.optimization.linear import Linear, Ratio
from assetmix.optimization.measure import LINEAR, Fraction, measure


@measure("attribute_average")
@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeAverage(Ratio):
    """Weighted average of an attribute over what is held, without cash: duration, yield, a score.

    A ratio: as an objective it stands alone; bounds of it are linear.
    """

    roles = LINEAR
    kind: Literal["attribute_average"] = "attribute_average"
    attribute: str

    def fraction(self) -> Fraction:
        """Attribute times weights over the sum of weights."""
        top = Linear(coefficients=lambda problem: problem.attribute(self.attribute))
        return Fraction(top, Linear(coefficients=lambda problem: np.ones(len(problem.universe))))
