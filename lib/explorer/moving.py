"""Figures of the chapters that can be moved where they stand: under the figure, opened by the reader."""

import json
from dataclasses import dataclass, replace
from typing import Any

from lib.explorer.controls import (
    DATASET,
    NETWORK,
    Slider,
    colours,
    legend,
    shared_settings,
    slider,
    slider_settings,
)

SLIDERS = {control.name: control for control in (*DATASET, *NETWORK) if isinstance(control, Slider)}


@dataclass(frozen=True)
class Moving:
    """A figure's counterpart that moves: a drawing of static/moving.js, its sliders, what is fixed.

    curves: whose legend it has; names: of its curves, in the place of the symbols for the norms.
    """

    draw: str
    invitation: str
    sliders: tuple[Slider, ...]
    fixed: dict
    curves: str = ""
    names: tuple[str, ...] = ()


def _sliders(names: str, **changes: dict[str, Any]) -> tuple[Slider, ...]:
    return tuple(replace(SLIDERS[name], **changes.get(name, {})) for name in names.split())


FIXED: dict[str, float | str] = {"n_x": 3, "n_y": 1, "k_x": 3, "k_y": 1, "r": 1.0}
FIXED |= {"learning_rate": 0.02, "initial": 1e-6}
FIXED |= {"depth": "deep", "architecture": "dense", "time": "linear", "geometry": "gradient"}
SMALL = {"default": 7e-7}  # as in the chapter
FIGURES = {  # by the label of the figure
    "fig-dynamics-deep": Moving(
        "strengths",
        "Move the theory’s curves",
        _sliders("n_x k_x k_y r learning_rate initial", initial=SMALL),
        FIXED,
        "strengths",
    ),
    "fig-dynamics-shallow": Moving(
        "strengths",
        "Move the theory’s curves",
        _sliders("n_x k_x k_y r learning_rate", learning_rate={"default": 0.005}),
        FIXED | {"depth": "shallow"},
        "strengths",
    ),
    "fig-coupling-ratio": Moving(
        "coupling",
        "Move the dataset: the two norms change, their ratio stays flat",
        _sliders("n_x n_y k_x k_y r"),
        FIXED,
    ),
    "fig-modules-norms": Moving(
        "norms",
        "Move the split network’s norms",
        _sliders("n_x n_y k_x k_y r learning_rate initial", initial={"default": 8e-5}),
        FIXED | {"architecture": "split"},
        "norms",
    ),
    "fig-modules-map": Moving(
        "shares",
        "Move the dataset: the share of whole copies, in closed form",
        _sliders("n_x n_y k_x k_y r", n_y={"low": 1}, k_x={"high": 5}, k_y={"high": 4}),
        FIXED,
    ),
    "fig-motivation-sizes": Moving(
        "held_out",
        "Move the penalty: error by the size of the training set",
        _sliders("n_x k_x r", n_x={"low": 2, "high": 5}),
        FIXED,
    ),
    "fig-geometry-formula": Moving(
        "geometry",
        "Move the dataset: the weight of the rule in every geometry",
        _sliders("n_x k_x r"),
        FIXED,
    ),
    "fig-scale-heldout": Moving(
        "held_out",
        "Move the law: error on held-out examples, and its bound",
        _sliders("n_x k_x r", n_x={"default": 8, "low": 6, "high": 10}),
        FIXED,
    ),
}

ALONE = {  # not under a figure of a chapter
    "landing": Moving(
        "coupling",
        "Move it: the rule (solid) and the memory of single examples (dashed) grow together; "
        "their ratio (dotted) never changes",
        _sliders(
            "k_x r",
            k_x={"meaning": "copies of each example's name in the input"},
            r={"meaning": "how loud these names are"},
        ),
        FIXED,
        names=("rule", "memory"),
    ),
}


def html(label: str, opened: bool = False) -> str:
    """A figure that moves, of FIGURES or ALONE, as HTML; closed until the reader opens it unless ``opened``."""
    moving = (FIGURES | ALONE)[label]
    settings = {
        "draw": moving.draw,
        "fixed": moving.fixed,
        "sliders": slider_settings(moving.sliders),
        **shared_settings(),
    }
    if moving.names:
        settings["labels"] = settings["labels"] | {"norms": moving.names}
    controls = "\n".join(slider(s, label) for s in moving.sliders)
    curves = legend(moving.curves) if moving.curves else ""
    state = " open" if opened else ""
    return f"""<details class="moving" id="{label}-moving"{state}><summary>{moving.invitation}</summary>
<style>{colours()}</style>
<div class="stage"><div class="view">{curves}<svg role="img" aria-label="{moving.invitation}"></svg></div>
<form autocomplete="off" aria-label="{moving.invitation}">{controls}
<p class="note" role="status"></p></form></div>
<script type="application/json" class="settings">{json.dumps(settings, ensure_ascii=False)}</script>
</details>"""
