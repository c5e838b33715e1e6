"""One strict codec for each kind of document that is sent or stored."""

import dataclasses
import hashlib
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar, Union

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema

from assetmix.codec.faults import faults_of
from assetmix.domain.instrument import Instrument
from assetmix.domain.order import Order, Skipped
from assetmix.domain.portfolio import Portfolio
from assetmix.errors import InvalidRequest
from assetmix.estimation.specs import GivenForecast, HistoricalMean, SampleRisk
from assetmix.optimization import constraints as _constraints
from assetmix.optimization import measures as _measures
from assetmix.optimization.constraint import Constraint, constraint
from assetmix.optimization.measure import Measure, measure
from assetmix.optimization.result import Result
from assetmix.optimization.scope import Group, Ids, Tag
from assetmix.optimization.strategy import Objective, Strategy, Term, Trading, UniverseById, UniverseByTag

T = TypeVar("T")

STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
REGISTERED = (_constraints.__name__, _measures.__name__)


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

    def write(self, value: T) -> Any:  # noqa: ANN401 - JSON
        """Write as a JSON value; absent fields are left out."""
        return self.adapter.dump_python(value, mode="json", exclude_none=True)

    def text(self, value: T) -> bytes:
        """Write as JSON text, absent fields as null."""
        return self.adapter.dump_json(value)


_ANY: TypeAdapter[Any] = TypeAdapter(Any)


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


def _union_for(base: type[Any], kinds: tuple[type[Any], ...]) -> None:
    def schema(cls: type[Any], source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        if cls is base:
            return handler.generate_schema(Annotated[Union[kinds], Field(discriminator="kind")])  # noqa: UP007
        return handler(source)

    base.__get_pydantic_core_schema__ = classmethod(schema)


def _make_strict(kinds: tuple[type[Any], ...]) -> None:
    for kind in kinds:
        if dataclasses.is_dataclass(kind):
            kind.__pydantic_config__ = STRICT  # type: ignore[attr-defined]


_RECORDS = (Instrument, Portfolio, Order, Skipped, Strategy, Objective, Term, Trading, UniverseById, UniverseByTag)
_SPECS = (SampleRisk, HistoricalMean, GivenForecast, Ids, Tag, Group)
_make_strict((*_RECORDS, *_SPECS, *measure.kinds.values(), *constraint.kinds.values()))
_union_for(Measure, tuple(measure.kinds.values()))
_union_for(Constraint, tuple(constraint.kinds.values()))

INSTRUMENT: Codec[Instrument] = Codec(Instrument)
PORTFOLIO: Codec[Portfolio] = Codec(Portfolio)
STRATEGY: Codec[Strategy] = Codec(Strategy)
RESULT: Codec[Result] = Codec(Result)
