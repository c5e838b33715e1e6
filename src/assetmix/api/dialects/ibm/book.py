"""The portfolios of a request by name: the root, its parts, and benchmarks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from assetmix.api.dialects.ibm.schemas import PortfolioRow
from assetmix.errors import Fault
from assetmix.optimization.scope import Ids, Scope


@dataclass(frozen=True, slots=True)
class Book:
    """All portfolios by name; `faults` is what is wrong with them."""

    rows: Mapping[str, PortfolioRow]
    root: PortfolioRow
    assets: tuple[str, ...]
    faults: list[Fault] = field(default_factory=list)

    def is_root(self, name: str | None) -> bool:
        """Whether a name is the root's; so is no name at all."""
        return name is None or name == self.root.name

    def ids(self, name: str) -> tuple[str, ...]:
        """Assets of a portfolio that are in the root too, in the root's order."""
        named = {one.asset for one in self.rows[name].holdings}
        return tuple(asset for asset in self.assets if asset in named)

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
        if row is None or row.type == "root":
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


def open_book(portfolios: list[PortfolioRow], *, strict: bool) -> Book | list[Fault]:
    """Order the portfolios by name; the faults where there is no single root."""
    roots = [i for i, row in enumerate(portfolios) if row.type == "root"]
    if len(roots) != 1:
        return [Fault("/portfolios", "one-root", f"there is one portfolio of type root, not {len(roots)}")]
    root = portfolios[roots[0]]
    book = Book({row.name: row for row in portfolios}, root, tuple(dict.fromkeys(one.asset for one in root.holdings)))
    seen: set[str] = set()
    for i, row in enumerate(portfolios):
        if row.name in seen:
            book.faults.append(Fault(f"/portfolios/{i}/name", "duplicate", "two portfolios have this name"))
        seen.add(row.name)
        book.faults.extend(_holding_faults(f"/portfolios/{i}/holdings", row))
        if row.type == "subportfolio":
            book.faults.extend(_part_faults(f"/portfolios/{i}", row, book, strict=strict))
    if not root.holdings:
        book.faults.append(Fault(f"/portfolios/{roots[0]}/holdings", "empty-portfolio", "the root names no asset"))
    return book


def _holding_faults(pointer: str, row: PortfolioRow) -> Iterator[Fault]:
    seen: set[str] = set()
    for i, one in enumerate(row.holdings):
        if one.asset in seen:
            yield Fault(f"{pointer}/{i}/asset", "duplicate", "an asset is named twice; add its quantities up")
        seen.add(one.asset)


def _part_faults(pointer: str, row: PortfolioRow, book: Book, *, strict: bool) -> Iterator[Fault]:
    """Say what is wrong with a part; its quantities count for nothing, so that only a strict caller hears of them."""
    if row.ParentPortfolio is None and strict:
        yield Fault(f"{pointer}/ParentPortfolio", "missing", "a subportfolio names its parent")
    parent = book.root if row.ParentPortfolio is None else book.rows.get(row.ParentPortfolio)
    if parent is None or parent.type == "subportfolio":
        yield Fault(f"{pointer}/ParentPortfolio", "unknown-portfolio", "a parent is the root or a benchmark")
        return
    units = {one.asset: one.quantity for one in parent.holdings}
    for i, one in enumerate(row.holdings):
        if one.asset not in units:
            yield Fault(f"{pointer}/holdings/{i}/asset", "not-in-parent", f"its parent {parent.name} lacks this asset")
        elif strict and one.quantity != units[one.asset]:
            yield Fault(f"{pointer}/holdings/{i}/quantity", "not-as-in-parent", "it is another one than in the parent")
