"""A living solver's direct answer, in the shape of a solved cvxpy problem, so that the same damage fits both."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cvxpy
import numpy as np
import pytest

from assetmix.optimization.programs import living
from assetmix.optimization.programs.engine import Said
from assetmix.optimization.programs.living import Living

STATUSES = {verdict: status for status, verdict in reversed(living._VERDICTS.items())}


@dataclass
class Shown:
    """A variable, or the dual of a row, that can be overwritten."""

    title: str
    value: Any
    shape: tuple[int, ...] = ()

    def name(self) -> str:
        return self.title

    def save_value(self, value: Any) -> None:
        self.value = value


@dataclass
class Priced:
    """A row with the dual that it shows."""

    dual_variables: list[Shown]


class DirectAnswer:
    """What damage touches of a cvxpy problem."""

    solver_stats = None

    def __init__(self, one: Living, said: Said) -> None:
        self._said = said
        self._problem = one.problem
        places = one._program.places
        self._where = {each.id: places.variables[each.id][0] for each in one.problem.variables()}
        self._shown = {each.id: Shown(each.name(), self._of(each), each.shape) for each in one.problem.variables()}
        self._rows = [(places.duals[row.id], row) for row in one.problem.constraints if row.id in places.duals]
        self.constraints = [
            Priced([Shown("dual", sign * said.y[where], (len(where),))]) for (where, sign), _ in self._rows
        ]
        self._status = STATUSES[said.verdict]
        self._value = said.value

    def _of(self, variable: cvxpy.Variable) -> np.ndarray:
        return np.reshape(self._said.x[self._where[variable.id]], variable.shape, order="F")

    def variables(self) -> list[Shown]:
        return list(self._shown.values())

    def parameters(self) -> list[cvxpy.Parameter]:
        return list(self._problem.parameters())

    def is_mixed_integer(self) -> bool:
        return False

    def said(self) -> Said:
        """The answer after the damage."""
        x, y = self._said.x.copy(), self._said.y.copy()
        for key, one in self._shown.items():
            if one.value is None:
                return replace(self._said, verdict="failed", x=np.zeros(0), y=np.zeros(0))
            x[self._where[key]] = np.ravel(one.value, order="F")
        for ((where, sign), _), row in zip(self._rows, self.constraints, strict=True):
            y[where] = sign * np.ravel(row.dual_variables[0].value, order="F")
        return Said(living._VERDICTS.get(self._status, "failed"), x, y, self._value)


def damage_direct_answers(monkeypatch: pytest.MonkeyPatch, damage: Callable[[Any], None], only: str | None) -> None:
    """Spoil what the living objects of all solvers, or of one, hand back."""
    real = Living._directly

    def directly(one: Living, program: Any, solver: Any, numbers: Any, seconds: float) -> Said:
        said = real(one, program, solver, numbers, seconds)
        if only not in {None, solver.name} or said.x.size == 0:
            return said
        answer = DirectAnswer(one, said)
        try:
            damage(answer)
        except Exception:  # noqa: BLE001 - as the living problem itself takes it
            return living._DIED
        return answer.said()

    monkeypatch.setattr(Living, "_directly", directly)
