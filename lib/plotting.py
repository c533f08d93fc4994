"""Drawing shared by the chapters: one style, one colour a quantity, theory dashed over simulation solid."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from IPython.display import display
from matplotlib import rc_params_from_file
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from lib import grounds

STYLE = rc_params_from_file(Path(__file__).with_name("book.mplstyle"), use_default_template=False)
sns.set_theme(context="paper", style="ticks", palette="colorblind", font="DejaVu Sans", rc=STYLE)

CLASS_LABELS = (
    "class 1: compositional in and out",
    "class 2: compositional in only",
    "class 3: identity only",
)
CLASS_COLOURS = tuple(sns.color_palette("colorblind").as_hex()[i] for i in (0, 3, 2))  # blue, orange, green
QUADRANT_LABELS = {
    "comp_to_comp": r"$\Omega_x \to \Omega_y$",
    "noncomp_to_comp": r"$\Gamma_x \to \Omega_y$",
    "comp_to_noncomp": r"$\Omega_x \to \Gamma_y$",
    "noncomp_to_noncomp": r"$\Gamma_x \to \Gamma_y$",
}
QUADRANT_COLOURS = {  # Tol's muted scheme, apart from the colours of the classes
    "comp_to_comp": "#332288",
    "noncomp_to_comp": "#CC6677",
    "comp_to_noncomp": "#999933",
    "noncomp_to_noncomp": "#44AA99",
}
ARCHITECTURE_COLOURS = {"dense": "#882255", "split": "#B97D00"}
NEUTRAL = "#555555"
WIDTH = 3  # of simulated curves, in points
UNDER = 7  # the width of a line that lies under another and is to be seen on both sides of it
BAND_POINTS = 301  # more vertices make a band no finer, and the SVG megabytes larger
DARK_SVG = "application/vnd.book.dark+svg"  # the type of a figure's second drawing in a notebook
BELOW: dict[str, Any] = {
    "loc": "upper center",
    "bbox_to_anchor": (0.5, -0.16),
    "ncols": 3,
}  # a legend under its panel


def save(figure: Figure, name: str) -> None:
    """Display a figure and close it; during a build also write it to the book's figures.

    It is drawn twice, for a light ground and for a dark one (lib.grounds); the pages show the one that
    fits, a notebook the light one. The build names the directory in the environment variable
    BOOK_FIGURES; a figure of the same name there raises ValueError, so that two figures never overwrite
    each other. The SVG depends on nothing but the figure: no date, no random identifiers.
    """
    grounds.make_readable(figure, grounds.LIGHT)
    light = _svg(figure)
    figure.set_layout_engine("none")  # everything has its place, and keeps it
    grounds.restyle(figure)
    grounds.make_readable(figure, grounds.DARK)
    dark = _svg(figure)
    plt.close(figure)
    if directory := os.environ.get("BOOK_FIGURES"):
        path = Path(directory) / f"{name}.svg"
        if path.exists():
            raise ValueError(f"the figure {name!r} exists already; give each figure a name of its own")
        path.write_text(light, encoding="utf-8")
    display(
        {"image/svg+xml": light, DARK_SVG: dark, "text/plain": name},
        metadata={"figure": name},
        raw=True,
    )


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", facecolor="auto", metadata={"Date": None})
    return buffer.getvalue()


def simulated(
    axes: Axes, times: ArrayLike, runs: ArrayLike, colour: str, label: str | None = None, width: float = WIDTH
) -> None:
    """Draw simulated curves, solid: their mean and, for several runs (runs, times), their full range.

    width: of the mean's line in points; UNDER for one that another curve covers.
    """
    times, runs = np.asarray(times), np.atleast_2d(runs)
    if len(runs) > 1:
        some = np.unique(np.linspace(0, len(times) - 1, BAND_POINTS).astype(int))
        low, high = runs.min(axis=0), runs.max(axis=0)
        axes.fill_between(times[some], low[some], high[some], color=colour, alpha=0.25, linewidth=0)
    axes.plot(times, runs.mean(axis=0), color=colour, linewidth=width, label=label)


def measured(axes: Axes, places: ArrayLike, runs: ArrayLike, colour: str, label: str = "") -> None:
    """Draw what was measured at a few places, (places,) or (runs, places): a dot for each run, nothing between them."""
    first, *_ = axes.plot(places, np.atleast_2d(runs).T, "o", color=colour, markersize=4.5)
    first.set_label(label)


def predicted(axes: Axes, times: ArrayLike, values: ArrayLike, colour: str) -> None:
    """Draw a theoretical curve, dashed, in a shade of the colour that stays visible over the simulation."""
    for line in axes.plot(times, values, linestyle=(0, (4, 2)), linewidth=1.4):
        grounds.lay_over(line, colour)


def legend(
    holder: Axes | Figure,
    labels: Iterable[str],
    colours: Iterable[str],
    dashed: str = "predicted",
    dotted: str = "",
    **options: Any,
) -> None:
    """A legend of colours in an axes or a figure, then what solid and dashed, and what dotted lines mean, if said."""
    entries = [
        Line2D([], [], color=colour, linewidth=WIDTH, label=label) for label, colour in zip(labels, colours)
    ]
    if dashed:
        entries.append(Line2D([], [], color=NEUTRAL, linewidth=WIDTH, label="simulated"))
        entries.append(Line2D([], [], color="black", linestyle=(0, (4, 2)), linewidth=1.4, label=dashed))
    if dotted:
        entries.append(Line2D([], [], color="black", linestyle=":", label=dotted))
    holder.legend(handles=entries, **options)


def strengths(
    axes: Axes, times: np.ndarray, simulation: np.ndarray, prediction: np.ndarray, below: bool = True
) -> None:
    """Strengths of the three mode classes: simulation (runs, times, 3) solid, prediction (times, 3) dashed.

    below: whether a legend stands under the panel.
    """
    for kind, colour in enumerate(CLASS_COLOURS):
        simulated(axes, times, simulation[..., kind], colour)
        predicted(axes, times, prediction[:, kind], colour)
    axes.set(xlabel="time (epochs)", ylabel=r"strength $\pi$", xlim=(times[0], times[-1]), ylim=(0, None))
    if below:
        legend(axes, CLASS_LABELS, CLASS_COLOURS, **BELOW)


def quadrant_norms(
    axes: Axes,
    times: np.ndarray,
    simulation: object,
    prediction: object,
    below: bool = True,
    covered: str | None = None,
) -> None:
    """The four quadrant norms: simulation with fields (runs, times) solid, prediction (times,) dashed.

    below: whether a legend stands under the panel. covered: the norm whose curve another one covers.
    """
    for name, colour in QUADRANT_COLOURS.items():
        width = UNDER if name == covered else WIDTH
        simulated(axes, times, getattr(simulation, name), colour, width=width)
        predicted(axes, times, getattr(prediction, name), colour)
    axes.set(xlabel="time (epochs)", ylabel="Frobenius norm", xlim=(times[0], times[-1]), ylim=(0, None))
    if below:
        legend(axes, QUADRANT_LABELS.values(), QUADRANT_COLOURS.values(), **BELOW)


def matrix(
    axes: Axes, values: np.ndarray, rows: dict[str, int], columns: dict[str, int], limit: float | None = None
) -> Collection:
    """Draw a matrix with its blocks framed, red positive and blue negative; returns the mesh.

    rows and columns map a block's label to its size. limit: the absolute value of full colour.
    """
    limit = limit or 1.3 * np.abs(values).max()
    look = dict(cbar=False, square=True, xticklabels=False, yticklabels=False, rasterized=True)
    sns.heatmap(
        values, ax=axes, mask=values == 0, cmap=plt.rcParams["image.cmap"], vmin=-limit, vmax=limit, **look
    )
    axes.set_anchor("N")
    axes.grid(False)
    axes.spines[:].set_visible(False)
    top, left = (np.cumsum([0, *blocks.values()]) for blocks in (rows, columns))
    axes.set_yticks((top[1:] + top[:-1]) / 2, rows.keys())
    axes.set_xticks((left[1:] + left[:-1]) / 2, columns.keys())
    axes.tick_params(length=0)
    axes.hlines(top, 0, left[-1], color="black", linewidth=0.8, clip_on=False)
    axes.vlines(left, 0, top[-1], color="black", linewidth=0.8, clip_on=False)
    return axes.collections[0]


def shares(axes: Axes, values: np.ndarray, rows: Sequence, columns: Sequence, **options: Any) -> Collection:
    """Draw shares from 0 to 1, first row lowest, as a heat map; some of the rows' and columns' names are written."""
    look = dict(vmin=0, vmax=1, cmap="viridis", cbar=False, rasterized=True) | options
    sns.heatmap(pd.DataFrame(values, index=rows, columns=columns), ax=axes, **look)
    axes.invert_yaxis()
    axes.tick_params(axis="both", rotation=0, length=0)
    return axes.collections[0]


def runs(axes: Axes, found: dict[str, np.ndarray], names: Sequence[str], colours: Sequence[str]) -> None:
    """Runs as dots, and their means with 95 % intervals: kinds along the axis, classes side by side.

    found: for each kind an array (runs, classes); names and colours: of the classes.
    """
    rows = [(k, n, v) for k, e in found.items() for n, column in zip(names, np.transpose(e)) for v in column]
    table = pd.DataFrame(rows, columns=["kind", "class", "value"])
    where = dict(data=table, x="kind", y="value", hue="class", ax=axes)
    look = dict(size=3, alpha=0.7, jitter=False, dodge=True)
    sns.stripplot(**where, **look, palette=dict(zip(names, colours)))
    for dots in axes.collections:
        # seaborn's jitter is drawn from numpy's global state, another one on every run
        places = np.asarray(dots.get_offsets())
        places[:, 0] += 0.15 * ((np.arange(len(places)) * 0.618) % 1 - 0.5)
        dots.set_offsets(places)
    marks = dict(marker="_", markersize=14, zorder=5, linestyle="none", linewidth=1.2, legend=False)
    apart = 0.8 - 0.8 / len(names) if len(names) > 1 else False
    # the interval by resampling from a fixed seed: the figure is the same on every run
    black = dict.fromkeys(names, "black")
    sns.pointplot(**where, **marks, palette=black, dodge=apart, errorbar=("ci", 95), seed=0)
    axes.set(xlabel="", ylabel="")
    if box := axes.get_legend():
        box.set_title("")


def shades(number: int) -> list[tuple[float, float, float]]:
    """So many colours in order, dark to light, for curves of one family."""
    return list(sns.color_palette("viridis", number))


def same_scale(panels: Sequence[Axes]) -> None:
    """Give matrices side by side cells of one size, aligned at the top."""
    rows, columns = max(axes.get_ylim()[0] for axes in panels), max(axes.get_xlim()[1] for axes in panels)
    for axes in panels:
        axes.set(ylim=(rows, 0), xlim=(0, columns))
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")


def blocks(symbol: str, features: int, copies: int, P: int) -> dict[str, int]:
    """Block labels and sizes of an input or output axis, for matrix(); symbol is "x" or "y"."""
    compositional = {rf"$\Omega_{symbol}$": features} if features else {}
    names = (
        [rf"$\Gamma_{symbol}$"]
        if copies == 1
        else [rf"$\Gamma_{symbol}^{{({j + 1})}}$" for j in range(copies)]
    )
    return compositional | dict.fromkeys(names, P)
