"""Events that endpoints are told of, to be read again, and to be sent again."""

from typing import Any

from fastapi import APIRouter

from assetmix.api.deps import InHouse, Reader, Writer
from assetmix.api.dialects.native import writing
from assetmix.api.dialects.native.routes.runs import LAST
from assetmix.api.paging import DEFAULT, after, clamp, page
from assetmix.services import webhooks

router = APIRouter()


@router.get("/events")
async def list_events(
    inside: InHouse, caller: Reader, limit: int = DEFAULT, cursor: str | None = None
) -> dict[str, Any]:
    """List past events, newest first."""
    size = clamp(limit)
    found = await webhooks.list_events(inside, caller, after(cursor, "events", LAST), size)
    return page([webhooks.envelope(one) for one in found], size, "events", found[-1].id if found else LAST)


@router.get("/events/{event_id}")
async def get_event(event_id: str, inside: InHouse, caller: Reader) -> dict[str, Any]:
    """Give an event, and what became of the messages that tell of it."""
    return writing.write_event(*await webhooks.get_event(inside, caller, event_id))


@router.post("/events/{event_id}/resend", status_code=202)
async def resend_event(event_id: str, inside: InHouse, caller: Writer) -> dict[str, Any]:
    """Send an event to every endpoint once more, under the same id."""
    return writing.write_event(*await webhooks.resend(inside, caller, event_id))
