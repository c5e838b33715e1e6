"""Measurements, run by `make bench`: on one core, so that CPU and seconds are the same thing."""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
