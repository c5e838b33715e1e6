"""Wire to domain."""

from assetmix.api.problems import Problem
from assetmix.errors import Fault


def read_portfolio_name(portfolio_id: str | None, client_reference: str | None) -> str:
    """Which portfolio is meant: its id or its client reference, exactly one of them.

    Raises
    ------
    Problem
        400 when neither or both are given
    """
    given = [name for name in (portfolio_id, client_reference) if name]
    if len(given) != 1:
        detail = "give either portfolio_id or client_reference"
        raise Problem(400, "invalid-parameter", detail, (Fault("/portfolio_id", "missing", detail),))
    return given[0]
