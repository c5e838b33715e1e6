import os
import signal
import socket
import stat
import subprocess
import time
from contextlib import suppress
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest

from assetmix.stack import valkey
from assetmix.stack.child import run_to_end
from assetmix.stack.home import Home, StackError, open_home, read_secrets
from assetmix.stack.place import find_place, give
from assetmix.stack.ports import free_port
from assetmix.stack.wheels import valkey_server


def test_a_second_start_is_quick_and_keeps_what_was_written(home_folder, serving, query):
    with serving(home_folder) as (_, addresses):
        query(addresses.database_url, "create table kept (value integer)")
        query(addresses.database_url, "insert into kept values (42)")
        assert ask(addresses.redis_url, "SET kept 42") == "+OK"

    began = time.monotonic()
    with serving(home_folder) as (_, addresses):
        seconds = time.monotonic() - began
        assert query(addresses.database_url, "select value from kept") == [(42,)]
        assert ask(addresses.redis_url, "GET kept") == "42"
    assert seconds < 2


def test_the_servers_let_nobody_in_without_the_password(used_home, serving, query):
    with serving(used_home) as (_, addresses):
        with pytest.raises(Exception, match="password authentication failed"):
            query(addresses.database_url.replace(password(addresses.database_url), "wrong"), "select 1")
        assert "NOAUTH" in ask(addresses.redis_url, "GET kept", with_password=False)


def test_the_servers_listen_on_the_loopback_only(used_home, serving):
    with serving(used_home) as (supervisor, _):
        servers = [psutil.Process(supervisor.pid(name)) for name in ("postgres", "valkey")]
        listening = [
            connection.laddr.ip
            for server in servers
            for connection in server.net_connections("all")
            if connection.status == psutil.CONN_LISTEN
        ]

    assert listening == ["127.0.0.1", "127.0.0.1"]


def test_a_killed_server_comes_back_on_its_port_with_its_data(used_home, serving, query, eventually):
    with serving(used_home) as (supervisor, addresses):
        query(addresses.database_url, "create table kept as select 42 as value")
        assert ask(addresses.redis_url, "SET kept 42") == "+OK"
        # Written to the file every second.
        eventually(lambda: b"kept" in appended(used_home))
        for name in ("postgres", "valkey"):
            os.kill(supervisor.pid(name), signal.SIGKILL)

        restarted = set()
        eventually(lambda: restarted.update(supervisor.tend()) or restarted == {"postgres", "valkey"})

        eventually(lambda: supervisor.tend() or answers(query, addresses))
        assert ask(addresses.redis_url, "GET kept") == "42"


def test_no_secret_is_on_a_command_line_in_a_log_or_in_a_repr(used_home, serving):
    with serving(used_home) as (supervisor, addresses):
        secrets = read_secrets(Home(used_home))
        processes = [psutil.Process(supervisor.pid(name)) for name in ("postgres", "valkey")]
        shown = [repr(addresses), repr(secrets), *(" ".join(process.cmdline()) for process in processes)]
        shown += [log.read_text() for log in Home(used_home).logs_folder.iterdir()]

    for secret in (secrets.postgres_password, secrets.valkey_password, secrets.key_pepper):
        assert not any(secret in text for text in shown)
    assert not (used_home / "postgres.password").exists()
    assert stat.S_IMODE((used_home / "valkey" / "valkey.conf").stat().st_mode) == 0o600


def test_given_addresses_are_taken_and_nothing_is_started(home_folder, monkeypatch, serving):
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:secret@db/assetmix")
    monkeypatch.setenv("REDIS_URL", "redis://queue/0")

    with serving(home_folder) as (supervisor, addresses):
        assert addresses.database_url == "postgresql://someone:secret@db/assetmix"
        assert addresses.redis_url == "redis://queue/0"
        assert not Home(home_folder).postgres_folder.exists()
        with pytest.raises(StopIteration):
            supervisor.pid("valkey")


def test_a_redis_server_of_ones_own_is_used(home_folder, monkeypatch, serving):
    own = home_folder.with_name("redis-server")
    own.symlink_to(valkey_server())
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/assetmix")
    monkeypatch.setenv("REDIS_SERVER", str(own))

    with serving(home_folder) as (supervisor, _):
        assert any("redis-server" in word for word in psutil.Process(supervisor.pid("valkey")).cmdline())


def test_a_redis_server_that_does_not_exist_is_named(home_folder, monkeypatch):
    monkeypatch.setenv("REDIS_SERVER", "no-such-server")

    with open_home(home_folder) as home, pytest.raises(StackError, match="REDIS_SERVER=no-such-server"):
        valkey.valkey_spec(home, "password", 1)


def test_a_note_that_names_a_stranger_does_not_stop_postgres(used_home, serving, query):
    with serving(used_home):
        note = (Home(used_home).postgres_folder / "postmaster.pid").read_text()
    owner = Home(used_home).postgres_folder.stat().st_uid
    stranger = subprocess.Popen(["sleep", "1000"], **({"user": owner} if os.geteuid() == 0 else {}))
    stale = Home(used_home).postgres_folder / "postmaster.pid"
    stale.write_text("\n".join([str(stranger.pid), *note.splitlines()[1:]]))
    os.chown(stale, owner, -1)

    try:
        with serving(used_home) as (_, addresses):
            assert query(addresses.database_url, "select 1") == [(1,)]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_postgres_that_still_runs_on_the_data_is_stopped_first(used_home, serving, query, gone):
    place = find_place(Home(used_home))
    start = [str(place.binaries / "pg_ctl"), "start", "-w", "-D", str(place.data)]
    options = ["-o", f"-p {free_port()} -c unix_socket_directories=", "-l", str(place.data / "old.log")]
    give(place.data, place.account)
    assert run_to_end([*start, *options], place.account).returncode == 0
    earlier = psutil.Process(int((place.data / "postmaster.pid").read_text().split()[0]))

    with serving(used_home) as (_, addresses):
        assert gone([earlier])
        assert query(addresses.database_url, "select 1") == [(1,)]


def test_wider_permissions_on_the_data_do_not_stop_postgres(used_home, serving):
    Home(used_home).postgres_folder.chmod(0o755)

    with serving(used_home):
        assert stat.S_IMODE(Home(used_home).postgres_folder.stat().st_mode) == 0o700


def test_a_first_start_that_was_cut_short_is_begun_anew(home_folder, serving, query):
    with open_home(home_folder) as home:
        (home.folder / "postgres.new").mkdir()
        (home.folder / "postgres.new" / "half").write_text("")

    with serving(home_folder) as (_, addresses):
        assert query(addresses.database_url, "select current_database()::text") == [("assetmix",)]


def test_a_folder_that_is_not_a_database_is_left_alone(home_folder, serving):
    with open_home(home_folder) as home:
        home.postgres_folder.mkdir()
        (home.postgres_folder / "letters.txt").write_text("dear")

    with pytest.raises(StackError, match="holds something that is not a database"), serving(home_folder):
        pass

    assert (home.postgres_folder / "letters.txt").read_text() == "dear"


@pytest.fixture
def other_run(used_home, script):
    """Give a run in a process of its own, with the processes below it; it has written one row."""
    run = script("start_servers.py", used_home, "create table kept as select 42 as value", "wait")
    assert [run.stdout.readline().strip() for _ in range(2)][1] == "waiting"
    return run, psutil.Process(run.pid).children(recursive=True)


def test_a_killed_run_leaves_no_child_and_the_next_one_starts(other_run, used_home, serving, query, gone):
    run, children = other_run

    run.kill()
    run.wait()

    # At once, while the servers may still be stopping.
    with serving(used_home) as (_, addresses):
        assert query(addresses.database_url, "select value from kept") == [(42,)]
        assert gone(children)


def test_a_run_killed_with_all_its_servers_starts_again(other_run, used_home, serving, query):
    run, children = other_run

    run.kill()
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    run.wait()

    with serving(used_home) as (_, addresses):
        assert query(addresses.database_url, "select value from kept") == [(42,)]


def test_servers_end_with_a_killed_run_before_the_next_one(other_run, gone, eventually):
    run, children = other_run

    run.kill()
    run.wait()

    eventually(lambda: gone(children))


def ask(url, command, *, with_password=True):
    """Send one command over the wire and give the last line of the answer."""
    with socket.create_connection(("127.0.0.1", urlsplit(url).port), 5) as connection:
        login = f"AUTH {password(url)}\r\n" if with_password else ""
        connection.sendall(f"{login}{command}\r\nQUIT\r\n".encode())
        answer = b""
        while piece := connection.recv(4096):
            answer += piece
    return answer.decode().removesuffix("+OK\r\n").strip().splitlines()[-1]


def password(url):
    return urlsplit(url).password


def appended(home_folder):
    return b"".join(file.read_bytes() for file in (home_folder / "valkey" / "appendonlydir").iterdir())


def answers(query, addresses):
    try:
        return query(addresses.database_url, "select value from kept") == [(42,)]
    except (OSError, asyncpg.PostgresError):
        return False
