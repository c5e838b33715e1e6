"""Memory that a process has in use."""

import resource
from pathlib import Path


def resident_mb(process: int | str = "self") -> float:
    """Megabytes of memory in use by a process, this one unless another is named; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / 2**20
