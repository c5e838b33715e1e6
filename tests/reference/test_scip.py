"""The optional second opinion; run by `make scip`, which installs it."""

import pytest

from assetmix.optimization.constraints.max_holdings import MaxHoldings
from assetmix.optimization.methods import integer
from assetmix.optimization.strategy import Trading
from tests.makers import make_question, make_snapshot, make_strategy, solve

pytest.importorskip("pyscipopt")


def test_scip_finds_what_a_search_cut_short_has_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outer approximation, given all its rounds, proves the optimum; with one round it does not reach it."""
    strategy = make_strategy(constraints=(MaxHoldings(count=3),), trading=Trading(lots=False))
    question = make_question(strategy, make_snapshot(count=8, periods=300), gap=1e-7)
    proven = solve(question)
    monkeypatch.setattr(integer, "ROUNDS", 1)
    monkeypatch.setattr(integer, "ROOT_ROUNDS", 1)

    helped = solve(question)
    monkeypatch.setattr(integer, "scip", lambda _: None)
    alone = solve(question)

    assert proven.status == "optimal"
    assert helped.objective_value == pytest.approx(proven.objective_value, rel=1e-6)
    assert helped.status == "feasible"
    assert helped.objective_value < alone.objective_value
