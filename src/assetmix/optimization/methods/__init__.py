"""Ways to solve a problem, each with the problems it accepts; the first that accepts is run."""

from collections.abc import Callable
from dataclasses import dataclass

from assetmix.optimization.memory import Memory
from assetmix.optimization.methods import closed_form, convex, fraction, integer, squared, tails
from assetmix.optimization.problem import Problem
from assetmix.optimization.solution import NoSolution, Solution

Remaining = Callable[[], float]
"""Seconds left; asked between solves, never read from a clock of the core's own."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to solve: whether it accepts a problem, and how it runs."""

    name: str
    accepts: Callable[[Problem], bool]
    run: Callable[[Problem, Memory, Remaining], Solution | NoSolution]


METHODS = (
    Method("closed_form", closed_form.accepts, closed_form.run),
    Method("squared", squared.accepts, squared.run),
    Method("integer", integer.accepts, integer.run),
    Method("fraction", fraction.accepts, fraction.run),
    Method("tails", tails.accepts, tails.run),
    Method("convex", convex.accepts, convex.run),
)
