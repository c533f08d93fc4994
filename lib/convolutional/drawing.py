"""Figures of trainings on Compositional MNIST."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib import plotting
from lib.convolutional.digits import Composites
from lib.convolutional.networks import COMPOSITIONAL
from lib.convolutional.profiles import Case
from lib.convolutional.settings import Settings, Size

BLOCKS = ("compositional", "non-compositional")
IGNORANCE = (0.9, 1.0)  # the error of knowing nothing, of each block
COLOURS = plotting.ARCHITECTURE_COLOURS
TITLES = {  # of records whose profiles' names are no titles
    "mnist-small": "2000 images of MNIST",
    "paper-start": "the paper’s size, first epochs",
    "paper": "the paper’s size",
}


def colour(label: str) -> str:
    """That of the architecture with which a label begins."""
    return next((c for name, c in COLOURS.items() if label.startswith(name)), plotting.NEUTRAL)


def courses(
    axes: Axes, histories: dict, part: str = "test", block: int = COMPOSITIONAL, behind: dict | None = None
) -> None:
    """One block's error over epochs: mean and range of every history; behind, paler, ranges of recorded ones."""
    for label, history in (behind or {}).items():
        course = getattr(history, part)[..., block]
        low, high = course.min(axis=0), course.max(axis=0)
        axes.fill_between(history.epochs, low, high, color=colour(label), alpha=0.15, linewidth=0)
    for label, history in histories.items():
        course = getattr(history, part)[..., block]
        plotting.simulated(axes, history.epochs, course, colour(label), label)
    axes.axhline(IGNORANCE[block], color=plotting.NEUTRAL, lw=1.2, ls=":")
    top = max(1.1, axes.get_ylim()[1])  # every error begins near 1, below the edge of its panel
    axes.set(xlabel="epoch", xlim=(0, max(h.epochs[-1] for h in histories.values())), ylim=(0, top))


def both_blocks(histories: dict, behind: dict) -> Figure:
    """Training errors above, test errors below, a column for each block."""
    figure, panels = plt.subplots(2, 2, figsize=(7.5, 5.4), sharex=True)
    for part, row in zip(("train", "test"), panels):
        for block, axes in enumerate(row):
            courses(axes, histories, part, block, behind)
            axes.set(
                title=BLOCKS[block] if part == "train" else None, xlabel=None if part == "train" else "epoch"
            )
        row[0].set_ylabel("training error" if part == "train" else "test error")
    panels[1, 1].legend(loc="lower left")
    return figure


def columns(records: dict) -> Figure:
    """A column for each record: compositional errors above, the others below; training thin, test broad."""
    size = (3.2 * max(1.5, len(records)), 5.2)
    figure, panels = plt.subplots(2, len(records), squeeze=False, figsize=size)
    for column, (name, histories) in zip(panels.T, records.items()):
        for block, axes in enumerate(column):
            courses(axes, histories, "test", block)
            for label, history in histories.items():
                mean = history.train[..., block].mean(axis=0)
                axes.plot(history.epochs, mean, color=colour(label), lw=1)
            axes.xaxis.get_major_locator().set_params(integer=True)
        column[0].set_title(TITLES.get(name, name))
        column[0].set_xlabel("")
    for title, row in zip(BLOCKS, panels):
        row[0].set_ylabel(f"{title} error")
    panels[1, 0].legend(loc="lower left")
    return figure


def panels(groups: dict) -> Figure:
    """Compositional test errors over epochs, a panel for each group of histories, on one scale."""
    figure, rows = plt.subplots(
        1, len(groups), sharey=True, figsize=(2.6 * len(groups) + 0.6, 3.1), squeeze=False
    )
    for axes, (title, histories) in zip(rows[0], groups.items()):
        for name, history in histories.items():
            course = history.test[..., COMPOSITIONAL]
            plotting.simulated(axes, history.epochs, course, colour(name), name)
        axes.axhline(IGNORANCE[0], color=plotting.NEUTRAL, lw=1.2, ls=":")
        axes.set(title=title, xlabel="epoch", ylim=(0, 1.05), xlim=(0, None))
    rows[0][0].set_ylabel("compositional test error")
    rows[0][0].legend(loc="lower left")
    return figure


def examples(composites: Composites, count: int = 4) -> Figure:
    """The first images, each with its number, and the target of the first."""
    figure = plt.figure(figsize=(7, 3.2))
    grid = figure.add_gridspec(2, count, height_ratios=(1, 1.6))
    for column in range(count):
        axes = figure.add_subplot(grid[0, column])
        axes.imshow(composites.images[column], cmap="gray_r")
        axes.set(title="".join(map(str, composites.labels[column])), xticks=[], yticks=[])
        axes.spines[:].set_visible(True)
        axes.grid(False)
    below = grid[1, :].subgridspec(1, 2, width_ratios=(1, 2))
    targets = composites.compositional[0], composites.noncompositional[0]
    for place, target, block in zip((below[0], below[1]), targets, BLOCKS):
        axes = figure.add_subplot(place)
        axes.vlines(np.arange(len(target)), 0, target, colors="black", linewidth=2)
        axes.set(xlim=(-1, len(target)), ylim=(0, 1.1 * max(1, composites.r)), xlabel=f"{block} output")
    figure.axes[count].set_ylabel("target")
    return figure


def architectures(cases: dict[str, Case], image: Size, digits: int) -> Figure:
    """Every network as chains of feature maps, one a module."""
    figure, rows = plt.subplots(len(cases), 1, figsize=(7, 3.4), height_ratios=range(1, len(cases) + 1))
    for axes, (name, case) in zip(np.atleast_1d(rows), cases.items()):
        counts = case.settings.outputs(digits)
        heights = np.linspace(0.6, -0.6, len(counts)) if len(counts) > 1 else [0]
        for height, count in zip(heights, counts):
            _chain(axes, height, case.settings, image, f"{count} outputs", colour(name))
        axes.set(xlim=(-0.6, 4.6), ylim=(heights[-1] - 0.6, heights[0] + 0.6))
        axes.set_title(f"{name}: {case.settings.parameters(image, digits):,} parameters")
        axes.axis("off")
    return figure


def _chain(axes: Axes, height: float, settings: Settings, image: Size, outputs: str, shade: str) -> None:
    """One module: its feature maps as boxes from left to right."""
    channels = [1] + [settings.channels] * len(settings.kernels)
    texts = [f"{h}×{w}×{c}" for (h, w), c in zip(settings.sizes(image), channels)] + [outputs]
    steps = [f"{h}×{w}" for h, w in settings.kernels] + ["linear"]
    box = {"boxstyle": "round", "facecolor": "white", "edgecolor": shade}
    for place, text in enumerate(texts):
        axes.text(place, 0 if place == 0 else height, text, ha="center", va="center", bbox=box, size=8)
    arrow = {"arrowstyle": "->", "color": shade}
    for place, text in enumerate(steps):
        start = (place + 0.27, 0 if place == 0 else height)
        axes.annotate("", xy=(place + 0.69, height), xytext=start, arrowprops=arrow)
        axes.text(place + 0.5, height + (0.22 if height >= 0 else -0.42), text, ha="center", size=7)
