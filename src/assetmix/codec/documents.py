"""One strict codec for each kind of document that is sent or stored."""

import dataclasses
import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar, Union, get_args

from pydantic import ConfigDict, Discriminator, Field, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic import Tag as PydanticTag
from pydantic_core import CoreSchema

from assetmix.backtest.spec import BacktestSpec, Charges, Dividend, Schedule
from assetmix.codec.faults import faults_of
from assetmix.domain.instrument import Instrument
from assetmix.domain.order import Order, Skipped
from assetmix.domain.portfolio import Portfolio
from assetmix.errors import InvalidRequest
from assetmix.estimation.specs import ForecastSpec, RiskSpec, View
from assetmix.optimization import constraints as _constraints
from assetmix.optimization import measures as _measures
from assetmix.optimization import overlays as _overlays
from assetmix.optimization import rules as _rules
from assetmix.optimization.constraint import Constraint, constraint
from assetmix.optimization.feasibility import Feasibility
from assetmix.optimization.frontier import Frontier, FrontierSpec
from assetmix.optimization.measure import Measure, measure
from assetmix.optimization.memory import Memory
from assetmix.optimization.overlay import Overlay, overlay
from assetmix.optimization.result import Result
from assetmix.optimization.rule import Rule, rule
from assetmix.optimization.scope import Group, Ids, Tag
from assetmix.optimization.strategy import (
    Impact,
    Objective,
    Strategy,
    Term,
    Thresholds,
    Trading,
    UniverseById,
    UniverseByTag,
    UniverseOfAll,
)

T = TypeVar("T")

STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
REGISTERED = (_constraints.__name__, _measures.__name__, _rules.__name__, _overlays.__name__)


class Codec(Generic[T]):
    """Reads and writes documents of one type."""

    def __init__(self, kind: Any) -> None:  # noqa: ANN401 - any type that pydantic knows
        self._kind = kind

    @cached_property
    def adapter(self) -> TypeAdapter[T]:
        """The adapter, built on first use."""
        return TypeAdapter(self._kind)

    def read(self, text: bytes | str) -> T:
        """Read JSON text strictly.

        Raises
        ------
        InvalidRequest
            with every fault and its JSON pointer
        """
        try:
            return self.adapter.validate_json(text)
        except ValidationError as error:
            faults = faults_of(error, text)
            raise InvalidRequest("the document does not fit its schema", faults) from None

    def read_value(self, value: object) -> T:
        """Read a value that was JSON before, such as a stored document."""
        return self.adapter.validate_json(_ANY.dump_json(value))

    def read_given(self, value: object) -> T:
        """Read a value that somebody has sent and that was JSON before.

        Raises
        ------
        InvalidRequest
            with every fault and its JSON pointer
        """
        return self.read(_ANY.dump_json(value))

    def write(self, value: T) -> Any:  # noqa: ANN401 - JSON
        """Write as a JSON value; absent fields are left out."""
        return self.adapter.dump_python(value, mode="json", exclude_none=True)

    def text(self, value: T) -> bytes:
        """Write as JSON text, absent fields as null."""
        return self.adapter.dump_json(value)


_ANY: TypeAdapter[Any] = TypeAdapter(Any)

_STRATEGIES = Memory(256)
"""Strategies by the digests of what they were read from."""


def known_strategy(key: str, document: object) -> Strategy:
    """Give the strategy of a stored document; read once as long as it is in use. `key` names the content."""
    return _STRATEGIES.recall(key, lambda: STRATEGY.read_value(document))


def digest(value: object) -> str:
    """SHA-256 of a JSON value in canonical form (sorted keys, no spaces), in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def canonical(value: object) -> bytes:
    """JSON text of a value that is the same for equal values."""
    return bytes(_ANY.dump_json(_sorted(value)))


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_sorted(item) for item in value]
    return value


def _union_for(base: type[Any], kinds: tuple[type[Any], ...], field: str = "kind") -> None:
    def schema(cls: type[Any], source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        if cls is base:
            return handler.generate_schema(Annotated[Union[kinds], Field(discriminator=field)])  # noqa: UP007 - made at run time
        return handler(source)

    base.__get_pydantic_core_schema__ = classmethod(schema)


def _choose(cls: type[Any], field: str, members: tuple[Any, ...], tag: Callable[[Any], str]) -> None:
    """Have a field's union chosen by a look at the value, so that only the chosen member complains."""
    tagged = tuple(Annotated[one, PydanticTag(name)] for one, name in members)
    chosen: Any = Annotated[Union[tagged], Discriminator(tag)]  # noqa: UP007 - made at run time
    declared = cls.__dataclass_fields__[field]
    declared.type = chosen | None if declared.default is None else chosen


def _objective_tag(value: Any) -> str:  # noqa: ANN401 - JSON, or the objective itself
    is_rule = "rule" in value if isinstance(value, dict) else isinstance(value, Rule)
    return "#rule" if is_rule else "#objective"


def _spec_tag(value: Any) -> str:  # noqa: ANN401 - JSON, or the spec itself
    kind = value.get("kind", "name") if isinstance(value, dict) else getattr(value, "kind", "name")
    return f"#{kind}"


def _by_kind(specs: tuple[type[Any], ...]) -> tuple[tuple[Any, str], ...]:
    return tuple((one, f"#{getattr(one.__dataclass_fields__.get('kind'), 'default', 'name')}") for one in specs)


def _make_strict(kinds: tuple[type[Any], ...]) -> None:
    for kind in kinds:
        if dataclasses.is_dataclass(kind):
            kind.__pydantic_config__ = STRICT  # type: ignore[attr-defined]


_RECORDS = (
    Instrument,
    Portfolio,
    Order,
    Skipped,
    Strategy,
    Objective,
    Term,
    Trading,
    Impact,
    UniverseById,
    UniverseByTag,
    UniverseOfAll,
    Thresholds,
)
_SPECS = (
    FrontierSpec,
    BacktestSpec,
    Schedule,
    Charges,
    Dividend,
    *get_args(RiskSpec),
    *get_args(ForecastSpec),
    View,
    Ids,
    Tag,
    Group,
)
_KINDS = (*measure.kinds.values(), *constraint.kinds.values(), *rule.kinds.values(), *overlay.kinds.values())
_make_strict((*_RECORDS, *_SPECS, *_KINDS))
_union_for(Measure, tuple(measure.kinds.values()))
_union_for(Constraint, tuple(constraint.kinds.values()))
_union_for(Rule, tuple(rule.kinds.values()), "rule")
_union_for(Overlay, tuple(overlay.kinds.values()))
_choose(Strategy, "objective", ((Objective, "#objective"), (Rule, "#rule")), _objective_tag)
_choose(Strategy, "risk_model", _by_kind(get_args(RiskSpec)), _spec_tag)
_choose(Strategy, "forecast", _by_kind(get_args(ForecastSpec)), _spec_tag)

INSTRUMENT: Codec[Instrument] = Codec(Instrument)
PORTFOLIO: Codec[Portfolio] = Codec(Portfolio)
STRATEGY: Codec[Strategy] = Codec(Strategy)
RESULT: Codec[Result] = Codec(Result)
FRONTIER: Codec[Frontier] = Codec(Frontier)
FRONTIER_SPEC: Codec[FrontierSpec] = Codec(FrontierSpec)
FEASIBILITY: Codec[Feasibility] = Codec(Feasibility)
BACKTEST_SPEC: Codec[BacktestSpec] = Codec(BacktestSpec)
