"""What a solver says of a program, whatever its own words are."""

from typing import Literal

Verdict = Literal["solved", "inaccurate", "timed_out", "infeasible", "unbounded", "failed"]
