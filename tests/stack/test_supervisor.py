import os
import signal
import socket
import stat
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from assetmix.stack.child import Child, ChildSpec
from assetmix.stack.home import StackError
from assetmix.stack.ports import free_port, require_free
from assetmix.stack.supervisor import StopRequested, Supervisor


@pytest.fixture
def spec(tmp_path):
    def make(name, command, **options):
        return ChildSpec(name=name, argv=("sh", "-c", command), log_file=tmp_path / f"{name}.log", **options)

    return make


def test_children_stop_in_reverse_order(spec, tmp_path):
    def child(name):
        trap = f"trap 'echo {name} >> {tmp_path}/order; exit' TERM; touch {tmp_path}/{name}"
        loop = "while true; do sleep 0.01; done"
        return spec(name, f"{trap}; {loop}", ready=(tmp_path / name).exists)

    with Supervisor() as supervisor:
        supervisor.start_all([child("first"), child("second")])
        supervisor.start(child("third"))

    assert (tmp_path / "order").read_text().split() == ["third", "second", "first"]


def test_a_child_that_dies_before_it_is_ready_is_named_with_its_last_words(spec):
    broken = spec("broken", "echo the disk is full; echo password hunter2; exit 3", ready=lambda: False)

    with Supervisor() as supervisor:
        supervisor.hide("hunter2")
        with pytest.raises(StackError) as refusal:
            supervisor.start(broken)

    assert "broken ended before it was ready: the disk is full | password ***" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_last_words_are_those_of_this_start(spec):
    with Supervisor() as supervisor:
        for word in ("old", "new"):
            with pytest.raises(StackError) as refusal:
                supervisor.start(spec("broken", f"echo {word}; exit 3", ready=lambda: False))

    assert "new" in str(refusal.value)
    assert "old" not in str(refusal.value)


def test_a_missing_program_is_named(spec):
    missing = ChildSpec(
        name="missing", argv=("no-such-program",), log_file=spec("missing", "").log_file, ready=lambda: False
    )

    with Supervisor() as supervisor, pytest.raises(StackError, match="No such file"):
        supervisor.start(missing)


def test_a_child_that_is_never_ready_is_refused_and_ended(spec, gone):
    slow = spec("slow", "sleep 1000", ready=lambda: False, ready_seconds=0.1)

    with Supervisor() as supervisor:
        with pytest.raises(StackError, match="slow was not ready within"):
            supervisor.start(slow)
        process = psutil.Process(supervisor.pid("slow"))

    assert gone([process])


def test_a_stop_asked_for_ends_the_wait(spec):
    with Supervisor(stop_requested=lambda: True) as supervisor, pytest.raises(StopRequested):
        supervisor.start(spec("slow", "sleep 1000", ready=lambda: False))

    with Supervisor(stop_requested=lambda: True) as supervisor, pytest.raises(StopRequested):
        supervisor.run(spec("slow", "sleep 1000"))


def test_a_command_runs_to_its_end_with_the_environment_given(spec, tmp_path):
    wanted = tmp_path / "wanted"

    Supervisor().run(spec("once", f'echo "$WORD $$" > {wanted}', environment={"WORD": "hello"}))

    assert wanted.read_text().startswith("hello ")


def test_a_command_that_fails_is_named_with_its_last_words(spec):
    with pytest.raises(StackError, match="once failed: no table"):
        Supervisor().run(spec("once", "echo no table; exit 1"))


def test_a_dead_child_is_started_again_and_the_others_left_alone(spec, eventually):
    with Supervisor() as supervisor:
        supervisor.start_all([spec("one", "sleep 1000"), spec("two", "sleep 1000")])
        first = [supervisor.pid("one"), supervisor.pid("two")]
        os.kill(first[0], signal.SIGKILL)

        assert eventually(supervisor.tend) == ["one"]
        assert supervisor.pid("one") != first[0]
        assert supervisor.pid("two") == first[1]
        assert supervisor.tend() == []


def test_a_child_that_dies_at_once_is_started_again_ever_more_slowly(spec):
    starts = []
    with Supervisor() as supervisor:
        supervisor.start(spec("brief", "exit 1"))
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            starts += supervisor.tend()
            time.sleep(0.01)

    # At once, then after 0.1, 0.2, 0.4 and 0.8 seconds.
    assert 3 <= len(starts) <= 5


def test_a_child_not_to_be_restarted_ends_the_stack(spec, eventually):
    with Supervisor() as supervisor:
        supervisor.start(spec("vital", "echo gave up; exit 4", restart=False))

        with pytest.raises(StackError, match=r"vital ended \(exit code 4\): gave up"):
            eventually(supervisor.tend)


def test_helpers_of_a_killed_child_do_not_outlive_it(spec, eventually, gone):
    with Supervisor() as supervisor:
        supervisor.start(spec("pool", "sleep 1000 & sleep 1000 & wait"))
        parent = psutil.Process(supervisor.pid("pool"))
        eventually(lambda: len(parent.children()) == 2)
        helpers = parent.children()
        parent.kill()

        eventually(supervisor.tend)

        eventually(lambda: gone(helpers))


def test_a_child_that_ignores_the_signal_is_killed(spec, gone, tmp_path):
    stubborn = spec(
        "stubborn",
        f"trap '' TERM; touch {tmp_path}/deaf; while true; do sleep 0.01; done",
        stop_seconds=0.2,
        ready=(tmp_path / "deaf").exists,
    )
    with Supervisor() as supervisor:
        supervisor.start(stubborn)
        process = psutil.Process(supervisor.pid("stubborn"))

    assert gone([process])


def test_an_impatient_interrupt_leaves_nothing_running(spec, gone, tmp_path):
    slow = f"trap 'sleep 0.5; exit' TERM; touch {tmp_path}/up; while true; do sleep 0.01; done"
    supervisor = Supervisor()
    supervisor.start(spec("one", "sleep 1000"))
    supervisor.start(spec("two", slow, ready=(tmp_path / "up").exists))
    processes = [psutil.Process(supervisor.pid(name)) for name in ("one", "two")]
    impatience = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    impatience.start()

    supervisor.stop()

    impatience.join()
    assert gone(processes)


def test_stopping_twice_is_the_same_as_once(spec):
    supervisor = Supervisor()
    supervisor.start(spec("one", "sleep 1000"))

    supervisor.stop()
    supervisor.stop()

    assert supervisor.tend() == []


def test_a_child_is_started_from_the_main_thread_only(spec):
    refusals = []

    def start():
        try:
            Child(spec("late", "sleep 1000")).start()
        except RuntimeError as refusal:
            refusals.append(str(refusal))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    assert refusals == ["late must be started from the main thread"]


@pytest.mark.skipif(sys.platform != "linux", reason="signal dispositions are read from /proc")
def test_a_child_starts_with_every_signal_at_its_default(spec, tmp_path):
    report = tmp_path / "status"

    Supervisor().run(spec("once", f"exec cat /proc/self/status > {report}"))

    ignored = next(line for line in report.read_text().splitlines() if line.startswith("SigIgn"))
    own_signals_of_glibc = 0b11 << 31  # 32 and 33: what is done with them is its own affair
    assert int(ignored.split()[1], 16) & ~own_signals_of_glibc == 0


def test_a_long_log_is_put_aside(spec):
    chatty = spec("chatty", "echo hello")
    chatty.log_file.write_bytes(b"x" * 5_000_001)

    Supervisor().run(chatty)

    assert chatty.log_file.read_text() == "hello\n"
    assert stat.S_IMODE(chatty.log_file.stat().st_mode) == 0o600
    assert Path(f"{chatty.log_file}.old").stat().st_size == 5_000_001


def test_a_port_in_use_or_impossible_is_refused():
    with socket.create_server(("127.0.0.1", free_port())) as listener:
        taken = listener.getsockname()[1]
        with pytest.raises(StackError, match=rf"port {taken} is taken; set PORT=… to another one"):
            require_free(taken)

    require_free(taken)
    with pytest.raises(StackError, match="does not exist"):
        require_free(70_000)
