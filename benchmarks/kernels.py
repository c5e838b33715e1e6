"""Single solves beside the bare solver, plain formulations and peers: ratios of medians in one run, on one core.

Run by `make bench`. Every solve has holdings of its own, and the number of solves is checked. Times of our own
include what the service relies on: assembling, verification in numpy and a proven gap. Peers check their input,
and skfolio estimates moments, inside their calls.
"""

import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from typing import Any, TypeVar

import numpy as np
from rich.console import Console

from assetmix.domain.arrays import Matrix
from assetmix.optimization.measures.cvar import ConditionalValueAtRisk
from assetmix.optimization.measures.max_drawdown import MaxDrawdown
from assetmix.optimization.measures.tracking_error import TrackingError
from assetmix.optimization.measures.variance import Variance
from assetmix.optimization.memory import Memory
from assetmix.optimization.methods import convex
from assetmix.optimization.orders import plan
from assetmix.optimization.problem import Problem
from assetmix.optimization.resolve import resolve
from assetmix.optimization.size import gap_reference
from assetmix.optimization.solution import Solution
from assetmix.optimization.solve import solve
from assetmix.optimization.solvers import PIQP
from assetmix.optimization.statement import Statement
from assetmix.optimization.tail import cvar
from benchmarks import cases
from benchmarks.accounts import Market
from benchmarks.bare import living_solve, set_up_and_solve
from benchmarks.records import Record, keep, show

T = TypeVar("T")
SOLVES = 60
FEW = 5
BLOCK = 15
CLOSE = 1e-8
"""Relative distance of our objective from a peer's."""


def main() -> int:
    console = Console(width=120)
    warnings.simplefilter("ignore")
    records: list[Record] = []
    for part in (known_strategy, least_variance, least_cvar, least_drawdown, few_names, whole_shares):
        with console.status(f"measuring: {part.__name__.replace('_', ' ')}"):
            records += part()
    peers = ", ".join(f"{name} {version(name)}" for name in ("cvxpy-base", "piqp", "PyPortfolioOpt", "skfolio"))
    show(console, f"single solves, medians, one core; {peers}", records)
    keep("kernels", records)
    return 0


def timed(work: Callable[..., T], *arguments: Any) -> tuple[float, T]:  # noqa: ANN401 - whatever the work takes
    """Seconds of one call, and what it gives."""
    started = time.perf_counter()
    given = work(*arguments)
    return time.perf_counter() - started, given


def until(seconds: float) -> Callable[[], float]:
    """Seconds that are left, counted from now."""
    deadline = time.perf_counter() + seconds
    return lambda: deadline - time.perf_counter()


def solved(problem: Problem, memory: Memory, seconds: float = 60.0) -> Solution:
    """The solution of a problem that has one."""
    found = solve(problem, memory, until(seconds))
    assert isinstance(found, Solution), found
    return found


def ours(problems: Iterator[Problem], memory: Memory) -> tuple[list[float], list[Solution]]:
    """Seconds and answers of problems that are solved one after the other; the first two are for warming up."""
    seconds, answers = [], []
    for problem in problems:
        took, found = timed(solved, problem, memory)
        seconds.append(took)
        answers.append(found)
    return seconds[2:], answers[2:]


def known_strategy() -> list[Record]:
    """Tracking error of 100 names within limits: new holdings, nothing else."""
    market, memory = Market(), Memory(16)
    problems = [resolve(market.question(number), memory) for number in range(SOLVES)]
    statement, living, data = Statement(problems[0]), living_solve(), []
    for problem in problems:
        statement.decision.set(problem)
        data.append(statement.living.problem.get_problem_data(PIQP.name)[0])
    mine, fresh, alive, anew = [], [], [], []
    for start in range(0, SOLVES, BLOCK):  # one way after the other, so that each finds the processor's caches warm
        block = slice(start, start + BLOCK)
        mine += [timed(_re_solved, statement, problem)[0] for problem in problems[block]]
        fresh += [timed(set_up_and_solve, one)[0] for one in data[block]]
        alive += [timed(living, one)[0] for one in data[block]]
        anew += [_written_anew(market, problem, statement) for problem in problems[block][:3]]
    own = statistics.median(mine[2:])
    return [
        Record("re-solve, 100 names, of the bare solver set up and run", own / statistics.median(fresh), "x", 1.15),
        Record("... of the bare solver alive, updated and run", own / statistics.median(alive), "x"),
        Record("... written anew in cvxpy takes", statistics.median(anew) / own, "x", 15.0, "at least"),
        Record("re-solve, 100 names", 1000 * own, "ms"),
    ]


def _re_solved(statement: Statement, problem: Problem) -> None:
    """New holdings, a new answer with its duals and what they prove."""
    statement.decision.set(problem)
    statement.attempt(PIQP)


def _written_anew(market: Market, problem: Problem, statement: Statement) -> float:
    """Seconds of the same problem as a user of cvxpy writes it; both reach the same value."""
    took, reached = timed(cases.written_anew, market, problem)
    statement.decision.set(problem)
    mine = statement.attempt(PIQP)
    if mine.verdict == "solved":
        value = float(problem.objective.terms[0].measure.value(problem, mine.weights))
        assert abs(value - reached) <= CLOSE * gap_reference(problem, value), (value, reached)
    return took


def least_variance() -> list[Record]:
    """Fully invested, long only, 100 names: the covariance of a factor model."""
    market, memory = Market(), Memory(16)
    problem = cases.of_measure(market, Variance(), 0, memory)
    covariance = np.asarray(problem.required_risk().covariance)
    first, _ = timed(solved, problem, memory)
    peers = _variance_peers(covariance)
    seconds, answers, others = [], [], {name: [] for name in peers}
    for start in range(0, SOLVES, BLOCK // 3):  # by turns, so that all find the machine at the same speed
        numbers = range(start, start + BLOCK // 3)
        took, found = ours((cases.of_measure(market, Variance(), i, memory) for i in numbers), memory)
        seconds, answers = seconds + took, answers + found
        for name, peer in peers.items():
            others[name].append(timed(peer)[0])
    assert len(answers) == SOLVES - 2 * SOLVES // (BLOCK // 3)
    own, value = statistics.median(seconds), float(answers[0].objective_value or 0.0)
    records = [
        Record(
            f"least variance, 100 names: {name} takes", statistics.median(others[name]) / own, "x", reach, "at least"
        )
        for name, reach in (("PyPortfolioOpt", 10.0), ("skfolio", 25.0))
    ]
    records += [_apart(name, peer, value, covariance) for name, peer in peers.items()]
    finer = abs(value / cases.pypfopt_finely(covariance) - 1.0)
    records.append(Record("... distance to PyPortfolioOpt's at a finer tolerance", finer, "", CLOSE))
    return [*records, Record("... ours", 1000 * own, "ms"), Record("... ours, covariance new", 1000 * first, "ms")]


def _apart(name: str, peer: Callable[[], Any], ours_is: float, covariance: Matrix) -> Record:
    weights = np.asarray(peer())
    apart = float(weights @ covariance @ weights) / float(weights.sum()) ** 2 / ours_is - 1.0
    assert apart > -CLOSE, f"{name} is better by {-apart}"
    return Record(f"... {name} is worse, relatively, by", apart, "")


def _variance_peers(covariance: Matrix) -> dict[str, Callable[[], Any]]:
    return {
        "PyPortfolioOpt": lambda: cases.pypfopt_variance(covariance),
        "skfolio": lambda: cases.skfolio_variance(covariance),
    }


def least_cvar() -> list[Record]:
    """The mean of the worst 5 % of real and of synthetic scenarios."""
    records = []
    for name, scenarios, reach in (
        ("8,312 x 20", cases.real_returns(), 8.0),
        ("2,520 x 100", cases.drawn_returns(2520, 100), 5.0),
    ):
        memory = Memory(16)
        asked = partial(cases.of_scenarios, scenarios, ConditionalValueAtRisk(), memory)
        first, _ = timed(solved, asked(0), memory)
        seconds, answers = ours((asked(number) for number in range(FEW + 2)), memory)
        assert len(answers) == FEW
        gap = max(one.proven_gap or 0.0 for one in answers)
        peers = {one.__name__: _cvar_peer(one, scenarios) for one in (cases.pypfopt_cvar, cases.skfolio_cvar)}
        fastest = min(peers.values(), key=lambda one: one[0])
        own = statistics.median(seconds)
        best = min(value for _, value in peers.values())
        assert float(answers[0].objective_value or 0.0) <= best * (1.0 + CLOSE)
        records += [
            Record(f"least CVaR, {name}: the faster peer takes", fastest[0] / own, "x", reach, "at least"),
            Record("... proven gap, worst", gap, "", 1e-6),
            Record("... ours", 1000 * own, "ms"),
            Record("... ours, scenarios new", 1000 * first, "ms"),
        ]
    return records


def _cvar_peer(peer: Callable[[Matrix], Any], scenarios: Matrix) -> tuple[float, float]:
    took, found = zip(*(timed(peer, scenarios) for _ in range(3)), strict=True)
    return statistics.median(took), float(cvar(-(scenarios @ (found[0] / found[0].sum())), 0.95, None))


def least_drawdown() -> list[Record]:
    """The largest fall of ten years of daily returns."""
    scenarios, memory = cases.drawn_returns(2520, 100), Memory(16)
    asked = partial(cases.of_scenarios, scenarios, MaxDrawdown(), memory)
    seconds, answers = ours((asked(number) for number in range(FEW + 2)), memory)
    took, plain = timed(convex.run, asked(0), Memory(16), until(600.0))
    value = float(answers[0].objective_value or 0.0)
    assert isinstance(plain, Solution)
    assert abs(value - float(plain.objective_value or 0.0)) <= CLOSE * value
    own = statistics.median(seconds)
    return [
        Record("least maximum drawdown, 2,520 x 100: the plain program takes", took / own, "x", 100.0, "at least"),
        Record("... proven gap, worst", max(one.proven_gap or 0.0 for one in answers), "", 1e-6),
        Record("... ours", 1000 * own, "ms"),
    ]


def few_names() -> list[Record]:
    """At most 20 of 100 names, tracking error, several markets."""
    seconds, gaps = [], []
    for seed in range(FEW):
        memory = Memory(16)
        problem = cases.of_few_names(Market(seed=seed), 20, memory)
        took, found = timed(solved, problem, memory, 0.4)
        seconds.append(took)
        value = float(found.objective_value or 0.0)
        gaps.append((found.proven_gap or 0.0) * gap_reference(problem, value) / value)
    return [
        Record("20 of 100 names, tracking error squared: seconds, worst", max(seconds), "s", 0.5),
        Record("... proven gap of the value itself, median", 100 * statistics.median(gaps), "%", 2.0),
        Record("... proven gap of the value itself, worst", 100 * max(gaps), "%", 2.0),
    ]


def whole_shares() -> list[Record]:
    """100 names in an account of 100,000: orders in whole shares beside rounding down."""
    market, memory = Market(step=None), Memory(16)
    seconds, ratios = [], []
    for number in range(SOLVES):
        problem = cases.of_index(market, number, 1e5, memory)
        found = solved(problem, memory)
        took, made = timed(plan, problem, found)
        seconds.append(took)
        down = np.floor(found.weights * problem.value / problem.prices + 1e-9)
        te = TrackingError()
        after, floor = (
            float(te.value(problem, units * problem.prices / problem.value)) for units in (made.quantities, down)
        )
        ratios.append(floor / after)
    return [
        Record("whole shares, 100 names, 100,000: orders", 1000 * statistics.median(seconds[2:]), "ms", 20.0),
        Record("... tracking error of rounding down", statistics.median(ratios), "x", 5.0, "at least"),
    ]


if __name__ == "__main__":
    sys.exit(main())
