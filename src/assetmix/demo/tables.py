"""The demo's answer as tables, for people who would rather look than read JSON."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table

from assetmix.demo import content

TICKERS = {key: ticker for ticker, key in content.IDS.items()}
WIDTH = 110


def show(run: dict[str, Any], console: Console) -> None:
    """Print orders, look-through before and after, figures, and reasons."""
    result = run["result"]
    if result is None:
        console.print(f"[red]{(run['error'] or {}).get('detail', run['status'])}[/red]")
        return
    console.print(f"\n[bold]{result['sentence']}[/bold]")
    if result["status"] in {"optimal", "feasible"}:
        console.print(_orders(result))
        console.print(_look_through(result))
        console.print(_figures(result))
    for reason in _reasons(result):
        console.print(f"  • {reason}")
    timings = run["timings"]
    console.print("  ".join(f"{name.removesuffix('_ms')} {value:.1f} ms" for name, value in timings.items()))


def _orders(result: dict[str, Any]) -> Table:
    table = _table("Orders, sells first", ("instrument", "side"), ("quantity", "price", "amount", "cost"), ("why",))
    for order in result["orders"]:
        amount = order["quantity"] * order["price"]
        figures = (f"{order['quantity']:g}", f"{order['price']:.2f}", f"{amount:,.2f}", f"{order['cost']:.2f}")
        key = order["instrument"]
        table.add_row(TICKERS.get(key, key), order["side"], *figures, order["reason"])
    return table


def _look_through(result: dict[str, Any]) -> Table:
    table = _table("Look-through: sectors of the invested money", ("sector",), ("before", "after"), ())
    before, after = (result["look_through"][which]["sectors"] for which in ("current", "optimal"))
    for name in sorted(set(before) | set(after), key=lambda one: -after.get(one, 0.0)):
        table.add_row(name, f"{before.get(name, 0.0):.1%}", f"{after.get(name, 0.0):.1%}")
    return table


def _figures(result: dict[str, Any]) -> Table:
    table = _table("Figures per day, and cash", ("measure",), ("before", "after"), ())
    before, after = (result["measures"][which] for which in ("current", "optimal"))
    for name in before:
        table.add_row(name.replace("_", " "), f"{before[name]:.6g}", f"{after[name]:.6g}")
    cash = (result[which]["$USD"] for which in ("current_holdings", "holdings"))
    table.add_row("cash, USD", *(f"{amount:,.2f}" for amount in cash))
    return table


def _reasons(result: dict[str, Any]) -> Iterator[str]:
    for name, amount in result["violations"]["current"].items():
        yield f"before: {_named(name)} was outside its limit by {amount:.2%}"
    for one in result["binding"]:
        yield f"binding: {_named(one['limit'])} (one unit more changes the objective by {one['shadow_price']:.3g})"
    for one in result["skipped"]:
        yield f"not traded: {_named(one['instrument'])}, {one['reason']}"
    for one in result["conflict"]:
        yield one["sentence"]
    if result["verified"]:
        gap = "unknown" if result["proven_gap"] is None else f"{result['proven_gap']:.2g}"
        worst, solver = result["verified"]["max_residual"], result["solver"]["name"]
        yield f"verified: worst breach {worst:.1g}, proven gap {gap}, by {solver}"


def _named(label: str) -> str:
    for key, ticker in TICKERS.items():
        label = label.replace(key, ticker)
    return label


def _table(title: str, left: tuple[str, ...], right: tuple[str, ...], last: tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in left:
        table.add_column(name)
    for name in right:
        table.add_column(name, justify="right")
    for name in last:
        table.add_column(name, overflow="fold")
    return table
