"""Bands, rows and numbers in words."""

import numpy as np
import pytest

from assetmix.optimization.limit import Band, percent


def test_band_with_two_bounds_has_two_rows_in_the_order_of_its_breaches() -> None:
    band = Band(0.1, 0.3)

    labels = [row.label for row in band.rows("x", "weight")]

    assert labels == ["weight is at least 10 %", "weight is at most 30 %"]
    assert band.breach(0.05) == pytest.approx([0.05, 0.0])
    assert band.breach(0.5) == pytest.approx([0.0, 0.2])
    assert band.breach(0.2) == pytest.approx([0.0, 0.0])


def test_equal_bounds_make_one_row() -> None:
    band = Band(0.2, 0.2)

    assert [row.label for row in band.rows("x", "weight")] == ["weight is exactly 20 %"]
    assert band.breach(0.25) == pytest.approx([0.05])


def test_band_without_bounds_has_no_rows() -> None:
    assert Band(None, None).rows("x", "weight") == ()
    assert Band(None, None).breach(1.0).size == 0


def test_many_numbers_give_all_lower_rows_then_all_upper_ones() -> None:
    assert Band(0.1, 0.3).breach_each(np.array([0.0, 0.5])) == pytest.approx([0.1, 0.0, 0.0, 0.2])


@pytest.mark.parametrize(("value", "words"), [(0.05, "5 %"), (0.0125, "1.25 %"), (1 / 3, "33.3333 %"), (0.0, "0 %")])
def test_fractions_read_as_percent(value: float, words: str) -> None:
    assert percent(value) == words
