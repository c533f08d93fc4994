"""Saving figures: deterministic, only for the build, never one over another."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lib import plotting


def draw():
    figure, axes = plt.subplots()
    plotting.simulated(axes, [0, 1, 2], [[0, 1, 2], [0, 2, 4]], plotting.NEUTRAL)
    plotting.predicted(axes, [0, 1, 2], [0, 1, 2], plotting.NEUTRAL)
    plotting.legend(axes, ["a"], ["#0072B2"])
    return figure


def test_same_figure_same_bytes(tmp_path, monkeypatch):
    for copy in ("first", "second"):
        (tmp_path / copy).mkdir()
        monkeypatch.setenv("BOOK_FIGURES", str(tmp_path / copy))
        plotting.save(draw(), "figure")
    first, second = (tmp_path / copy / "figure.svg" for copy in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    assert b"<svg" in first.read_bytes()
    assert b"<dc:date>" not in first.read_bytes()


def test_a_name_is_used_once(tmp_path, monkeypatch):
    monkeypatch.setenv("BOOK_FIGURES", str(tmp_path))
    plotting.save(draw(), "figure")
    with pytest.raises(ValueError, match="'figure' exists already"):
        plotting.save(draw(), "figure")


def test_a_reader_writes_no_files(tmp_path, monkeypatch):
    monkeypatch.delenv("BOOK_FIGURES", raising=False)
    monkeypatch.chdir(tmp_path)
    plotting.save(draw(), "figure")
    assert not list(tmp_path.iterdir())
    assert not plt.get_fignums()


def test_runs_lie_at_the_same_places_on_every_drawing():
    found = {"kind": np.linspace(0, 1, 30).reshape(10, 3)}
    places = []
    for _ in range(2):
        figure, axes = plt.subplots()
        plotting.runs(axes, found, ["a", "b", "c"], plotting.CLASS_COLOURS)
        places.append([np.array(dots.get_offsets()) for dots in axes.collections])
        plt.close(figure)
    assert len(places[0]) >= 3
    for first, second in zip(*places):
        np.testing.assert_array_equal(first, second)
