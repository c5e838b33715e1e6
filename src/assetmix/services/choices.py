"""What owners of advisory portfolios choose to do with a recommendation."""

from dataclasses import dataclass

from assetmix.errors import Conflict, NotFound
from assetmix.persistence import activity, optimizations, portfolios
from assetmix.persistence.activity import Choice
from assetmix.persistence.journal import note, tell
from assetmix.persistence.optimizations import Run
from assetmix.persistence.session import Connection
from assetmix.services.context import Caller, House, entry
from assetmix.services.management import ADVISORY, manager_of
from assetmix.services.triggers import Triggered, ring, trigger

CHOSEN = "optimizations.owner-choice-update"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A run and the last choice about it, None where nobody has chosen."""

    run: Run
    choice: Choice | None


async def choose(house: House, caller: Caller, portfolio_id: str | None, run_id: str, choice: str) -> Chosen:
    """Keep what the owner chooses; to have it optimized anew asks for a fresh run.

    Raises
    ------
    NotFound
        when there is no such run of such a portfolio
    Conflict
        when there is nothing to choose: the run has no answer, or the portfolio is not advisory
    """
    async with house.database.transaction(caller.tenant_id) as connection:
        run = await optimizations.find_run(connection, caller.tenant_id, run_id)
        name = run.portfolio_id if run is not None and portfolio_id is None else portfolio_id
        stored = (
            None if name is None else await portfolios.find_portfolio(connection, caller.tenant_id, name, lock=True)
        )
        if run is None or stored is None or run.portfolio_id != stored.id:
            raise NotFound("no such optimization")
        if manager_of(stored.details) != ADVISORY:
            raise Conflict("only the owner of an advisory portfolio has a choice")
        await _require_choice(connection, run, choice)
        kept = await activity.add_choice(connection, caller.tenant_id, run.id, choice, caller.key_id)
        await note(connection, caller.tenant_id, entry(caller, "optimization.choice", run.id, choice=choice))
        told = {"id": run.id, "portfolio_id": stored.id, "external_id": stored.details.get("external_id")}
        await tell(connection, caller.tenant_id, CHOSEN, told | {"value": choice})
        fresh = Triggered(None)
        if choice == "REOPTIMIZE":
            fresh = await trigger(house, connection, caller, stored.id)
    ring(house, fresh)
    return Chosen(run, kept)


async def _require_choice(connection: Connection, run: Run, choice: str) -> None:
    """Refuse to choose where there is nothing to, and to accept what is not recommended, or not any more."""
    if run.status != "succeeded":
        raise Conflict(f"this optimization has {run.status}; there is nothing to choose")
    if choice != "ACCEPT":
        return
    if not ((run.result or {}).get("recommendation") or {}).get("is_recommended"):
        raise Conflict("this optimization recommends nothing; there are no orders to accept")
    latest = await optimizations.find_latest(connection, run.tenant_id, run.portfolio_id or "")
    if latest is None or latest.id != run.id:
        raise Conflict("there is a later optimization of this portfolio; choose for that one")


async def with_choices(house: House, caller: Caller, runs: list[Run]) -> list[Chosen]:
    """Give runs with what their owners have chosen."""
    async with house.database.transaction(caller.tenant_id) as connection:
        found = await activity.choices_of(connection, caller.tenant_id, [run.id for run in runs])
    return [Chosen(run, found.get(run.id)) for run in runs]
