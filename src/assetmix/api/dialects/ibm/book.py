"""The portfolios of a request by name: the root, its parts, and benchmarks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from assetmix.api.dialects.ibm.schemas import PortfolioRow
from assetmix.errors import Fault
from assetmix.optimization.check import MOST_ASSETS, refuse
from assetmix.optimization.scope import Ids, Scope

MOST_PORTFOLIOS = 1_000
MOST_HOLDINGS = 100_000


@dataclass(frozen=True, slots=True)
class Book:
    """All portfolios by name; `faults` is what is wrong with them."""

    rows: Mapping[str, PortfolioRow]
    root: PortfolioRow
    assets: tuple[str, ...]
    faults: list[Fault] = field(default_factory=list)
    _ids: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def is_root(self, name: str | None) -> bool:
        """Whether a name is the root's; so is no name at all."""
        return name is None or name == self.root.name

    def ids(self, name: str) -> tuple[str, ...]:
        """Assets of a portfolio that are in the root too, in the root's order."""
        if name not in self._ids:
            named = {one.asset for one in self.rows[name].holdings}
            self._ids[name] = tuple(asset for asset in self.assets if asset in named)
        return self._ids[name]

    def scope(self, name: str | None, pointer: str) -> Scope | None:
        """Give what a name stands for; None, with a fault, where it is nothing of the root."""
        if self.is_root(name):
            return "all"
        if name not in self.rows:
            self.faults.append(Fault(pointer, "unknown-portfolio", "no portfolio of this name is in the request"))
            return None
        ids = self.ids(name or "")
        if not ids:
            self.faults.append(Fault(pointer, "empty-portfolio", f"no asset of {name} is in the root"))
            return None
        return Ids(ids=ids)

    def benchmark(self, name: str, pointer: str) -> dict[str, float] | None:
        """Units by asset of a portfolio to be compared with; None, with a fault, where there is none."""
        row = self.rows.get(name)
        if row is None or row.type != "benchmark":
            self.faults.append(Fault(pointer, "unknown-benchmark", "name a benchmark of the request"))
            return None
        units = {one.asset: one.quantity for one in row.holdings if one.quantity}
        if not units:
            self.faults.append(Fault(pointer, "empty-portfolio", f"{name} holds nothing to be compared with"))
            return None
        return units

    def benchmarks(self) -> list[str]:
        """Names of the benchmarks."""
        return [name for name, row in self.rows.items() if row.type == "benchmark"]


def open_book(portfolios: list[PortfolioRow], *, strict: bool) -> Book:
    """Order the portfolios by name.

    Raises
    ------
    InvalidRequest
        where there is no single root, or more than is taken
    """
    book = _opened(portfolios)
    seen: set[str] = set()
    units: dict[str, dict[str, float]] = {}
    for i, row in enumerate(portfolios):
        if row.name in seen:
            book.faults.append(Fault(f"/portfolios/{i}/name", "duplicate", "two portfolios have this name"))
        seen.add(row.name)
        book.faults.extend(_holding_faults(f"/portfolios/{i}/holdings", row))
        if row.type == "subportfolio":
            book.faults.extend(_part_faults(f"/portfolios/{i}", row, book, units, strict=strict))
    return book


def _opened(portfolios: list[PortfolioRow]) -> Book:
    if len(portfolios) > MOST_PORTFOLIOS or sum(len(row.holdings) for row in portfolios) > MOST_HOLDINGS:
        _refuse("limit-exceeded", f"at most {MOST_PORTFOLIOS} portfolios with {MOST_HOLDINGS} holdings in all")
    roots = [row for row in portfolios if row.type == "root"]
    if len(roots) != 1:
        _refuse("one-root", f"there is one portfolio of type root, not {len(roots)}")
    assets = tuple(dict.fromkeys(one.asset for one in roots[0].holdings))
    if not 0 < len(assets) <= MOST_ASSETS:
        _refuse("limit-exceeded", f"a root has 1 to {MOST_ASSETS} assets, not {len(assets)}")
    return Book({row.name: row for row in portfolios}, roots[0], assets)


def _refuse(code: str, detail: str) -> None:
    refuse([Fault("/portfolios", code, detail)])


def _holding_faults(pointer: str, row: PortfolioRow) -> Iterator[Fault]:
    seen: set[str] = set()
    for i, one in enumerate(row.holdings):
        if one.asset in seen:
            yield Fault(f"{pointer}/{i}/asset", "duplicate", "an asset is named twice; add its quantities up")
        seen.add(one.asset)


def _part_faults(
    pointer: str, row: PortfolioRow, book: Book, units: dict[str, dict[str, float]], *, strict: bool
) -> Iterator[Fault]:
    """Say what is wrong with a part; its quantities count for nothing, so that only a strict caller hears of them."""
    if row.ParentPortfolio is None and strict:
        yield Fault(f"{pointer}/ParentPortfolio", "missing", "a subportfolio names its parent")
    parent = book.root if row.ParentPortfolio is None else book.rows.get(row.ParentPortfolio)
    if parent is None or parent.type == "subportfolio":
        yield Fault(f"{pointer}/ParentPortfolio", "unknown-portfolio", "a parent is the root or a benchmark")
        return
    known = units.setdefault(parent.name, {}) or {one.asset: one.quantity for one in parent.holdings}
    units[parent.name] = known
    for i, one in enumerate(row.holdings):
        if one.asset not in known:
            yield Fault(f"{pointer}/holdings/{i}/asset", "not-in-parent", f"its parent {parent.name} lacks this asset")
        elif strict and one.quantity != known[one.asset]:
            yield Fault(f"{pointer}/holdings/{i}/quantity", "not-as-in-parent", "it is another one than in the parent")
