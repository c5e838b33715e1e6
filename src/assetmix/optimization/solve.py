"""Problem -> Solution or NoSolution: pick the method, run it."""

from assetmix.errors import SolverFailed
from assetmix.optimization.memory import Memory
from assetmix.optimization.methods import METHODS, Remaining
from assetmix.optimization.problem import Problem
from assetmix.optimization.solution import NoSolution, Solution


def solve(problem: Problem, memory: Memory, remaining: Remaining) -> Solution | NoSolution:
    """Solve a problem, verified; every way to fail but a solver's own is an outcome.

    Parameters
    ----------
    problem : what to solve
    memory : where living problems are kept between solves
    remaining : seconds left

    Raises
    ------
    SolverFailed
        when a well-posed question could not be answered
    """
    for method in METHODS:
        if method.accepts(problem):
            return method.run(problem, memory, remaining)
    raise SolverFailed("No method takes this kind of problem.")
