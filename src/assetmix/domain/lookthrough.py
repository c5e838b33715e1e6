"""Seeing through funds: in which groups the invested money really is.

A grouping is reported as shares of the invested value; one whose groups live inside an asset
class (regions of stocks, sectors, bond types) as shares within that class. A share 0/0 is 0.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from assetmix.domain.instrument import ASSET_CLASSES, Grouping, Instrument

Exposure: TypeAlias = dict[str, dict[str, float | dict[str, float]]]

UNCLASSIFIED = "unclassified"
ROUNDING = 1e-9
"""Shares given with nine decimals still sum to one."""
ENCLOSING = {"sectors": "stocks", "bond_types": "bonds"}
"""Flat groupings that the documented systems report within one asset class, where classes are known."""


def look_through(values: Mapping[str, float], instruments: Iterable[Instrument]) -> Exposure:
    """Report the shares of every grouping that the instruments are classified by.

    Parameters
    ----------
    values : money invested by instrument id, cash left out
    instruments : classification of at least those ids

    Returns
    -------
    grouping -> group -> share, or grouping -> asset class -> group -> share where nested
    """
    known = tuple(instruments)
    groupings = {name: _is_nested(name, known) for one in known for name in one.look_through}
    return {
        name: (_nested(name, values, known) if nested else dict(_flat(name, values, known)))
        for name, nested in sorted(groupings.items())
    }


def group_names(grouping: str, instruments: Iterable[Instrument]) -> tuple[str, ...]:
    """Names of the groups that occur in a grouping, sorted."""
    return tuple(sorted({name for one in instruments for name in _leaves(one.look_through.get(grouping, {}))}))


def _leaves(groups: Grouping) -> set[str]:
    names: set[str] = set()
    for name, share in groups.items():
        names.update(share if isinstance(share, Mapping) else (name,))
    return names


def _is_nested(grouping: str, instruments: tuple[Instrument, ...]) -> bool:
    groups = (one.look_through.get(grouping, {}) for one in instruments)
    return any(isinstance(share, Mapping) for group in groups for share in group.values())


def _nested(
    grouping: str, values: Mapping[str, float], instruments: tuple[Instrument, ...]
) -> dict[str, float | dict[str, float]]:
    classes = sorted({name for one in instruments for name in one.look_through.get(grouping, {})})
    return {
        outer: _shares(
            {
                name: _total(values, instruments, (grouping, name, outer))
                for name in _inner_names(grouping, outer, instruments)
            },
            _total(values, instruments, (ASSET_CLASSES, outer, None)),
        )
        for outer in classes
    }


def _inner_names(grouping: str, outer: str, instruments: tuple[Instrument, ...]) -> list[str]:
    inner = (one.look_through.get(grouping, {}).get(outer, {}) for one in instruments)
    return sorted({name for groups in inner if isinstance(groups, Mapping) for name in groups})


def _flat(grouping: str, values: Mapping[str, float], instruments: tuple[Instrument, ...]) -> dict[str, float]:
    within = _enclosing_class(grouping, instruments)
    names = group_names(grouping, instruments)
    amounts = {name: _total(values, instruments, (grouping, name, within)) for name in names}
    whole = (
        sum(values.get(one.id, 0.0) for one in instruments)
        if within is None
        else _total(values, instruments, (ASSET_CLASSES, within, None))
    )
    return _shares(amounts, whole)


def _enclosing_class(grouping: str, instruments: tuple[Instrument, ...]) -> str | None:
    within = ENCLOSING.get(grouping)
    return within if any(within in one.look_through.get(ASSET_CLASSES, {}) for one in instruments) else None


def _total(
    values: Mapping[str, float], instruments: tuple[Instrument, ...], scope: tuple[str, str, str | None]
) -> float:
    grouping, name, within = scope
    return sum(values.get(one.id, 0.0) * one.share(grouping, name, within) for one in instruments)


def _shares(amounts: Mapping[str, float], whole: float) -> dict[str, float]:
    if whole == 0:
        return dict.fromkeys(amounts, 0.0)
    shares = {name: amount / whole for name, amount in amounts.items()}
    rest = 1.0 - sum(shares.values())
    return shares | ({UNCLASSIFIED: rest} if rest > ROUNDING else {})
