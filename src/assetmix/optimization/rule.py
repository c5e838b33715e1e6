"""A Rule stands in place of an objective: weights by a closed form or an iteration of their own."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from assetmix.domain.arrays import Vector
from assetmix.errors import Fault
from assetmix.optimization.measure import Measure, Needs
from assetmix.optimization.register import Register

if TYPE_CHECKING:
    from assetmix.optimization.problem import Problem
    from assetmix.optimization.strategy import Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(ABC):
    """How weights follow from the data, long only, summing to 1 minus cash.

    A rule that maximizes a measure has `terms` and is solved like any objective, constraints
    included. The others compute `shares` of the money to invest; constraints that these do not
    keep are refused, never clipped.
    """

    needs: ClassVar[frozenset[Needs]] = frozenset()
    tables: ClassVar[frozenset[str]] = frozenset()
    sense: ClassVar[Literal["minimize", "maximize"]] = "minimize"
    rule: str

    @property
    def sign(self) -> float:
        """Factor that turns the objective into one to minimize."""
        return 1.0 if self.sense == "minimize" else -1.0

    @property
    def terms(self) -> "tuple[Term, ...]":
        """Terms of the objective that the rule stands for; none where it computes shares."""
        return ()

    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the rule whatever it is applied to; pointers relative to it."""
        return ()

    def measures(self) -> tuple[tuple[str, Measure], ...]:
        """Measures that the rule names, each with its pointer relative to it."""
        return ()

    @abstractmethod
    def shares(self, problem: "Problem", members: Vector) -> Vector:
        """Shares (n,) of the money to invest, summing to 1, 0 outside the members.

        Parameters
        ----------
        members : (n,) 1.0 where the rule may invest
        """


rule: Register[Rule] = Register("rule")
