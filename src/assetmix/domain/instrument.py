"""What can be held: an instrument and how it is classified."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Shares: TypeAlias = Mapping[str, float]
Grouping: TypeAlias = Mapping[str, float | Shares]
"""Flat (`{"technology": 1.0}`) or nested by class (`{"stocks": {"north_america": 1.0}}`)."""

ASSET_CLASSES = "asset_classes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """Something that can be held, priced and, if tradable, ordered.

    `look_through` gives for each grouping the shares in which the instrument belongs to its
    groups; `lot` is the smallest number of units of an order, `fractional_step` the smallest
    fraction of a unit where fractions may be ordered (then it wins over `lot`).
    """

    id: str
    currency: str
    name: str = ""
    kind: str = "equity"
    lot: float = 1.0
    fractional_step: float | None = None
    tradable: bool = True
    look_through: Mapping[str, Grouping] = field(default_factory=dict)
    attributes: Mapping[str, float] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    @property
    def step(self) -> float:
        """Units of which every order is a whole multiple."""
        return self.lot if self.fractional_step is None else self.fractional_step

    @property
    def group_count(self) -> int:
        """Number of groups that the instrument belongs to, over all groupings."""
        outer = [share for grouping in self.look_through.values() for share in grouping.values()]
        return sum(len(one) if isinstance(one, Mapping) else 1 for one in outer)

    def share(self, grouping: str, name: str, within: str | None = None) -> float:
        """Part of the instrument's value that belongs to a group, 0 to 1.

        A flat grouping is a share of the instrument; a nested one, or any with `within`, is the
        share of the asset class times the share inside that class.
        """
        groups = self.look_through.get(grouping, {})
        if within is not None:
            return self._class_share(within) * _inside(groups, within, name)
        direct = groups.get(name, 0.0)
        if isinstance(direct, Mapping):
            return 0.0
        nested = sum(
            self._class_share(outer) * inner.get(name, 0.0)
            for outer, inner in groups.items()
            if isinstance(inner, Mapping)
        )
        return float(direct) + nested

    def _class_share(self, name: str) -> float:
        share = self.look_through.get(ASSET_CLASSES, {}).get(name, 0.0)
        return 0.0 if isinstance(share, Mapping) else float(share)


def _inside(groups: Grouping, within: str, name: str) -> float:
    nested = groups.get(within)
    if isinstance(nested, Mapping):
        return float(nested.get(name, 0.0))
    flat = groups.get(name, 0.0)
    return 0.0 if isinstance(flat, Mapping) else float(flat)


def cash_key(currency: str) -> str:
    """Name under which cash of a currency is held, for example `$USD`."""
    return f"${currency}"


def is_cash(key: str) -> bool:
    """Whether a holding's key names cash rather than an instrument."""
    return key.startswith("$")
