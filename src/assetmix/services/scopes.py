"""Scopes of a strategy that have members, though not among the instruments of the run."""

import numpy as np

from assetmix.domain.snapshot import Snapshot
from assetmix.optimization.application import strange_scopes
from assetmix.optimization.scope import Group, Ids, Scope, Tag
from assetmix.optimization.strategy import Strategy
from assetmix.persistence import instruments
from assetmix.persistence.instruments import Classes
from assetmix.persistence.session import Connection


async def scopes_elsewhere(
    connection: Connection, tenant_id: str, strategy: Strategy, snapshot: Snapshot
) -> frozenset[Scope]:
    """Give the scopes without members in the snapshot that have some among the caller's instruments.

    The instruments are only looked at where there are such scopes, which is seldom.
    """
    strange = strange_scopes(strategy, snapshot)
    if not strange:
        return frozenset()
    classes = Classes(
        ids=tuple(sorted({key for scope in strange if isinstance(scope, Ids) for key in scope.ids})),
        tags=tuple(sorted({scope.tag for scope in strange if isinstance(scope, Tag)})),
        groupings=tuple(sorted({scope.grouping for scope in strange if isinstance(scope, Group)})),
    )
    found = await instruments.find_classified(connection, tenant_id, classes)
    none = np.zeros((0, len(found)))
    others = Snapshot(snapshot.as_of, tuple(found), np.full(len(found), np.nan), np.zeros(0, dtype=np.int64), none)
    return strange - strange_scopes(strategy, others)
