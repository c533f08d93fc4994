"""Draws the logo, the icon and the card of the book from its own data: ``python -m lib.book.artwork``.

The pictures are tracked in ``_static``; a test draws them again.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from lib import plotting
from lib.linear import theory
from lib.linear.datasets import Dataset

PLUS, MINUS, IDENTITY = plotting.CLASS_COLOURS[0], plotting.CLASS_COLOURS[1], plotting.CLASS_COLOURS[2]
TITLE = "On the Specialization\nof Neural Modules"
SUBTITLE = "A paper reproduced figure by figure,\nwith every number checked"


def emblem(axes: Axes, n_x: int) -> None:
    """The input matrix of a dataset: shared features above, an identity of its own for each example below."""
    dataset = Dataset(n_x=n_x, n_y=1, k_x=1, k_y=1, r=1.0)
    for row, values in enumerate(dataset.X):
        colours = [PLUS, MINUS] if row < n_x else [IDENTITY, None]
        for column, value in enumerate(values):
            colour = colours[0] if value > 0 else colours[1]
            if colour and value != 0:
                box = plt.Rectangle((column + 0.06, row + 0.06), 0.88, 0.88, facecolor=colour, linewidth=0)
                axes.add_patch(box)
    rows, columns = dataset.X.shape
    side = max(rows, columns)
    left = (columns - side) / 2
    axes.set(xlim=(left, left + side), ylim=(side, 0), aspect="equal")
    axes.set_axis_off()


def logo(path: Path, n_x: int = 2) -> None:
    """The emblem alone, square and transparent, as SVG."""
    figure = plt.figure(figsize=(1, 1), layout="none")
    emblem(figure.add_axes((0, 0, 1, 1)), n_x)
    with plt.rc_context({"savefig.bbox": None, "svg.hashsalt": "logo"}):
        figure.savefig(path, transparent=True, metadata={"Date": None})
    plt.close(figure)


def card(path: Path) -> None:
    """The picture that is shown where a page is shared: title, emblem and the deep network's course."""
    dataset = Dataset(n_x=3, n_y=1, k_x=3, k_y=1, r=1.0)
    times = np.linspace(0, 300, 400)
    course = theory.deep_trajectory(dataset, times, 1e-6, 0.02)
    figure = plt.figure(figsize=(12, 6.3), dpi=100, layout="none", facecolor="white")
    emblem(figure.add_axes((0.042, 0.66, 0.11, 0.25)), 2)
    figure.text(0.06, 0.36, TITLE, fontsize=34, fontweight="bold", linespacing=1.25)
    figure.text(0.06, 0.15, SUBTITLE, fontsize=20, color=plotting.NEUTRAL, linespacing=1.4)
    axes = figure.add_axes((0.6, 0.16, 0.36, 0.68))
    for kind, colour in enumerate(plotting.CLASS_COLOURS):
        axes.plot(times, course[:, kind], color=colour, linewidth=6)
    axes.set(xlim=(0, 300), ylim=(0, 1), xticks=[], yticks=[])
    axes.set_xlabel("time", fontsize=18)
    axes.set_ylabel("learned", fontsize=18)
    axes.spines[["top", "right"]].set_visible(False)
    with plt.rc_context({"savefig.bbox": None}):
        figure.savefig(path, dpi=100, metadata={"Software": None})
    plt.close(figure)


def draw(folder: Path) -> list[Path]:
    """Draw everything into a folder; return the files."""
    files = [folder / "logo.svg", folder / "card.png"]
    logo(files[0])
    card(files[1])
    return files


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "_static"
    print("\n".join(map(str, draw(folder))))
