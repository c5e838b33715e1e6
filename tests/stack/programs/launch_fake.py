"""Launches a stack whose own processes are the fake ones: HOME PORT FOREGROUND."""

import sys
import time
from pathlib import Path

from assetmix.stack.home import StackError
from assetmix.stack.launch import LaunchOptions, Program, launch

HERE = Path(__file__).parent


def program(options):
    worker = (sys.executable, str(HERE / "fake_worker.py"))
    serve = (sys.executable, str(HERE / "fake_api.py"), str(options.port))
    return Program((sys.executable, str(HERE / "fake_migrate.py")), worker, worker, serve)


def broken_program(_options):
    failing = (sys.executable, "-c", "import os, sys; sys.exit('cannot: ' + os.environ['DATABASE_URL'])")
    return Program(failing, failing, failing, failing)


def say(running):
    sys.stdout.write(f"serving {running}\n")
    sys.stdout.flush()


def announce(running):
    say(running)


def finish(running):
    say(running)
    return 7


def fail(_running):
    message = "the demo broke"
    raise ValueError(message)


def linger(running):
    say(running)
    time.sleep(1000)


FOREGROUNDS = {"announce": announce, "finish": finish, "fail": fail, "linger": linger, "broken": None}

chosen = sys.argv[3]
options = LaunchOptions(Path(sys.argv[1]), int(sys.argv[2]), program=broken_program if chosen == "broken" else program)
try:
    code = launch(options, FOREGROUNDS[chosen])
except StackError as error:
    sys.exit(f"refused: {error}")
sys.exit(code)
