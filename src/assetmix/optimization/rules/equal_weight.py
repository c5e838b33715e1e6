"""The same weight for every instrument."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.problem import Problem
from assetmix.optimization.rule import Rule, rule


@rule("equal_weight")
@dataclass(frozen=True, slots=True, kw_only=True)
class EqualWeight(Rule):
    """Every instrument of the universe has the same weight.

    Source: DeMiguel, Garlappi and Uppal, Optimal versus naive diversification, Review of
    Financial Studies 22 (2009).
    """

    rule: Literal["equal_weight"] = "equal_weight"

    def shares(self, problem: Problem, members: Vector) -> Vector:  # noqa: ARG002 - counting suffices
        """One over the number of members."""
        return np.asarray(members / members.sum())
