"""Tables of prices in Excel workbooks and Parquet files, as lines of CSV.

These formats are read by large libraries, and a file of a few bytes may unfold to anything; so they
are read in a process of their own, with limits on its memory and time. What it writes goes the
way of every CSV.
"""

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from assetmix.errors import Fault, MalformedFile

MEMORY_BYTES = 3 * 2**29
CPU_SECONDS = 200

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PARQUET = "application/vnd.apache.parquet"
NAMES = {XLSX: "Excel workbook", PARQUET: "Parquet file"}


class Unfolding:
    """A file that is being read by a process of its own."""

    def __init__(self, file: Path, media_type: str) -> None:
        self._what = NAMES[media_type]
        command = [sys.executable, "-m", "assetmix.marketdata.unfold", media_type, str(file)]
        self._reading = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, encoding="utf-8")  # noqa: S603 - our own

    def lines(self) -> Iterator[str]:
        """Give the first sheet of a workbook, or the rows of a Parquet file, as lines of CSV.

        Raises
        ------
        MalformedFile
            when the file cannot be read, or takes too much memory or time
        """
        with self._reading as reading:
            try:
                yield from reading.stdout or ()
                if reading.wait() != 0:
                    detail = f"the {self._what} cannot be read, or unfolds to too much; save it again, or as CSV"
                    raise MalformedFile(detail, [Fault("", "malformed-table", detail)])
            finally:
                reading.kill()

    def stop(self) -> None:
        """End the process; whoever reads its lines sees their end."""
        self._reading.kill()


def limit() -> None:
    """Bound what this process may take from here on."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
