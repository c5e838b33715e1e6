"""What a benchmark has measured, beside what it is to reach: shown as a table, kept as records."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

RESULTS = Path("build") / "bench"


@dataclass(frozen=True)
class Record:
    """One figure; with a `reach`, whether it is met: at most so much, or at least."""

    name: str
    value: float
    unit: str
    reach: float | None = None
    sense: Literal["at most", "at least"] = "at most"

    @property
    def met(self) -> bool | None:
        """Whether the reach is met; None without one."""
        if self.reach is None:
            return None
        return self.value <= self.reach if self.sense == "at most" else self.value >= self.reach


def show(console: Console, title: str, records: Sequence[Record]) -> None:
    """Print figures beside their reach."""
    table = Table(title=title)
    for name in ("what", "value", "reach", ""):
        table.add_column(name, justify="left" if name in {"what", ""} else "right")
    for one in records:
        reach = "" if one.reach is None else f"{one.sense} {one.reach:g}"
        verdict = {None: "", True: "met", False: "[bold]missed[/bold]"}[one.met]
        table.add_row(one.name, f"{one.value:,.4g} {one.unit}".strip(), reach, verdict)
    console.print(table)


def keep(file: str, records: Sequence[Record]) -> None:
    """Write the records of a benchmark."""
    written = [asdict(one) | {"met": one.met} for one in records]
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{file}.json").write_text(json.dumps({"records": written}, indent=2) + "\n", encoding="utf-8")
