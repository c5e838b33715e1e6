"""The bare solver: PIQP alone on an assembled problem."""

from collections.abc import Callable
from typing import Any

import piqp

from assetmix.optimization.solvers import PIQP

Data = dict[str, Any]


def set_up(data: Data) -> Any:  # noqa: ANN401 - a solver's own object
    """A solver object that knows the problem."""
    solver = piqp.SparseSolver()
    for name, value in PIQP.options.items():
        setattr(solver.settings, name, value)
    solver.setup(P=data["P"], A=data["A"], G=data["F"], **_vectors(data))
    return solver


def set_up_and_solve(data: Data) -> Any:  # noqa: ANN401 - a solver's own object
    """Set up and run."""
    solver = set_up(data)
    solver.solve()
    return solver


def living_solve() -> Callable[[Data], None]:
    """A solver object that is set up with the first problem, and updated with the vectors of the others."""
    alive: list[Any] = []

    def run(data: Data) -> None:
        if alive:
            alive[0].update(**_vectors(data))
        else:
            alive.append(set_up(data))
        alive[0].solve()

    return run


def _vectors(data: Data) -> Data:
    return {
        "c": data["q"],
        "b": data["b"],
        "h_u": data["G"],
        "x_l": data["lower_bounds"],
        "x_u": data["upper_bounds"],
    }
