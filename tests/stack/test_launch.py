import signal
import socket

import psutil
import pytest

from assetmix.stack.home import Home, open_home, read_secrets


@pytest.fixture
def launched(script, used_home, port):
    """Launch the fake stack and wait until its foreground speaks."""

    def start(foreground="announce"):
        process = script("launch_fake.py", used_home, port, foreground)
        process.greeting = process.stdout.readline()
        return process

    return start


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_with_success(launched, gone, number):
    run = launched()
    processes = psutil.Process(run.pid).children(recursive=True)

    run.send_signal(number)
    errors = run.communicate(timeout=30)[1]

    assert (run.returncode, errors) == (0, "")
    # Postgres and Valkey have processes of their own beside the five children.
    assert len(processes) >= 7
    assert gone(processes)


def test_a_second_interrupt_leaves_nothing_behind(launched, gone):
    run = launched("linger")
    processes = psutil.Process(run.pid).children(recursive=True)

    for _ in range(20):
        run.send_signal(signal.SIGINT)
    errors = run.communicate(timeout=30)[1]

    assert (run.returncode, errors) == (0, "")
    assert gone(processes)


def test_an_interrupt_during_the_start_leaves_nothing_behind(script, used_home, port, gone, eventually):
    run = script("launch_fake.py", used_home, port, "announce")
    supervisor = psutil.Process(run.pid)
    eventually(lambda: "postgres" in " ".join(names(supervisor)))
    processes = supervisor.children(recursive=True)

    run.send_signal(signal.SIGINT)
    output, errors = run.communicate(timeout=30)

    assert (run.returncode, output, errors) == (0, "", "")
    assert gone(processes)


def test_the_number_of_the_foreground_ends_the_stack(launched):
    run = launched("finish")

    run.communicate(timeout=30)

    assert run.returncode == 7


def test_a_failure_of_the_foreground_stops_everything_and_is_shown(launched, used_home):
    run = launched("fail")

    errors = run.communicate(timeout=30)[1]

    assert run.returncode == 1
    assert "ValueError: the demo broke" in errors
    # Nothing of it is left, or the record would hold it.
    assert '"children": []' in Home(used_home).children_file.read_text()


def test_a_killed_child_comes_back_while_the_foreground_runs(launched, port, eventually):
    run = launched()
    api = psutil.Process(listener(run, port))

    api.kill()

    eventually(lambda: listener(run, port) not in {None, api.pid})


def test_a_killed_supervisor_leaves_no_child_and_the_next_launch_works(launched, gone, eventually):
    run = launched()
    processes = psutil.Process(run.pid).children(recursive=True)
    helpers = {process for process in processes if process.name() == "sleep"}

    run.kill()
    run.wait()

    # The helpers of the fake worker lose their parent, and are left to the next launch.
    eventually(lambda: gone(set(processes) - helpers))
    again = launched("finish")
    again.communicate(timeout=30)
    assert again.returncode == 7
    assert gone(processes)


def test_a_taken_port_is_refused_in_one_line(script, used_home, port):
    with socket.create_server(("127.0.0.1", port)):
        run = script("launch_fake.py", used_home, port, "announce")
        output, errors = run.communicate(timeout=30)

    assert (run.returncode, output) == (1, "")
    assert errors == f"refused: port {port} is taken; set PORT=… to another one\n"


def test_a_second_launch_on_the_same_home_is_refused_in_one_line(script, used_home, port):
    with open_home(used_home):
        run = script("launch_fake.py", used_home, port, "announce")
        errors = run.communicate(timeout=30)[1]

    assert run.returncode == 1
    assert errors.startswith(f"refused: {used_home} is in use by process ")
    assert errors.count("\n") == 1


def test_a_failed_migration_is_refused_in_one_line_without_the_password(script, used_home, port):
    run = script("launch_fake.py", used_home, port, "broken")
    errors = run.communicate(timeout=30)[1]
    with open_home(used_home) as home:
        secrets = read_secrets(home)

    assert run.returncode == 1
    assert "migrate failed: cannot: postgresql://assetmix:***@127.0.0.1" in errors
    assert secrets.postgres_password not in errors
    assert errors.count("\n") == 1


def test_what_the_foreground_is_given_shows_no_secret(launched, used_home, port):
    run = launched("finish")
    run.communicate(timeout=30)
    with open_home(used_home) as home:
        secrets = read_secrets(home)

    assert f"http://127.0.0.1:{port}" in run.greeting
    for secret in (secrets.postgres_password, secrets.valkey_password, secrets.key_pepper):
        assert secret not in run.greeting


def names(process):
    try:
        return [child.name() for child in process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def listener(run, port):
    """Give the process that listens on the port, if there is one."""
    for process in psutil.Process(run.pid).children(recursive=True):
        try:
            connections = process.net_connections("inet")
        except psutil.Error:
            continue
        if any(link.laddr.port == port and link.status == psutil.CONN_LISTEN for link in connections):
            return process.pid
    return None
