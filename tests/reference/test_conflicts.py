"""Every explanation is checked by moving the limits it names: irreducible, smallest, sufficient.

Where limits are linear another formulation decides what is feasible (`tests.reference.feasibility`,
scipy's HiGHS on rows written from the declared fields); where they are curved, the core itself
under the rewritten strategy.
"""

import re
from functools import cache
from typing import Any

import pytest

from assetmix.optimization import elastic
from assetmix.optimization.constraint import constraint as register
from assetmix.optimization.constraints.group_weight import GroupWeight
from assetmix.optimization.constraints.weight_bounds import WeightBounds
from assetmix.optimization.programs.living import run
from assetmix.optimization.resolve import Question
from assetmix.optimization.result import Result
from assetmix.optimization.scope import Group, Ids
from assetmix.optimization.strategy import Trading
from tests.makers import solve
from tests.reference.clashes import CLASHES, SEVEN, ask, seven_sectors
from tests.reference.feasibility import NotLinearError, is_feasible
from tests.reference.loosening import FAR, MUCH, every_label, labels, moved, only, problem_of

BEYOND = 1.0 + 1e-3
SHORT = 0.99
NOISE = 1e-7
"""Solvers' tolerance in fractions of value: what is added to a move that has to suffice."""


@cache
def explained(name: str) -> Result:
    """The core's answer to one of the questions."""
    return solve(CLASHES[name])


def can_hold(question: Question) -> bool:
    """Whether all limits of a question can be kept."""
    try:
        return is_feasible(question)
    except NotLinearError:
        return solve(question).status in {"optimal", "feasible"}


def is_count(label: str) -> bool:
    """Whether a limit's number is one of instruments."""
    return "number of " in label


def enough(label: str, by: float) -> float:
    """A little more than a change that just suffices; counts as they are."""
    return by if is_count(label) else by * BEYOND + NOISE


def too_little(label: str, by: float) -> float:
    """A little less than a change that just suffices; one less of a count."""
    return by - 1.0 if is_count(label) else by * SHORT


@pytest.mark.parametrize("name", CLASHES)
def test_what_cannot_be_kept_is_infeasible_with_reasons(name: str) -> None:
    result = explained(name)

    assert result.status == "infeasible"
    assert result.conflict
    assert not can_hold(CLASHES[name])
    assert {one.limit for one in result.conflict} <= set(every_label(CLASHES[name]))


def test_of_many_limits_few_are_asked_about_with_binaries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two limits that clash without the least orders clash with them: the other thirteen are not tried."""
    asked: list[object] = []

    def counted(program: Any, solver: Any) -> Any:
        asked.append(program)
        return run(program, solver)

    monkeypatch.setattr(elastic, "run", counted)
    sectors = [GroupWeight(scope=Group(grouping="sectors", name=one), lower=0.05, upper=0.2) for one in SEVEN]
    narrow = WeightBounds(scope=Ids(ids=("S00", "S07")), lower=0.15)
    least = Trading(lots=False, min_order_amount=500.0)

    result = solve(ask(*sectors, narrow, snapshot=seven_sectors(), trading=least))

    assert {one.limit for one in result.conflict} == {
        "weight of banks is at most 20 %",
        "weight of each of S00, S07 is at least 15 %",
    }
    assert len(asked) <= 8


@pytest.mark.parametrize("name", CLASHES)
def test_the_named_limits_clash_by_themselves_and_not_without_any_one_of_them(name: str) -> None:
    named = [one.limit for one in explained(name).conflict]

    assert not can_hold(only(CLASHES[name], named))
    for label in named:
        rest = [other for other in named if other != label]
        assert can_hold(only(CLASHES[name], rest)), f"{label} is superfluous"


@pytest.mark.parametrize("name", CLASHES)
def test_relax_by_is_the_smallest_change_of_a_limit_that_suffices(name: str) -> None:
    question = CLASHES[name]
    for one in explained(name).conflict:
        if one.relax_by is None:
            assert not can_hold(moved(question, {one.limit: MUCH})), f"{one.limit} alone would do"
            continue
        assert can_hold(moved(question, {one.limit: enough(one.limit, one.relax_by)})), one
        assert not can_hold(moved(question, {one.limit: too_little(one.limit, one.relax_by)})), one


@pytest.mark.parametrize("name", CLASHES)
def test_the_joint_relaxation_suffices_and_costs_no_more_than_any_single_one(name: str) -> None:
    question, result = CLASHES[name], explained(name)
    units = units_of(question)

    assert can_hold(moved(question, {one.limit: enough(one.limit, one.relax_by) for one in result.joint}))
    if any(
        re.search(r" within | average | daily volume|order is 0|^volatility of ", one.limit)
        for one in (*result.joint, *result.conflict)
    ):
        return  # a ratio's change is no multiple of the slack that is minimized
    total = sum(one.relax_by / units[one.limit] for one in result.joint)
    single = [one.relax_by / units[one.limit] for one in result.conflict if one.relax_by is not None]
    assert total <= min(single, default=FAR) * BEYOND + NOISE


@pytest.mark.parametrize("name", CLASHES)
def test_the_sentences_name_every_limit_and_have_a_number(name: str) -> None:
    result = explained(name)
    words = result.sentence.lower()

    assert re.search(r"\d", result.sentence)
    for one in result.conflict:
        assert one.limit in one.sentence
        assert all(word in words for word in re.findall(r"\w+", one.limit.lower()))


def test_every_kind_of_constraint_takes_part_in_some_conflict() -> None:
    taking_part = set()
    for name, question in CLASHES.items():
        problem = problem_of(question)
        named = {one.limit for one in explained(name).conflict}
        taking_part |= {one.kind for one in problem.constraints if named & set(labels(problem, one))}

    assert set(register.kinds) <= taking_part
    assert {"long_only", "inside_universe", "not_tradable", "minimum_order"} <= taking_part


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "seven sectors with a small cap",
            (
                f"With “weight of each of {', '.join(SEVEN[:-1])} and {SEVEN[-1]} is at most 5 %”, at most 35 % of the "
                "value can be invested, which misses “fully invested: cash is exactly 0 %” by 65 %."
            ),
        ),
        (
            "floors that leave nothing for costs",
            (
                "With “weight of each of all instruments is at least 20 %”, 101 % of the value is needed, costs "
                "included, which misses “fully invested: cash is exactly 0 %” by 1 %."
            ),
        ),
        (
            "few holdings with caps",
            (
                "With “number of holdings is at most 2” and “weight of each of all instruments is at most 40 %”, "
                "at most 80 % of the value can be invested, which misses “fully invested: cash is exactly 0 %” by 20 %."
            ),
        ),
        (
            "few trades to sell much",
            (
                "These limits cannot hold together: “number of trades is at most 1” and “S00, S01 are sold”. Where the "
                "others are kept, “number of trades is at most 1” is missed by at least 2."
            ),
        ),
        (
            "kept and sold",
            (
                "These limits cannot hold together: “S00, S01 are not traded” and “S01 is sold”. Where the others are "
                "kept, “S00, S01 are not traded” is missed by at least 30 %."
            ),
        ),
        (
            "two clashes at once",
            (
                "These limits cannot hold together, whichever single one gives way: “weight of S01 is at least 25 %” "
                "and “satellite: weight of each of S01 is at most 10 %”."
            ),
        ),
    ],
)
def test_sentences_read_well(name: str, sentence: str) -> None:
    assert explained(name).sentence == sentence


def units_of(question: Question) -> dict[str, float]:
    """Unit of the slack of each limit."""
    problem = problem_of(question)
    return {label: one.scale(problem) for one in problem.constraints for label in labels(problem, one)}
