"""What moves on a page: the explorer, and figures of the chapters that are moved where they stand (moving).

The formulas of `lib.linear` are written a second time, in static/theory.js and geometry.js, so that a page needs
no kernel; tests/test_explorer.py compares the two. What both sides share (ranges, colours, labels) stands in controls.
"""

import json
from collections.abc import Iterable
from html import escape
from pathlib import Path

from lib.explorer.controls import (
    DATASET,
    NETWORK,
    Choice,
    Slider,
    choice,
    colours,
    legend,
    shared_settings,
    slider,
    slider_settings,
    subscripts,
)

STATIC = Path(__file__).parent / "static"
ENGINE = (
    "geometry.js",
    "theory.js",
    "drawing.js",
    "parameters.js",
)  # in this order, before the page's own script
PLOTS = {
    "strengths": "Strength of the mode classes",
    "norms": "Quadrant norms of the map",
    "ratio": "Coupling ratio ‖Γ_x → Ω_y‖ / ‖Ω_x → Ω_y‖",
}
MATRICES = {"X": "Inputs X, one column an example: red +, blue −", "Y": "Outputs Y, one column an example"}

__all__ = ["DATASET", "ENGINE", "NETWORK", "STATIC", "Choice", "Slider", "html", "settings"]


def html() -> str:
    """The explorer as HTML: controls and plots, for the page's `explorer` directive."""
    short = {"strengths": "strengths", "norms": "norms", "ratio": "ratio"}
    buttons = "".join(f'<button type="button" value="{n}">{text}</button>' for n, text in short.items())
    return f"""<div class="explorer" id="explorer-root">
<style>{colours()}</style>
<noscript><p><strong>The explorer computes in your browser: please allow JavaScript.</strong></p></noscript>
<div class="views">
<div class="chooser" role="group" aria-label="Plot in sight">{buttons}</div>
{"".join(_view(name, title, legend(name)) for name, title in PLOTS.items())}
<div class="scroll" tabindex="0" role="group" aria-label="Table of the mode classes"><table>
<caption>The mode classes; gradient descent ends at λ/δ</caption><thead><tr>
<th scope="col">class</th><th scope="col">modes</th><th scope="col">{subscripts("λ")}</th>
<th scope="col">{subscripts("δ")}</th><th scope="col">λ/δ</th></tr></thead><tbody></tbody></table></div>
<p class="summary"></p>
{"".join(_view(name, title) for name, title in MATRICES.items())}
</div>
<form aria-label="Parameters" autocomplete="off">
{_fieldset("Dataset", DATASET)}
{_fieldset("Network", NETWORK)}
<p class="notes" role="status"></p>
<p class="actions"><button type="reset">Back to the defaults</button>
<button type="button" class="copy">Copy the link to this view</button> <span class="copied" role="status"></span></p>
</form>
<script type="application/json" class="settings">{json.dumps(settings(), ensure_ascii=False)}</script>
</div>"""


def settings() -> dict:
    """What explorer.js is told: the ranges of the parameters, and how curves are told apart."""
    sliders = [control for control in (*DATASET, *NETWORK) if isinstance(control, Slider)]
    choices = [control for control in NETWORK if isinstance(control, Choice)]
    return {
        "sliders": slider_settings(sliders),
        "choices": {choice.name: choice.options for choice in choices},
        **shared_settings(),
    }


def _fieldset(title: str, controls: Iterable[Slider | Choice]) -> str:
    rows = "\n".join(
        slider(c, "explorer") if isinstance(c, Slider) else choice(c, "explorer") for c in controls
    )
    return f"<fieldset><legend>{title}</legend>\n{rows}\n</fieldset>"


def _view(name: str, title: str, curves: str = "") -> str:
    return (
        f'<figure class="view view-{name}"><figcaption>{subscripts(title)}</figcaption>{curves}'
        f'<svg id="explorer-plot-{name}" role="img" aria-label="{escape(title)}"></svg></figure>'
    )
