"""The explorer: a page on which the reader moves the parameters and sees the theory's answer at once.

The formulas of `lib.linear.theory` are written a second time, in explorer.js, so that the page needs no kernel;
tests/test_browser.py compares the two. What both sides share (ranges, colours, labels) stands here.
"""

import json
import math
from dataclasses import dataclass
from html import escape
from pathlib import Path

import matplotlib

from lib import plotting
from lib.linear.datasets import Dataset

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Slider:
    """A number that the reader moves; on a logarithmic scale, low, high and step are powers of ten."""

    name: str
    symbol: str
    meaning: str
    default: float
    low: float
    high: float
    step: float = 1
    logarithmic: bool = False

    @property
    def limits(self) -> tuple[float, float]:
        return tuple(10.0**end if self.logarithmic else end for end in (self.low, self.high))


@dataclass(frozen=True)
class Choice:
    """One of a few words that the reader picks; the first is the default."""

    name: str
    meaning: str
    options: tuple[str, ...]


DEFAULT = Dataset()
DATASET = (
    Slider("n_x", "n_x", "compositional input features", DEFAULT.n_x, 1, 8),
    Slider("n_y", "n_y", "compositional output features", DEFAULT.n_y, 0, 8),
    Slider("k_x", "k_x", "identity blocks in the input", DEFAULT.k_x, 0, 8),
    Slider("k_y", "k_y", "identity blocks in the output", DEFAULT.k_y, 0, 8),
    Slider("r", "r", "scale of the identity blocks", DEFAULT.r, 0.1, 4, 0.1),
)
NETWORK = (
    Choice("depth", "depth", ("deep", "shallow")),
    Choice("architecture", "architecture", ("dense", "split")),
    Slider("learning_rate", "ε", "learning rate", 0.02, -4, 0, 0.05, logarithmic=True),
    Slider("initial", "π_0", "initial strength of every mode", 1e-6, -8, 0, 0.25, logarithmic=True),
    Choice("time", "time axis", ("linear", "logarithmic")),
)
PLOTS = (
    ("strengths", "Strength of the mode classes", [f"class {i}" for i in (1, 2, 3)]),
    ("norms", "Quadrant norms of the map", ["Ω_x → Ω_y", "Γ_x → Ω_y", "Ω_x → Γ_y", "Γ_x → Γ_y"]),
    ("ratio", "Coupling ratio ‖Γ_x → Ω_y‖ / ‖Ω_x → Ω_y‖", []),
)
MATRICES = (("X", "Inputs X, one column an example"), ("Y", "Outputs Y, one column an example"))
DASHES = ("", "9 4", "2 3", "9 3 2 3")  # colour is never the only difference between two curves


def html() -> str:
    """The explorer as HTML: controls, plots, style and script, for the page's `explorer` directive."""
    read = lambda name: (FOLDER / name).read_text(encoding="utf-8")  # noqa: E731
    return f"""<div class="explorer" id="explorer-root">
<style>{read("explorer.css")}</style>
<noscript><p><strong>The explorer computes in your browser: please allow JavaScript.</strong></p></noscript>
<form aria-label="Parameters" autocomplete="off">
{_fieldset("Dataset", DATASET)}
{_fieldset("Network", NETWORK)}
<p class="notes" role="status"></p>
<button type="reset">Back to the defaults</button>
</form>
<div class="views">
<p class="summary"></p>
{"".join(_plot(*plot) for plot in PLOTS)}
<div class="scroll" tabindex="0" role="group" aria-label="Table of the mode classes"><table>
<caption>The mode classes and the ends of their curves</caption><thead><tr>
<th scope="col">class</th><th scope="col">modes</th><th scope="col">{_subscripts("λ")}</th>
<th scope="col">{_subscripts("δ")}</th><th scope="col">λ/δ</th></tr></thead><tbody></tbody></table></div>
{"".join(_view(*matrix) for matrix in MATRICES)}
</div>
<script type="application/json" class="settings">{json.dumps(settings(), ensure_ascii=False)}</script>
<script>{read("explorer.js")}</script>
</div>"""


def settings() -> dict:
    """What explorer.js is told: the ranges of the parameters, and the colours of the book's figures."""
    sliders = [control for control in (*DATASET, *NETWORK) if isinstance(control, Slider)]
    choices = [control for control in NETWORK if isinstance(control, Choice)]
    colour = matplotlib.colormaps[matplotlib.rcParams["image.cmap"]]
    return {
        "sliders": {
            s.name: {
                "default": s.default,
                "limits": s.limits,
                "whole": s.step == 1,
                "logarithmic": s.logarithmic,
            }
            for s in sliders
        },
        "choices": {choice.name: choice.options for choice in choices},
        "colours": _colours(),
        "dashes": DASHES,
        "signs": [matplotlib.colors.to_hex(colour(0.5 + sign / 2.6)) for sign in (1, -1)],
    }


def _colours() -> dict[str, list[str]]:
    return {
        "strengths": list(plotting.CLASS_COLOURS),
        "norms": list(plotting.QUADRANT_COLOURS.values()),
        "ratio": [plotting.NEUTRAL],
    }


def _fieldset(title, controls):
    rows = "\n".join(_slider(c) if isinstance(c, Slider) else _choice(c) for c in controls)
    return f"<fieldset><legend>{title}</legend>\n{rows}\n</fieldset>"


def _slider(s):
    value = math.log10(s.default) if s.logarithmic else s.default
    return (
        f'<div class="control"><label for="explorer-{s.name}">{_subscripts(s.symbol)}'
        f' <span class="meaning">{escape(s.meaning)}</span></label>'
        f'<output for="explorer-{s.name}">{s.default:g}</output>'
        f'<input type="range" id="explorer-{s.name}" name="{s.name}" min="{s.low}" max="{s.high}"'
        f' step="{s.step}" value="{value:g}"></div>'
    )


def _choice(c):
    options = "".join(f"<option>{option}</option>" for option in c.options)
    return (
        f'<div class="control"><label for="explorer-{c.name}">{c.meaning}</label>'
        f'<select id="explorer-{c.name}" name="{c.name}">{options}</select></div>'
    )


def _plot(name, title, labels):
    legend = "".join(
        f'<li><svg width="28" height="8" aria-hidden="true"><path d="M0 4h28" stroke="{colour}"'
        f' stroke-width="2.5" stroke-dasharray="{dash}"/></svg>{_subscripts(label)}</li>'
        for label, colour, dash in zip(labels, _colours()[name], DASHES)
    )
    return _view(name, title, f'<ul class="legend">{legend}</ul>' if labels else "")


def _view(name, title, legend=""):
    return (
        f'<figure class="view"><figcaption>{_subscripts(title)}</figcaption>{legend}'
        f'<svg id="explorer-plot-{name}" role="img" aria-label="{escape(title)}"></svg></figure>'
    )


def _subscripts(text):
    """n_x as HTML: the character after an underscore is set lower."""
    head, *tails = escape(text).split("_")
    return head + "".join(f"<sub>{tail[0]}</sub>{tail[1:]}" for tail in tails)
