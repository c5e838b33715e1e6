"""The registers as callers read them: measures, constraints, rules, overlays, risk models, forecasts and statuses."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import cache
from typing import Any

from assetmix.codec.reference import FORECASTS, JSON, RISK_MODELS, describe
from assetmix.errors import NotFound
from assetmix.optimization.constraint import Constraint, constraint
from assetmix.optimization.measure import Measure, Role, measure
from assetmix.optimization.overlay import overlay
from assetmix.optimization.rule import Rule, rule
from assetmix.persistence.optimizations import ACTIVE

RESULT_STATUSES: Mapping[str, str] = {
    "optimal": "The best portfolio there is; no other can be better by more than the tolerance.",
    "feasible": "A portfolio that keeps every limit; `proven_gap` says by how much a better one might beat it.",
    "infeasible": "No portfolio keeps all limits; `conflict` names those that fight, `joint` the least relaxation.",
    "unbounded": "Nothing holds the objective back: it can be improved without end. A bound is missing.",
    "timed_out": "The time allowed was over before any portfolio was found.",
}
"""What the status of a result means."""

RUN_STATUSES: Mapping[str, str] = {
    "queued": "The run waits for a worker.",
    "running": "A worker has the run.",
    "succeeded": "The run has ended with a portfolio; the status of `result` is `optimal` or `feasible`.",
    "infeasible": "The run has ended and the limits cannot hold together; `result` explains why.",
    "failed": "The run has ended without an answer; `error` says why, and `result` where there is one.",
    "cancelled": "The run was cancelled before it had ended.",
    "superseded": "A later run of the same portfolio took this one's place before it had begun.",
}
"""What the status of a run means."""


def entries(register: str) -> tuple[JSON, ...]:
    """Give the entries of a register, in an order that never changes while the service runs.

    Raises
    ------
    NotFound
        when there is no such register
    """
    if register not in REGISTERS:
        raise NotFound(f"no such register; there are {', '.join(REGISTERS)}")
    return _made(register)


@cache
def _made(register: str) -> tuple[JSON, ...]:
    return tuple(REGISTERS[register]())


def _measures() -> Iterable[JSON]:
    for kind, cls in measure.kinds.items():
        yield describe(kind, cls) | {
            "roles": [role.value for role in Role if role in cls.roles],
            "ratio": cls.fraction is not Measure.fraction,
            "degree_one_risk": _of_default(cls, "is_degree_one_risk"),
            "needs": _values(_of_default(cls, "needs")),
        }


def _constraints() -> Iterable[JSON]:
    for kind, cls in constraint.kinds.items():
        yield describe(kind, cls) | {
            "mixed_integer": cls.is_integer is not Constraint.is_integer,
            "prices": sorted(cls.tables),
        }


def _rules() -> Iterable[JSON]:
    for kind, cls in rule.kinds.items():
        yield describe(kind, cls) | {
            "keeps_constraints": cls.terms is not Rule.terms,
            "needs": _values(cls.needs),
            "prices": sorted(cls.tables),
        }


def _overlays() -> Iterable[JSON]:
    for kind, cls in overlay.kinds.items():
        yield describe(kind, cls) | {"status": cls.status, "scales": cls.scales, "prices": sorted(cls.tables)}


def _risk_models() -> Iterable[JSON]:
    return (describe(kind, cls) for kind, cls in RISK_MODELS.items())


def _forecasts() -> Iterable[JSON]:
    return (describe(kind, cls) for kind, cls in FORECASTS.items())


def _statuses() -> Iterable[JSON]:
    for kind, summary in RUN_STATUSES.items():
        yield {"kind": kind, "of": "run", "summary": summary, "ended": kind not in ACTIVE}
    for kind, summary in RESULT_STATUSES.items():
        yield {"kind": kind, "of": "result", "summary": summary, "ended": True}


def _of_default(cls: type[Measure], name: str) -> Any:  # noqa: ANN401 - a class variable or a property
    """What the measure says with every field at its default; None where that depends on a required field."""
    found = getattr(cls, name)
    if not isinstance(found, property):
        return found
    fields = dataclasses.fields(cls)
    has_defaults = all(
        field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING for field in fields
    )
    return getattr(cls(), name) if has_defaults else None  # type: ignore[call-arg]  # no field is required


def _values(found: Iterable[Enum] | None) -> list[str] | None:
    return None if found is None else sorted(one.value for one in found)


REGISTERS: Mapping[str, Callable[[], Iterable[JSON]]] = {
    "measures": _measures,
    "constraints": _constraints,
    "rules": _rules,
    "overlays": _overlays,
    "risk-models": _risk_models,
    "forecasts": _forecasts,
    "statuses": _statuses,
}
"""Registers by the name that they have in paths."""
