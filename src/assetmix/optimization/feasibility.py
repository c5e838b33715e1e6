"""Whether any portfolio keeps every hard limit, whatever the objective."""

from dataclasses import dataclass
from typing import Literal

from assetmix.optimization.conflict import explain
from assetmix.optimization.memory import Memory
from assetmix.optimization.methods import Remaining
from assetmix.optimization.resolve import Question, resolve
from assetmix.optimization.solution import ConflictingLimit, Relaxation


@dataclass(frozen=True, slots=True, kw_only=True)
class Feasibility:
    """Whether the limits can hold together; where not, which fight and by how much each would give."""

    status: Literal["feasible", "infeasible"]
    sentence: str
    conflict: tuple[ConflictingLimit, ...] = ()
    joint: tuple[Relaxation, ...] = ()


def feasibility(question: Question, memory: Memory, remaining: Remaining) -> Feasibility:
    """Find out whether the limits of a strategy leave any portfolio.

    Raises
    ------
    InvalidRequest
        when the question is not well posed
    """
    found = explain(resolve(question, memory), memory, remaining)
    if found is None:
        return Feasibility(status="feasible", sentence="The limits can be kept together.")
    return Feasibility(status="infeasible", sentence=found.sentence, conflict=found.conflict, joint=found.joint)
