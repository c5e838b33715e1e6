"""What every entity has: ids of one letter and a ULID, versions, and who may see it."""

import re
from typing import Annotated, Any, TypeAlias, TypedDict

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from assetmix.codec.documents import Codec

LETTERS = "[0-9A-HJKMNP-TV-Z]{26}"

UserId: TypeAlias = Annotated[str, Field(pattern=rf"^U(?:{LETTERS}|X{{26}})$")]
PolicyId: TypeAlias = Annotated[str, Field(pattern=rf"^Y{LETTERS}$")]
OptimizationId: TypeAlias = Annotated[str, Field(pattern=rf"^O{LETTERS}$")]
GoalId: TypeAlias = Annotated[str, Field(pattern=rf"^L{LETTERS}$")]
HorizonId: TypeAlias = Annotated[str, Field(pattern=rf"^H{LETTERS}$")]
RiskProfileId: TypeAlias = Annotated[str, Field(pattern=rf"^K{LETTERS}$")]
ExternalId: TypeAlias = Annotated[str, Field(min_length=1, max_length=128)]
Name: TypeAlias = Annotated[str, Field(max_length=128)]
Currency: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]

ANYTHING: Codec[Any] = Codec(Any)


_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")


def _number(value: object) -> object:
    """Read a number that is written as text."""
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


Moment: TypeAlias = AwareDatetime
Number: TypeAlias = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
"""Numbers of transactions and events may be written as text."""


class Strict(BaseModel):
    """Unknown fields are refused, numbers are numbers, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Shared(Strict):
    """Who may see and change an entity; kept and given back, nothing more."""

    external_id: ExternalId | None = None
    readable_by: list[UserId] = Field(default_factory=list)
    modifiable_by: list[UserId] = Field(default_factory=list)


class Metadata(TypedDict):
    """What every entity says of itself."""

    id: str
    external_id: str | None
    creation_datetime: str
    version: int
    version_datetime: str
    version_authored_by_user_id: str
    deleted: bool
