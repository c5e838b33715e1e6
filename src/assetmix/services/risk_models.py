"""Uploaded risk models: checked, stored, looked up, and chosen for a run."""

import asyncio
from dataclasses import dataclass
from typing import NoReturn

from assetmix.codec.risk_models import content_digest, outline, outline_of, read_model, write_model
from assetmix.domain.given_model import GivenModel
from assetmix.errors import Fault, InvalidRequest, NotFound
from assetmix.estimation.given_check import model_faults
from assetmix.estimation.specs import NamedRisk
from assetmix.optimization.check import refuse
from assetmix.optimization.strategy import Strategy
from assetmix.persistence import risk_models
from assetmix.persistence.journal import note
from assetmix.persistence.risk_models import NewModel, StoredModel
from assetmix.persistence.session import Connection
from assetmix.services.context import Caller, House, entry
from assetmix.services.names import LONGEST, is_printable, require_name
from assetmix.services.preconditions import ANYTHING, Expected, require

UPLOAD_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Upload:
    """A risk model as a caller gives it a name; `default` makes it the tenant's only default."""

    name: str
    model: GivenModel
    default: bool


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """The uploaded risk model of a run.

    `outline` is the model without its figures: its arrays have their shapes and hold nan.
    """

    name: str
    digest: str
    outline: GivenModel


async def put_model(house: House, caller: Caller, given: Upload, expected: Expected = ANYTHING) -> StoredModel:
    """Create a risk model or replace it; as a default it takes the place of any other.

    Raises
    ------
    InvalidRequest
        with every fault of the figures
    PreconditionFailed, PreconditionRequired
        when it is not what the caller expects
    """
    _require_name(given.name)
    new = await asyncio.to_thread(_checked, given)
    async with house.database.transaction(caller.tenant_id, UPLOAD_SECONDS) as connection:
        await risk_models.lock_models(connection, caller.tenant_id)
        known = await risk_models.find_model(connection, caller.tenant_id, given.name)
        require(expected, known, caller, "risk model")
        stored = await risk_models.put_model(connection, caller.tenant_id, new)
        await note(connection, caller.tenant_id, entry(caller, "risk_model.put", given.name, digest=stored.digest))
    return stored


async def get_model(house: House, caller: Caller, name: str) -> tuple[StoredModel, GivenModel]:
    """Give a risk model by name, with its figures.

    Raises
    ------
    NotFound
        when there is none of that name
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        found = await risk_models.find_model(connection, caller.tenant_id, name, share=True)
        if found is None:
            raise NotFound("no such risk model")
        payload = await risk_models.get_payload(connection, caller.tenant_id, found.digest)
    return found, await asyncio.to_thread(read_model, payload)


async def list_models(house: House, caller: Caller, after: str, limit: int) -> list[StoredModel]:
    """Give risk models after a name, by name, without their figures."""
    async with house.database.transaction(caller.tenant_id) as connection:
        return await risk_models.list_models(connection, caller.tenant_id, after, limit)


async def delete_model(house: House, caller: Caller, name: str, expected: Expected = ANYTHING) -> None:
    """Delete a risk model; runs that used it keep its figures.

    Raises
    ------
    NotFound
        when there is none of that name
    PreconditionFailed, PreconditionRequired
        when it is not what the caller expects
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        await risk_models.lock_models(connection, caller.tenant_id)
        known = await risk_models.find_model(connection, caller.tenant_id, name)
        require(expected, known, caller, "risk model")
        if not await risk_models.delete_model(connection, caller.tenant_id, name):
            raise NotFound("no such risk model")
        await note(connection, caller.tenant_id, entry(caller, "risk_model.delete", name))


async def choose(
    connection: Connection, tenant_id: str, asked: str | None, strategy: Strategy, days: float | None = None
) -> ChosenModel | None:
    """Choose the risk model of a run: the request's, else the strategy's, else the default where it has none at all.

    With `days` the default counts only if it speaks of so many. The model stays as it is until
    the transaction ends.

    Raises
    ------
    InvalidRequest
        when the model that is named does not exist
    """
    named = strategy.risk_model.name if isinstance(strategy.risk_model, NamedRisk) else None
    if asked is not None or named is not None:
        wanted = asked if asked is not None else named or ""
        found = await risk_models.find_model(connection, tenant_id, wanted, share=True)
        if found is None:
            _refuse_unknown("/strategy/risk_model/name" if asked is None else "/risk_model")
    elif strategy.risk_model is None:
        found = await risk_models.find_default(connection, tenant_id, share=True)
        if found is not None and days not in {None, outline_of(found.document).horizon_days}:
            return None
    else:
        return None
    return None if found is None else ChosenModel(found.name, found.digest, outline_of(found.document))


def _checked(given: Upload) -> NewModel:
    refuse(model_faults(given.model))
    payload = write_model(given.model)
    return NewModel(
        name=given.name,
        digest=content_digest(payload),
        is_default=given.default,
        document=outline(given.model),
        payload=payload,
    )


def _require_name(name: str) -> None:
    require_name(name, "risk model")
    if not is_printable(name) or not name.isprintable():
        cure = f"a risk model name has 1 to {LONGEST} visible characters and no space at either end"
        raise InvalidRequest(cure, [Fault("", "invalid-name", cure)])


def _refuse_unknown(pointer: str) -> NoReturn:
    cure = "no such risk model; PUT /v1/risk-models/{name}, or name one that exists"
    raise InvalidRequest(cure, [Fault(pointer, "unknown-risk-model", cure)])
