"""Figures of subnetworks."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

MASK_COLOURS = ("white", "#0072B2", "#E69F00", "#333333")


def planted(found: dict, networks: dict) -> Figure:
    """Masks of two blocks over W₁ (blocks, 1, hidden, inputs) by layout, with the units that each block reads."""
    figure, axes = plt.subplots(1, len(found), figsize=(8, 3.6), sharey=True)
    for panel, (shared, masks) in zip(axes, found.items()):
        kept = masks[0, 0] + 2 * masks[1, 0]
        panel.pcolormesh(kept, cmap=ListedColormap(MASK_COLOURS), vmin=0, vmax=3, edgecolor="0.85")
        for side, block in ((-0.4, 0), (kept.shape[1] + 0.4, 1)):
            units = np.flatnonzero(networks[shared].truth[block, 0, :, 0])
            bracket = {"colors": MASK_COLOURS[block + 1], "linewidth": 4, "clip_on": False}
            panel.vlines(side, units[0] + 0.08, units[-1] + 0.92, **bracket)
        panel.invert_yaxis()
        panel.set(title=f"shared: {shared}", xlabel="input", xticks=[])
        panel.grid(False)
        panel.spines[:].set_visible(False)
    hidden = kept.shape[0]
    axes[0].set(ylabel="hidden unit", yticks=np.arange(hidden) + 0.5)
    axes[0].set_yticklabels(range(hidden))
    names = ("first block only", "second block only", "both")
    patches = [Patch(color=colour, label=name) for colour, name in zip(MASK_COLOURS[1:], names)]
    figure.legend(handles=patches, loc="outside lower center", ncols=3)
    return figure


def generalisation(prices: Sequence[float], curves: dict, lines: dict) -> Figure:
    """Compositional test errors against the price: curves (prices, runs) by name, two lines (runs,) without one."""
    figure, axes = plt.subplots(figsize=(6.4, 4.6))
    for place, (name, values) in enumerate(curves.items()):
        colour = f"C{place}"
        axes.semilogx(prices, values.mean(axis=1), "o-", color=colour, label=name)
        axes.fill_between(
            prices, values.min(axis=1), values.max(axis=1), color=colour, alpha=0.2, linewidth=0
        )
    for place, ((name, values), style) in enumerate(zip(lines.items(), ("--", ":"), strict=True)):
        axes.axhline(values.mean(), color=f"C{len(curves) + place}", linestyle=style, label=name)
    axes.set(xlabel=r"price $\mu$", ylabel="compositional test error")
    figure.legend(fontsize=8, loc="outside lower center", ncols=2)
    return figure
