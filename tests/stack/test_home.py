import json
import os
import secrets
import shutil
import stat
import subprocess
import sys

import psutil
import pytest

from assetmix.stack.home import Home, StackError, open_home, read_secrets
from assetmix.stack.home import home_folder as find_home_folder
from assetmix.stack.leftovers import MARK, Trace, start_of, stop_leftovers, write_traces


def test_secrets_are_made_once_and_kept(home_folder):
    with open_home(home_folder) as home:
        first = read_secrets(home)
    with open_home(home_folder) as home:
        second = read_secrets(home)

    assert first == second
    assert len({first.postgres_password, first.valkey_password, first.key_pepper}) == 3


def test_secrets_are_shown_nowhere_and_readable_by_the_owner_only(home_folder):
    with open_home(home_folder) as home:
        secrets = read_secrets(home)

    assert secrets.key_pepper not in repr(secrets)
    assert secrets.postgres_password not in str(secrets)
    assert stat.S_IMODE(home.secrets_file.stat().st_mode) == 0o600
    assert not stat.S_IMODE(home.folder.stat().st_mode) & 0o066


def test_a_home_in_use_is_refused_with_the_process_that_has_it(home_folder):
    with open_home(home_folder), pytest.raises(StackError) as refusal, open_home(home_folder):
        pass

    assert str(os.getpid()) in str(refusal.value)
    assert str(home_folder) in str(refusal.value)


def test_a_home_can_be_opened_again_after_it_was_closed(home_folder):
    with open_home(home_folder):
        pass

    with open_home(home_folder) as home:
        assert home == Home(home_folder)


def test_lost_secrets_of_an_existing_database_are_not_made_anew(home_folder):
    with open_home(home_folder) as home:
        home.postgres_folder.mkdir()
        home.secrets_file.unlink()

    with pytest.raises(StackError, match="restore the file"), open_home(home_folder):
        pass


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"key_pepper": "x"}'])
def test_damaged_secrets_are_named(home_folder, text):
    with open_home(home_folder) as home:
        home.secrets_file.write_text(text)

    with pytest.raises(StackError, match="damaged"), open_home(home_folder):
        pass


def test_a_file_in_the_place_of_the_home_is_named(home_folder):
    home_folder.write_text("")

    with pytest.raises(StackError, match="ASSETMIX_HOME"), open_home(home_folder):
        pass


def test_the_environment_says_where_the_home_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert find_home_folder({"ASSETMIX_HOME": "/elsewhere"}).as_posix() == "/elsewhere"
    assert find_home_folder({}) == tmp_path / ".assetmix"


def test_what_an_earlier_run_left_is_ended_when_the_home_is_opened(home_folder, gone, sleeper):
    with open_home(home_folder) as home:
        write_traces(home.children_file, "run", [sleeper.trace])

    with open_home(home_folder):
        assert gone([psutil.Process(sleeper.pid)])


def test_the_copy_of_a_home_leaves_the_processes_of_the_original_alone(home_folder, gone, sleeper):
    with open_home(home_folder) as home:
        write_traces(home.children_file, "run", [sleeper.trace])
    copy = shutil.copytree(home_folder, home_folder.with_name("copy"))

    with open_home(copy):
        assert not gone([psutil.Process(sleeper.pid)])


def test_a_process_that_only_has_the_same_id_is_left_alone(home_folder, gone, sleeper):
    with open_home(home_folder) as home:
        write_traces(home.children_file, "run", [Trace("api", sleeper.pid, "another start", 15)])

    assert stop_leftovers(home.children_file) == []
    assert not gone([psutil.Process(sleeper.pid)])


@pytest.mark.skipif(sys.platform != "linux", reason="the mark is read from /proc")
def test_a_helper_that_lost_its_parent_is_known_by_the_mark_of_its_run(home_folder, gone, sleeper):
    with open_home(home_folder) as home:
        write_traces(home.children_file, sleeper.run, [Trace("worker", 2**22 + 1, "ended long ago", 15)])

    with open_home(home_folder):
        assert gone([psutil.Process(sleeper.pid)])


def test_a_damaged_record_of_children_does_not_keep_a_home_shut(home_folder):
    with open_home(home_folder) as home:
        home.children_file.write_text(json.dumps({"file": 1})[:-3])

    with open_home(home_folder):
        pass


@pytest.fixture
def sleeper():
    run = secrets.token_hex(16)
    process = subprocess.Popen(["sleep", "1000"], start_new_session=True, env={**os.environ, MARK: run})
    process.run = run
    process.trace = Trace("worker", process.pid, start_of(process.pid), 15)
    yield process
    process.kill()
    process.wait()
