"""The whole core in one line: question in, result out."""

from collections.abc import Callable

from assetmix.optimization import constraints as _constraints
from assetmix.optimization import measures as _measures
from assetmix.optimization import overlays as _overlays
from assetmix.optimization import rules as _rules
from assetmix.optimization.memory import Memory
from assetmix.optimization.methods import Remaining
from assetmix.optimization.orders import plan
from assetmix.optimization.overlaid import overlaid
from assetmix.optimization.report import report_no_solution, report_solution
from assetmix.optimization.resolve import Question, resolve
from assetmix.optimization.result import Result
from assetmix.optimization.solution import NoSolution
from assetmix.optimization.solve import solve

Mark = Callable[[str], None]
"""Told the name of each stage when it ends; whoever owns a clock may time it."""

REGISTERED = (_constraints.__name__, _measures.__name__, _rules.__name__, _overlays.__name__)


def answer(question: Question, memory: Memory, remaining: Remaining, mark: Mark) -> Result:
    """Resolve, solve, verify, make orders, report: the same lines for worker and notebook.

    Raises
    ------
    InvalidRequest
        when the question is not well posed
    SolverFailed
        when no solver could answer a well-posed question
    """
    problem = resolve(question, memory)
    mark("build")
    outcome = solve(problem, memory, remaining)
    mark("solve")
    currency = question.portfolio.base_currency
    if isinstance(outcome, NoSolution):
        return report_no_solution(problem, outcome, currency)
    problem, outcome = overlaid(problem, outcome)
    result = report_solution(problem, outcome, plan(problem, outcome), currency)
    mark("orders")
    return result
