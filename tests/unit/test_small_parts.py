"""Keys, cursors, memories, names, frames, CSV and snapshots as bytes."""

import datetime as dt
import io
from dataclasses import replace

import numpy as np
import pytest

from assetmix.api.paging import after, clamp, page
from assetmix.api.problems import Problem
from assetmix.codec.documents import canonical
from assetmix.codec.snapshots import content_digest, read_snapshot, write_snapshot
from assetmix.errors import InvalidRequest
from assetmix.jobs.frames import Frame, read_frame
from assetmix.marketdata.csv_source import read_csv
from assetmix.marketdata.rows import PriceRow
from assetmix.optimization.memory import Memory
from assetmix.services.keys import checksum, hash_key, make_key
from assetmix.services.names import require_name
from tests.makers import make_snapshot


def test_a_key_says_by_itself_whether_it_was_mistyped() -> None:
    key = make_key()

    body, check = key.text[:-6], key.text[-6:]
    assert checksum(body) == check
    assert checksum(body[:-1] + ("a" if body[-1] != "a" else "b")) != check
    assert key.text not in repr(key)


def test_the_hash_of_a_key_depends_on_the_pepper() -> None:
    assert hash_key("am_live_x", "pepper") != hash_key("am_live_x", "other")


def test_cursors_belong_to_their_list() -> None:
    given = page(["a", "b"], 2, "portfolios", "b")

    assert after(given["next"], "portfolios", "") == "b"
    assert page(["a"], 2, "portfolios", "a")["next"] is None
    for forged in (given["next"][:-3], "x", "WzFd", given["next"]):
        with pytest.raises(Problem) as refused:
            after(forged, "strategies", 0)
        assert refused.value.code == "invalid-cursor"


def test_page_sizes_are_clamped_above_and_refused_below() -> None:
    assert clamp(10**9) == 200
    for size in (0, -1):
        with pytest.raises(Problem):
            clamp(size)


def test_memory_forgets_what_was_not_used_for_longest() -> None:
    memory = Memory(2)
    memory.keep("a", 1)
    memory.keep("b", 2)
    memory.recall("a", int)
    memory.keep("c", 3)

    assert "a" in memory
    assert "b" not in memory
    assert len(memory) == 2


def test_memory_forgets_the_older_half_when_the_process_is_full() -> None:
    full = False
    memory = Memory(10, lambda: full)
    for name in "abcd":
        memory.keep(name, name)
    full = True
    memory.keep("e", "e")

    assert [name for name in "abcde" if name in memory] == ["c", "d", "e"]
    assert memory.recall("e", str) == "e"


@pytest.mark.parametrize("name", ["", "a/b", "x" * 129, "a\nb", "P01M81ZCVTHWX177EKD1JB15E94"])
def test_names_that_could_be_confused_are_refused(name: str) -> None:
    with pytest.raises(InvalidRequest):
        require_name(name, "portfolio")


@pytest.mark.parametrize("name", ["a", "Ada's savings", "x" * 128, "日本", "p01m81zcvthwx177ekd1jb15e94"])
def test_ordinary_names_are_taken(name: str) -> None:
    require_name(name, "portfolio")


def test_frames_come_out_as_they_went_in_and_a_cut_one_is_none() -> None:
    packed = Frame({"a": [1, "ü"]}, b"\x00\x01").pack()

    assert read_frame(io.BytesIO(packed)) == Frame({"a": [1, "ü"]}, b"\x00\x01")
    assert read_frame(io.BytesIO(packed[:-1])) is None
    assert read_frame(io.BytesIO(b"")) is None


def rows_of(text: str) -> list[PriceRow]:
    return [row for batch in read_csv(io.StringIO(text, newline="")) for row in batch]


def test_wide_csv_leaves_empty_cells_out() -> None:
    rows = rows_of("date,A,B\n2024-01-02,1.5,\n2024-01-03,1.6,2\n")

    assert [row[:3] for row in rows] == [
        ("A", dt.date(2024, 1, 2), 1.5),
        ("A", dt.date(2024, 1, 3), 1.6),
        ("B", dt.date(2024, 1, 3), 2.0),
    ]


def test_long_csv_takes_the_columns_it_has() -> None:
    rows = rows_of("date,instrument,close,volume,adjusted_close\n2024-01-02,A,10,1000,9.5\n")

    assert rows == [("A", dt.date(2024, 1, 2), 10.0, 9.5, None, None, None, 1000.0)]


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ("", "/line/1"),
        ("day,A\n2024-01-02,1\n", "/line/1"),
        ("date,A\n2024-13-02,1\n", "/line/2/date"),
        ('date,A\n2024-01-02,"1,5"\n', "/line/2/A"),
        ("date,A\n2024-01-02,1,2\n", "/line/2"),
        ("date,instrument,price\n2024-01-02,A,1\n", "/line/1"),
        ("date,instrument,close\n2024-01-02,A,\n", "/line/2/close"),
    ],
)
def test_cells_that_cannot_be_read_are_named(text: str, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        rows_of(text)

    assert refused.value.faults[0].pointer == pointer


def test_snapshots_survive_their_bytes_and_equal_ones_have_equal_names() -> None:
    snapshot = make_snapshot()
    holed = replace(snapshot, history=np.where(snapshot.history > 900, np.nan, snapshot.history))

    again = read_snapshot(write_snapshot(holed))

    assert again.instruments == holed.instruments
    assert again.as_of == holed.as_of
    np.testing.assert_array_equal(again.history, holed.history)
    np.testing.assert_array_equal(again.dates, holed.dates)
    assert content_digest(write_snapshot(again)) == content_digest(write_snapshot(holed))
    assert content_digest(write_snapshot(snapshot)) != content_digest(write_snapshot(holed))


def test_canonical_json_does_not_depend_on_the_order_of_members() -> None:
    assert canonical({"b": 1, "a": {"d": 2, "c": [{"y": 1, "x": 2}]}}) == canonical(
        {"a": {"c": [{"x": 2, "y": 1}], "d": 2}, "b": 1}
    )
