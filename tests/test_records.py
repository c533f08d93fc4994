"""Curves at some epochs: which those are, and when a curve rises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.linear.curves import recorded_epochs, rise_time


def test_the_last_epoch_is_recorded_too():
    assert recorded_epochs(300, 10).tolist() == [*range(0, 300, 10), 299]


@given(st.floats(0.01, 2), st.floats(0, 1), st.floats(0.05, 0.95))
def test_a_straight_line_rises_where_it_must(slope, start, part):
    epochs = np.array([0, 10, 20, 25])
    level = start + slope * 25 * part
    assert rise_time(epochs, start + slope * epochs, level) == pytest.approx(25 * part)


def test_each_curve_has_its_level_and_the_first_passage_counts():
    curves = [[[0, 2, 0, 2], [0, 0, 0, 1]], [[4, 5, 6, 7], [0, 0, 0, 0.5]]]
    found = rise_time([0, 1, 2, 4], curves, [1, 1])
    np.testing.assert_array_equal(found, [[0.5, 4], [0, np.nan]])
