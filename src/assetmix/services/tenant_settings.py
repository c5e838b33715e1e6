"""What a tenant may set for itself, within what the operator allows."""

from collections.abc import Mapping, Sequence
from typing import Any

from assetmix.errors import Fault, InvalidRequest
from assetmix.persistence import tenants
from assetmix.persistence.journal import note
from assetmix.services import webhooks
from assetmix.services.context import Caller, House, entry
from assetmix.services.freshness import MOST_AGE
from assetmix.services.preconditions import REQUIRED
from assetmix.services.webhooks import Shown, Wanted
from assetmix.settings import Settings

RETENTION_DAYS = 400
DEFAULTS: Mapping[str, Any] = {
    "quantity_type": "UNITS",
    "retention_days": RETENTION_DAYS,
    REQUIRED: False,
    "concurrent_runs": None,
    MOST_AGE: None,
}


def ceilings(settings: Settings) -> dict[str, int]:
    """Give the most that a tenant may have of what is limited."""
    return {"requests_per_minute": settings.requests_per_minute, "active_runs": settings.active_runs}


def effective(settings: Settings, own: Mapping[str, Any]) -> dict[str, Any]:
    """Give every setting as it holds: the tenant's own, else the default."""
    most = ceilings(settings)
    held: dict[str, Any] = {**DEFAULTS, **most, **own}
    return held | {name: min(held[name], ceiling) for name, ceiling in most.items()}


async def change(
    house: House, caller: Caller, changes: Mapping[str, Any], endpoints: Sequence[Wanted] | None = None
) -> tuple[dict[str, Any], list[Shown]]:
    """Change settings, null giving one back to its default (RFC 7396); and replace the endpoints, if any are given.

    Raises
    ------
    InvalidRequest
        for more than the operator allows
    """
    faults = [
        Fault(f"/{name}", "limit-exceeded", f"{name} is at most {most} here")
        for name, most in ceilings(house.settings).items()
        if (changes.get(name) or 0) > most
    ]
    if faults:
        raise InvalidRequest("some settings are beyond what the operator allows", faults)
    async with house.database.transaction(caller.tenant_id) as connection:
        own = await tenants.change_settings(connection, caller.tenant_id, changes)
        await note(connection, caller.tenant_id, entry(caller, "settings.change", caller.tenant_id, **changes))
        if endpoints is None:
            shown = await webhooks.list_in(connection, caller)
        else:
            shown = await webhooks.replace(house, connection, caller, endpoints)
    return effective(house.settings, own), shown
