"""What the routes of all collections share: pages with embedded entities, and versions of one entity."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query, Request
from starlette.responses import JSONResponse, Response

from assetmix.api.dialects.investsuite.reading.query import DEFAULT, read_query
from assetmix.api.dialects.investsuite.writing import entities as writing
from assetmix.api.etag import quoted, unchanged
from assetmix.persistence.criteria import Wanted
from assetmix.persistence.records import Kind, Record
from assetmix.services import records
from assetmix.services.context import Caller, House

JSON = dict[str, Any]
Version = Annotated[int | None, Query(ge=1, le=2**31 - 1)]
"""Which version of an entity is wanted, the newest where none is said."""


@dataclass
class Page:
    """Parameters of a collection."""

    query: str | None = None
    limit: int = DEFAULT
    offset: int = 0
    embed: str = ""

    @property
    def wanted(self) -> Wanted:
        """What is looked for."""
        return read_query(self.query, self.limit, self.offset)

    @property
    def fields(self) -> list[str]:
        """Fields whose entities are to be embedded."""
        return [field.strip() for field in self.embed.split(",") if field.strip()]


async def listed(  # noqa: PLR0913, PLR0917 - what a page is made of
    page: Page, request: Request, inside: House, caller: Caller, items: list[JSON], count: int
) -> JSONResponse:
    """Give a page, with the entities that the named fields refer to."""
    query = {name: value for name, value in request.query_params.items() if name not in {"limit", "offset"}}
    document = writing.write_page(items, page.wanted, count, (request.scope["path"], query))
    document["_embedded"] = await _embedded(inside, caller, page, items)
    return JSONResponse(document)


async def _embedded(inside: House, caller: Caller, page: Page, items: list[JSON]) -> dict[str, JSON]:
    found = await records.embedded(inside, caller, writing.references(items, page.fields))
    return {one.id: _written(one) for one in found}


async def versioned(
    request: Request, inside: House, caller: Caller, name: tuple[Kind, str], version: int | None
) -> Response:
    """Give a record as it is now, or one of its versions, also of one that was deleted since."""
    kind, record_id = name
    if version is not None:
        stored = await records.get_version(inside, caller, kind, record_id, version)
        return JSONResponse(_written(stored))
    stored = await records.get(inside, caller, kind, record_id)
    return unchanged(request, stored.tag) or JSONResponse(_written(stored), headers={"ETag": quoted(stored.tag)})


def _written(one: Record) -> JSON:
    return writing.write_transaction(one) if one.kind == "transaction" else writing.write_record(one)
