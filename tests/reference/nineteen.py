"""A small market, and what is reported and refused in it: for the tests of the nineteen points."""

from typing import Any

import numpy as np

from tests.reference.published import Body, World, minimize, model, names, refusal, run

RETURN: Body = {"kind": "expected_return"}
VARIANCE: Body = {"kind": "variance"}
COUNT, PERIODS = 4, 30
ROWS = np.random.default_rng(19).normal(5e-4, 0.012, (PERIODS, COUNT))
COVARIANCE = np.cov(ROWS.T)
MEAN = ROWS.mean(axis=0)
IDS = names(COUNT)
WORLD = World(ids=IDS, model=model(covariance=COVARIANCE, expected_returns=MEAN))
SCENARIOS = World(ids=IDS, model=model(scenarios=ROWS))
HELD = np.array([0.4, 0.3, 0.2, 0.1])
PATH = ROWS @ HELD


def figures(world: World, *measures: Body, **fields: Any) -> dict[str, float]:
    """What is reported of a portfolio with the weights HELD."""
    exact = [{"kind": "hold_exactly", "weights": dict(zip(IDS, HELD.tolist(), strict=True))}]
    strategy = minimize((1.0, {"kind": "concentration"}), constraints=exact, report=list(measures), **fields)
    result = run(strategy, world)
    assert result.status == "optimal", result.sentence
    return dict(result.measures.optimal)


def codes(strategy: Body, world: World = WORLD) -> set[str]:
    return {fault.code for fault in refusal(strategy, world)}
