"""A search for the best choice of what is held and traded: the best answer so far, and the bound that is proven."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np

from assetmix.domain.arrays import Vector
from assetmix.optimization.balance import balanced_attempt
from assetmix.optimization.conflict import explain
from assetmix.optimization.master import Guess, Master
from assetmix.optimization.memory import Memory
from assetmix.optimization.methods import convex
from assetmix.optimization.methods.branching import Tree
from assetmix.optimization.methods.choices import exchanged, rounded
from assetmix.optimization.problem import Problem
from assetmix.optimization.solution import NoSolution, Solution
from assetmix.optimization.solvers import scip
from assetmix.optimization.statement import Attempt, Statement
from assetmix.optimization.tolerances import GAP, HELD, RESIDUAL, SNAP
from assetmix.optimization.verify import max_residual, objective_value, outcome_of, penalties

ROUNDS = 500
ROOT_ROUNDS = 40
PART = 0.5
"""Part of the time left that one relaxation may take: what it found by then is worth polishing."""
EXCHANGING = 0.2
"""Part of the time that exchanges of single instruments may take."""
SHARE = 0.25
"""Part of the gap asked for that each relaxation may leave open."""


class Search:
    """The best answer so far, and the bound that is proven."""

    def __init__(self, problem: Problem, relaxed: Attempt, tree: Tree | None, memory: Memory) -> None:
        self._problem = problem
        self._relaxed = relaxed
        self._tree = tree
        self._memory = memory
        key = ("fixed", problem.structure)
        self._fixed = memory.recall(key, lambda: Statement(problem, integers="fixed"))
        bound = relaxed.bound
        if bound is None:  # the relaxation's own duals prove as much as its slopes do, where they prove anything
            bound = convex.lower_bound(problem, relaxed.weights, relaxed, memory)
        self._bound = -np.inf if bound is None else bound
        self._value = np.inf
        self._best: Attempt | None = None
        self._seen: set[bytes] = set()
        self._looked_at: set[bytes] = set()
        self._impossible = False
        self._offered = False
        self._bound_is_sure = all(np.isfinite(end).all() for end in problem.box) and not _has_dust(problem)

    def run(self, remaining: Callable[[], float]) -> Solution | NoSolution:
        """Round the relaxation; where that is not near enough to its bound, propose, polish, cut until it is."""
        self._fixed.begin(self._problem, remaining)
        self._offer_new(rounded(self._problem, self._relaxed, self._fixed.decision.indicators))
        if self._tree is not None and self._best is None:
            self._offer_new({name: _whole(one) for name, one in self._relaxed.indicators.items()})
        self._exchange(remaining)
        self._branch(remaining)
        if not self._impossible and self._gap() > self._problem.gap:
            self._outer_approximation(remaining)
        if self._impossible:
            return explain(self._problem, self._memory, remaining) or self._no_answer()
        self._ask_scip(remaining)
        return self._ended()

    def _branch(self, remaining: Callable[[], float]) -> None:
        """Divide the relaxation by perspectives until the best answer is proven, or the time is over."""
        tree = self._tree
        while tree is not None and tree.is_open and remaining() > 0 and self._gap() > self._problem.gap:
            for attempt in tree.grow(self._value):
                self._offer_new(rounded(self._problem, attempt, self._fixed.decision.indicators))
                self._offer_new({name: _whole(one) for name, one in attempt.indicators.items()})
            self._bound = max(self._bound, min(tree.bound, self._value))
            self._impossible = np.isinf(tree.bound) and self._best is None

    def _outer_approximation(self, remaining: Callable[[], float]) -> None:
        """Propose, polish, cut until the gap is small enough, or the time is over."""
        if remaining() > 0 and self._master.is_curved:
            self._tighten(remaining)
        for _ in range(ROUNDS):
            if remaining() <= 0 or not self._round(remaining):
                break

    def _round(self, remaining: Callable[[], float]) -> bool:
        """One proposal, polished; whether another is worth while."""
        guess = self._master.solve(remaining() * PART, self._problem.gap * SHARE)
        self._learn(guess)
        if guess.weights is None:
            self._impossible = guess.verdict == "infeasible" and self._best is None
            return False
        is_new = self._polish(guess)
        self._master.cut(guess.weights)
        return is_new and self._gap() > self._problem.gap

    def _ask_scip(self, remaining: Callable[[], float]) -> None:
        """Where the gap is still open, time is left and SCIP is installed, polish what it finds.

        Its answers are candidates like any other and its bounds are not believed: its absolute
        tolerances make it call answers optimal that are not.
        """
        solver = scip(max(1.0, remaining() * PART))
        if solver is None or self._gap() <= self._problem.gap or remaining() <= 1.0:
            return
        whole = Statement(self._problem, integers="free")
        attempt = balanced_attempt(whole, self._problem, solver)
        if attempt.indicators and all(np.isfinite(one).all() for one in attempt.indicators.values()):
            self._polish(Guess("solved", -np.inf, attempt.weights, attempt.indicators))

    @cached_property
    def _master(self) -> Master:
        """The mixed-integer relaxation, shared by accounts of one structure; a search that ends before needs none."""
        master = self._memory.recall(("master", self._problem.structure), lambda: Master(self._problem))
        master.begin(self._problem)
        master.cut(self._relaxed.weights, self._relaxed.indicators)
        if self._best is not None:
            master.cut(self._best.weights)
        return master

    def _offer(self, indicators: Mapping[str, Vector]) -> None:
        """Take a choice as a first answer, if its weights keep every limit."""
        sure = self._bound_is_sure
        attempt = self._fixed_attempt(Guess("solved", -np.inf, self._relaxed.weights, indicators))
        self._bound_is_sure = sure  # nothing is excluded for the sake of an offer
        if attempt is not None:
            self._keep(attempt)
            self._offered = True

    def _offer_new(self, indicators: Mapping[str, Vector]) -> None:
        """Take a choice that was not looked at before."""
        name = _named(indicators)
        if name not in self._looked_at:
            self._looked_at.add(name)
            self._offer(indicators)

    def _exchange(self, remaining: Callable[[], float]) -> None:
        """Let one instrument take the place of another while that is better, until the gap is small enough."""
        until = remaining() * (1.0 - EXCHANGING)
        while self._best is not None and self._gap() > self._problem.gap:
            before = self._value
            for indicators in exchanged(self._problem, self._best):
                if remaining() <= until:
                    return
                self._offer(indicators)
                if self._value < before:
                    break
            if self._value >= before:
                return

    def _tighten(self, remaining: Callable[[], float]) -> None:
        """Cut the root until its bound rises no more: cuts are cheap before any branching."""
        before = -np.inf
        for _ in range(ROOT_ROUNDS):
            guess = self._master.solve(remaining() * PART, 0.0, root=True)
            if guess.weights is None or remaining() <= 0:
                return
            self._master.cut(guess.weights)
            if guess.bound - before <= self._problem.gap * SHARE * abs(guess.bound):
                return
            before = guess.bound

    def _polish(self, guess: Guess) -> bool:
        """Solve with the indicators fixed; whether they were not fixed so before."""
        name = _named(guess.indicators)
        if name in self._seen:
            return False
        self._seen.add(name)
        if self._best is not None and _named(self._best.indicators) == name:
            self._offered = False  # it is excluded now, like any choice that was polished
        attempt = self._fixed_attempt(guess)
        if attempt is not None:
            self._master.cut(attempt.weights)
            self._keep(attempt)
        self._master.exclude(guess.indicators)
        return True

    def _learn(self, guess: Guess) -> None:
        """A relaxation without the choices that were polished bounds the rest; the best answer bounds those."""
        if self._offered and convex.relative_gap(self._problem, self._value, guess.bound) is None:
            self._bound_is_sure = False  # the best answer is among what is bounded, and lies below the bound
        least = np.inf if guess.verdict == "infeasible" and self._best is not None else guess.bound
        self._bound = max(self._bound, min(least, self._value))

    def _fixed_attempt(self, guess: Guess) -> Attempt | None:
        self._fixed.decision.fix(guess.indicators)
        for solver in self._fixed.order:
            attempt = balanced_attempt(self._fixed, self._problem, solver, guess.weights)
            if attempt.verdict == "infeasible":
                return None
            if attempt.verdict == "solved":
                kept = replace(attempt, weights=snapped(self._problem, attempt.weights))
                if max_residual(self._problem, outcome_of(self._problem, kept.weights)) <= RESIDUAL:
                    return kept
        self._bound_is_sure = False  # a choice that no solver answers is neither bounded nor out of the way
        return None

    def _keep(self, attempt: Attempt) -> None:
        problem = self._problem
        value = problem.objective.sign * float(objective_value(problem, attempt.weights))
        value += penalties(problem, outcome_of(problem, attempt.weights))
        if value < self._value:
            self._value, self._best, self._offered = value, attempt, False

    def _gap(self) -> float:
        if self._best is None or not np.isfinite(self._bound):
            return np.inf
        gap = convex.relative_gap(self._problem, self._value, self._bound)
        return np.inf if gap is None else gap

    def _ended(self) -> Solution | NoSolution:
        if self._best is None:
            return self._no_answer()
        gap = self._gap()
        known = np.isfinite(gap) and self._bound_is_sure
        solution = convex.describe(self._problem, self._best, gap if known else None)
        if solution is None:
            return self._no_answer()
        return replace(solution, status="optimal") if known and gap <= GAP else solution

    def _no_answer(self) -> NoSolution:
        sentence = "No portfolio that keeps the integer limits was found in the time allowed; allow more seconds."
        return NoSolution("timed_out", sentence)


def _has_dust(problem: Problem) -> bool:
    """Whether something is held that is too little to count: left alone it breaks no limit, but programs count it."""
    sizes = np.abs(problem.current_weights)
    return bool(((sizes > 0) & (sizes <= HELD)).any())


def _whole(indicator: Vector) -> Vector:
    return np.asarray(np.round(np.clip(indicator, 0.0, 1.0)), dtype=np.float64)


def _named(indicators: Mapping[str, Vector]) -> bytes:
    """A choice as a key, whatever the order of its indicators."""
    return b"".join(np.round(indicators[name]).astype(np.int64).tobytes() for name in sorted(indicators))


def snapped(problem: Problem, weights: Vector) -> Vector:
    """Weights that differ from 0 or from the present by solver noise only, put exactly there."""
    near = np.where(np.abs(weights) <= SNAP, 0.0, weights)
    current = problem.current_weights
    return np.where(np.abs(weights - current) <= SNAP, current, near)
