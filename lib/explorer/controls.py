"""What the reader moves: sliders and choices, as HTML and as the settings that the scripts read."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape

from lib import grounds, plotting
from lib.linear.datasets import Dataset


@dataclass(frozen=True)
class Slider:
    """A number that the reader moves; on a logarithmic scale, low and high are powers of ten and there is no step."""

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
        return (10.0**self.low, 10.0**self.high) if self.logarithmic else (self.low, self.high)


@dataclass(frozen=True)
class Choice:
    """One of a few words that the reader picks; the first is the default. labels: what is shown for some of them."""

    name: str
    meaning: str
    options: tuple[str, ...]
    labels: dict[str, str] = field(default_factory=dict)


DEFAULT = Dataset()
DATASET = (
    Slider("n_x", "n_x", "compositional input features", DEFAULT.n_x, 1, 8),
    Slider("n_y", "n_y", "compositional output features", DEFAULT.n_y, 0, 8),
    Slider("k_x", "k_x", "identity blocks in the input", DEFAULT.k_x, 0, 8),
    Slider("k_y", "k_y", "identity blocks in the output", DEFAULT.k_y, 0, 8),
    Slider("r", "r", "scale of the identity blocks", DEFAULT.r, 0.1, 4, 0.1),
)
GEOMETRIES = {
    "gradient": "gradient descent (p = 2)",
    "muon": "Muon",
    "1.1": "p = 1.1",
    "1.5": "p = 1.5",
    "3": "p = 3",
    "sign": "sign descent, Adam (p = ∞)",
}
NETWORK = (
    Choice("geometry", "geometry", tuple(GEOMETRIES), GEOMETRIES),
    Choice("depth", "depth", ("deep", "shallow")),
    Choice("architecture", "architecture", ("dense", "split")),
    Slider("learning_rate", "ε", "learning rate", 0.02, -4, 0, logarithmic=True),
    Slider("initial", "π_0", "initial strength of every mode", 1e-6, -8, 0, logarithmic=True),
    Choice("time", "time axis", ("linear", "logarithmic")),
)
LABELS = {
    "strengths": [f"class {i}" for i in (1, 2, 3)],
    "norms": ["Ω_x → Ω_y", "Γ_x → Ω_y", "Ω_x → Γ_y", "Γ_x → Γ_y"],
    "ratio": [],
}
DASHES = ("", "9 4", "2 3", "9 3 2 3")  # colour is never the only difference between two curves


def slider_settings(sliders: Iterable[Slider]) -> dict:
    """What a script has to know of sliders."""
    return {
        s.name: {
            "default": s.default,
            "limits": s.limits,
            "whole": s.step == 1 and not s.logarithmic,
            "logarithmic": s.logarithmic,
        }
        for s in sliders
    }


def shared_settings() -> dict:
    """How curves are told apart."""
    labels = {name: [subscripts(label) for label in labels] for name, labels in LABELS.items()}
    return {"dashes": DASHES, "labels": labels}


def colours() -> str:
    """The book's colours as custom properties, for both grounds."""
    reds_and_blues = plotting.plt.colormaps[plotting.plt.rcParams["image.cmap"]]
    families = {
        "strengths": list(plotting.CLASS_COLOURS),
        "norms": list(plotting.QUADRANT_COLOURS.values()),
        "ratio": [plotting.NEUTRAL],
        "sign": [reds_and_blues(0.5 + sign / 2.6) for sign in (1, -1)],
    }
    light = {f"{name}-{i}": c for name, some in families.items() for i, c in enumerate(some)}
    light |= {"grid": "#e0e0e0", "value": plotting.CLASS_COLOURS[0], "on-value": "#ffffff"}
    names = list(light)
    on_dark = dict(zip(names, grounds.hexes(light.values())))
    on_light = {name: grounds.to_hex(colour) for name, colour in light.items()}

    def rule(selector: str, values: dict[str, str]) -> str:
        return f"{selector} {{ {' '.join(f'--{name}: {value};' for name, value in values.items())} }}"

    return "\n".join(
        [
            rule(":is(.explorer, .moving)", on_light),
            rule('html[data-theme="dark"] :is(.explorer, .moving)', on_dark),
        ]
    )


def slider(s: Slider, prefix: str) -> str:
    """A slider with its label, its value, and room for a note."""
    value = math.log10(s.default) if s.logarithmic else s.default
    return (
        f'<div class="control" data-name="{s.name}"><label for="{prefix}-{s.name}">{subscripts(s.symbol)}'
        f' <span class="meaning">{escape(s.meaning)}</span></label>'
        f'<output for="{prefix}-{s.name}">{s.default:g}</output>'
        f'<input type="range" id="{prefix}-{s.name}" name="{s.name}" min="{s.low}" max="{s.high}"'
        f' step="{"any" if s.logarithmic else s.step}" value="{value:g}"><p class="note"></p></div>'
    )


def choice(c: Choice, prefix: str) -> str:
    """A choice with its label."""
    options = "".join(f'<option value="{name}">{c.labels.get(name, name)}</option>' for name in c.options)
    return (
        f'<div class="control" data-name="{c.name}"><label for="{prefix}-{c.name}">{c.meaning}</label>'
        f'<select id="{prefix}-{c.name}" name="{c.name}">{options}</select><p class="note"></p></div>'
    )


def legend(name: str) -> str:
    """The curves of a plot, with their colours and dashes."""
    entries = "".join(
        f'<li><svg width="28" height="8" aria-hidden="true"><path d="M0 4h28" stroke="var(--{name}-{i})"'
        f' stroke-width="2.5" stroke-dasharray="{dash}"/></svg>{subscripts(label)}</li>'
        for i, (label, dash) in enumerate(zip(LABELS[name], DASHES))
    )
    return f'<ul class="legend">{entries}</ul>' if entries else ""


def subscripts(text: str) -> str:
    """n_x as HTML: the character after an underscore is set lower."""
    head, *tails = escape(text).split("_")
    return head + "".join(f"<sub>{tail[0]}</sub>{tail[1:]}" for tail in tails)
