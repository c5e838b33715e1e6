"""Logging in, and what owners choose."""

from typing import Annotated, Literal, TypedDict

from pydantic import Field

from assetmix.api.dialects.investsuite.schemas.common import Strict
from assetmix.codec.documents import Codec


class LoginBody(Strict):
    """A key, in its public and its secret part."""

    access_key_id: Annotated[str, Field(max_length=200)]
    secret_access_key: Annotated[str, Field(max_length=200)]


class RefreshBody(Strict):
    """The token that a new access token is given for."""

    refresh_token: Annotated[str, Field(max_length=2000)]


class Token(TypedDict):
    """What a login gives; `expires_in` is text in the documents."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: str
    refresh_token: str


class ChoiceBody(Strict):
    """What the owner of an advisory portfolio wants done with a recommendation."""

    owner_choice: Literal["ACCEPT", "REJECT", "REOPTIMIZE", "IGNORED"]


LOGIN: Codec[LoginBody] = Codec(LoginBody)
REFRESH: Codec[RefreshBody] = Codec(RefreshBody)
CHOICE: Codec[ChoiceBody] = Codec(ChoiceBody)
