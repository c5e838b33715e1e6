"""Which instruments a constraint or measure speaks of."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from assetmix.domain.instrument import Instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class Ids:
    """Instruments named one by one."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """Instruments that carry a tag."""

    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of a grouping, by look-through: each instrument counts with its share."""

    grouping: str
    name: str
    within: str | None = None


Scope: TypeAlias = Literal["all"] | Ids | Tag | Group


def membership(scope: Scope, instrument: Instrument) -> float:
    """Part of an instrument's value that a scope covers, 0 to 1."""
    match scope:
        case "all":
            return 1.0
        case Ids(ids=ids):
            return float(instrument.id in ids)
        case Tag(tag=tag):
            return float(tag in instrument.tags)
        case Group(grouping=grouping, name=name, within=within):
            return instrument.share(grouping, name, within)


def describe(scope: Scope) -> str:
    """Name a scope for people: `technology`, `tag no_tobacco`, `all instruments`."""
    match scope:
        case "all":
            return "all instruments"
        case Ids(ids=ids):
            return ", ".join(ids)
        case Tag(tag=tag):
            return f"tag {tag}"
        case Group(name=name, within=None):
            return name
        case Group(name=name, within=within):
            return f"{name} {within}"


def subject(scope: Scope) -> str:
    """Name a scope as the subject of a sentence, with its verb: `S00, S01 are`, `technology is`."""
    many = scope == "all" or (isinstance(scope, Ids) and len(scope.ids) > 1)
    return f"{describe(scope)} {'are' if many else 'is'}"


def identify(scope: Scope) -> str:
    """Name a scope for programs, dotted: `sectors.technology`, `regions.stocks.emerging`."""
    match scope:
        case "all":
            return "all"
        case Ids(ids=ids):
            return "ids." + "+".join(ids)
        case Tag(tag=tag):
            return f"tags.{tag}"
        case Group(grouping=grouping, name=name, within=within):
            return f"{grouping}.{name}" if within is None else f"{grouping}.{within}.{name}"
