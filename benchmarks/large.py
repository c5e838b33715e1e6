"""5,000 instruments under a factor model: tracking error with group bounds and turnover, from question to orders.

Run by `make bench`, in a process of its own: what is counted is its memory above that of an idle solver
process, at the highest.
"""

import resource
import statistics
import sys
import time

from rich.console import Console

from assetmix.jobs.resident import resident_mb
from assetmix.optimization.answer import answer
from assetmix.optimization.memory import Memory
from assetmix.optimization.rehearsal import rehearse
from benchmarks.accounts import Market
from benchmarks.records import Record, keep, show

COUNT = 5000
FACTORS = 50
SOLVES = 9


def main() -> int:
    console = Console(width=110)
    market, memory = Market(count=COUNT, factors=FACTORS), Memory(16)
    questions = [market.question(number) for number in range(SOLVES)]
    rehearse()
    idle, seconds, statuses = resident_mb(), [], []
    with console.status(f"solving {COUNT:,} instruments"):
        for question in questions:
            started = time.perf_counter()
            statuses.append(answer(question, memory, lambda: 60.0, lambda _: None).status)
            seconds.append(time.perf_counter() - started)
    assert statuses == ["optimal"] * SOLVES, statuses
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    records = [
        Record("5,000 instruments, from question to orders, median", statistics.median(seconds[1:]), "s", 0.5),
        Record("... the first of its structure", seconds[0], "s"),
        Record("... memory above the idle process, highest", highest - idle, "MB", 100.0),
    ]
    show(console, "a factor model of 5,000 instruments, one core", records)
    keep("large", records)
    return 0


if __name__ == "__main__":
    sys.exit(main())
