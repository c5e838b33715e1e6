"""Keeps a helper process of its own, as a pool does, and waits."""

import subprocess
import time

subprocess.Popen(["sleep", "1000"])
while True:
    time.sleep(1000)
