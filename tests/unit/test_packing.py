"""Packed texts come back as they were, and what is no packet is refused."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetmix.codec.packing import packed, unpacked


@given(st.binary(max_size=2_000))
def test_a_text_comes_back(text: bytes) -> None:
    assert unpacked(packed(text)) == text


def test_half_a_packet_is_refused() -> None:
    packet = packed(b'{"weights": {"A": 0.5, "B": 0.5}}' * 50)

    assert len(packet) < 50 * 33 / 10
    with pytest.raises(zlib.error):
        unpacked(packet[: len(packet) // 2])
