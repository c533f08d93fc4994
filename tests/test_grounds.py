"""Figures on two grounds: what can be read on white can be read on black, and values keep their meaning."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from pictures import contrast, faint, ground, luminance

from lib import grounds, plotting

HARD = ("#fde725", "#e69f00", "#f0e442", "0.8", "#999933", "#000000", "#332288")  # yellow, pale, dark


def draw():
    figure, axes = plt.subplots()
    for place, colour in enumerate(HARD):
        axes.plot([0, 1], [place, place + 1], color=colour, alpha=0.4)
        axes.plot([0.5], [place], "o", color=colour, alpha=0.3)
        axes.hlines(place + 0.5, 0, 1, color=colour, alpha=0.5)
    axes.scatter([0, 1], [2, 3], color=[HARD[0], HARD[3]])
    axes.errorbar([0, 1], [4, 5], yerr=0.3, color=HARD[1])
    axes.legend(["one"])
    return figure


@pytest.fixture
def both(monkeypatch):
    shown = {}
    monkeypatch.setattr(plotting, "display", lambda data, **more: shown.update(data))
    plotting.save(draw(), "figure")
    return shown["image/svg+xml"], shown[plotting.DARK_SVG]


def test_every_line_and_marker_stands_out_on_both_grounds(both):
    light, dark = both
    assert ground(light) == grounds.LIGHT
    assert ground(dark) == grounds.DARK
    assert faint(light) == []
    assert faint(dark) == []


def test_the_measure_notices_what_is_faint(monkeypatch):
    shown = {}
    monkeypatch.setattr(plotting, "display", lambda data, **more: shown.update(data))
    monkeypatch.setattr(grounds, "make_readable", lambda *arguments: None)
    plotting.save(draw(), "figure")
    assert len(faint(shown["image/svg+xml"])) > 10
    assert len(faint(shown[plotting.DARK_SVG])) > 5


def test_contrast_is_that_of_the_standard():
    assert grounds.contrast("black") == pytest.approx(21)
    assert grounds.contrast("#777777") == pytest.approx(4.48, abs=0.01)  # the example everybody quotes
    assert grounds.contrast((0, 0, 0, 0.5)) == pytest.approx(contrast("#000000", "#ffffff", 0.5), rel=0.02)


def test_a_diverging_map_has_its_zero_near_the_ground_and_keeps_its_colours():
    given, made = plt.colormaps["RdBu_r"], grounds.counterpart("RdBu_r")
    for sign in (0.0, 1.0):
        here, there = given(sign)[:3], made(sign)[:3]
        assert np.argmax(here) == np.argmax(there)  # red stays red, blue stays blue
    lights = grounds.luminance(made(np.linspace(0, 1, 101))[:, :3])
    assert lights.argmin() in range(45, 56)
    assert np.all(np.diff(lights[:46]) < 1e-3)
    assert np.all(np.diff(lights[55:]) > -1e-3)


def test_a_scale_of_values_is_the_same_on_both_grounds():
    assert grounds.counterpart("viridis") == plt.colormaps["viridis"]


def test_a_picture_is_no_negative_in_the_dark():
    assert grounds.counterpart("gray") == plt.colormaps["gray"]


OWN = [*plotting.CLASS_COLOURS, *plotting.QUADRANT_COLOURS.values(), *plotting.ARCHITECTURE_COLOURS.values()]


@pytest.mark.parametrize(
    "colour", [*OWN, plotting.NEUTRAL, *map(to_hex, plotting.shades(5)), np.array([0.2, 0.5, 0.4])]
)
def test_a_prediction_is_seen_over_its_simulation_on_both_grounds(monkeypatch, colour):
    shown = {}
    monkeypatch.setattr(plotting, "display", lambda data, **more: shown.update(data))
    figure, axes = plt.subplots()
    plotting.simulated(axes, [0, 1], [0, 1], to_hex(colour))
    plotting.predicted(axes, [0, 1], [0, 1], colour)
    plotting.save(figure, "figure")
    for kind in ("image/svg+xml", plotting.DARK_SVG):
        strokes = [
            re.search(r"stroke: (#\w{6})", line)[1]
            for line in re.findall(r"<path[^>]*clip-path[^>]*>", shown[kind])
            if "stroke-linecap: square" not in line or "stroke-dasharray" in line or "stroke-width: 3" in line
        ]
        wide, dashed = strokes[-2:]
        assert contrast(dashed, wide) > 1.65, (kind, wide, dashed)


def test_ink_on_paper_turns_round():
    light, dark = plt.colormaps["gray_r"], grounds.counterpart("gray_r")
    for shade in (light, dark):
        order = grounds.luminance(shade(np.linspace(0, 1, 11))[:, :3])
        steps = np.diff(order)
        assert np.all(steps < 0) or np.all(steps > 0)
    paper = "#{:02x}{:02x}{:02x}".format(*(round(255 * c) for c in dark(0.0)[:3]))
    assert luminance(paper) == pytest.approx(luminance(grounds.DARK), abs=1e-3)
