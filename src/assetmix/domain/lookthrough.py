"""Seeing through funds: in which groups the invested money really is.

A grouping is reported as shares of the invested value; one whose groups live inside an asset
class (regions of stocks, sectors, bond types) as shares within that class. A share 0/0 is 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from assetmix.domain.arrays import Matrix, Vector
from assetmix.domain.instrument import ASSET_CLASSES, Instrument

Exposure: TypeAlias = dict[str, dict[str, float | dict[str, float]]]

UNCLASSIFIED = "unclassified"
ROUNDING = 1e-9
"""Shares given with nine decimals still sum to one."""
ENCLOSING = {"sectors": "stocks", "bond_types": "bonds"}
"""Flat groupings that the documented systems report within one asset class, where classes are known."""


class Classification:
    """The groupings of n instruments as vectors of shares, laid out once."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        groupings = sorted({name for one in instruments for name in one.look_through})
        self._flat: dict[str, _Group] = {}
        self._nested: dict[str, dict[str, _Group]] = {}
        for name in groupings:
            if _is_nested(name, instruments):
                self._nested[name] = _nested_groups(name, instruments)
            else:
                self._flat[name] = _flat_group(name, instruments)

    def exposure(self, values: Vector) -> Exposure:
        """Report the shares of every grouping.

        Parameters
        ----------
        values : (n,) money or weights invested, cash left out

        Returns
        -------
        grouping -> group -> share, or grouping -> asset class -> group -> share where nested
        """
        flat: Exposure = {name: dict(group.shares(values)) for name, group in self._flat.items()}
        nested: Exposure = {
            name: {outer: group.shares(values) for outer, group in classes.items()}
            for name, classes in self._nested.items()
        }
        return dict(sorted((flat | nested).items()))


def look_through(values: Mapping[str, float], instruments: Sequence[Instrument]) -> Exposure:
    """Report the shares of every grouping, from money invested by instrument id."""
    amounts = np.array([values.get(one.id, 0.0) for one in instruments])
    return Classification(instruments).exposure(amounts)


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Groups that divide one whole: names, shares (groups, n), and shares of the whole (n,)."""

    names: tuple[str, ...]
    rows: Matrix
    whole: Vector

    def shares(self, values: Vector) -> dict[str, float]:
        whole = float(self.whole @ values)
        if whole == 0:
            return dict.fromkeys(self.names, 0.0)
        parts = self.rows @ values / whole
        rest = 1.0 - float(parts.sum())
        found = dict(zip(self.names, (float(part) for part in parts), strict=True))
        return found | ({UNCLASSIFIED: rest} if rest > ROUNDING else {})


def _flat_group(grouping: str, instruments: Sequence[Instrument]) -> _Group:
    within = _enclosing_class(grouping, instruments)
    names = sorted({name for one in instruments for name in one.look_through.get(grouping, {})})
    whole = [1.0 if within is None else one.share(ASSET_CLASSES, within) for one in instruments]
    return _group(grouping, within, tuple(names), instruments, whole)


def _nested_groups(grouping: str, instruments: Sequence[Instrument]) -> dict[str, _Group]:
    classes = sorted({name for one in instruments for name in one.look_through.get(grouping, {})})
    return {
        outer: _group(
            grouping,
            outer,
            tuple(sorted({name for one in instruments for name in _inner(one, grouping, outer)})),
            instruments,
            [one.share(ASSET_CLASSES, outer) for one in instruments],
        )
        for outer in classes
    }


def _group(
    grouping: str, within: str | None, names: tuple[str, ...], instruments: Sequence[Instrument], whole: list[float]
) -> _Group:
    rows = [[one.share(grouping, name, within) for one in instruments] for name in names]
    return _Group(names, np.array(rows).reshape(len(names), len(instruments)), np.array(whole))


def _inner(instrument: Instrument, grouping: str, outer: str) -> Mapping[str, float]:
    groups = instrument.look_through.get(grouping, {}).get(outer, {})
    return groups if isinstance(groups, Mapping) else {}


def _is_nested(grouping: str, instruments: Sequence[Instrument]) -> bool:
    groups = (one.look_through.get(grouping, {}) for one in instruments)
    return any(isinstance(share, Mapping) for group in groups for share in group.values())


def _enclosing_class(grouping: str, instruments: Sequence[Instrument]) -> str | None:
    within = ENCLOSING.get(grouping)
    return within if any(within in one.look_through.get(ASSET_CLASSES, {}) for one in instruments) else None
