"""The two grounds on which a page stands, light and dark, and colours that can be read on both.

A colour is judged by its contrast with the ground (WCAG 2.2: from 1 to 21). On the dark ground it keeps
its hue and, as far as the screen allows, its contrast: what stood out on white stands out on black, and
what was near the paper stays near it. Where a colour is a value, as in viridis, it stays what it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from weakref import WeakKeyDictionary

import matplotlib
import numpy as np
from matplotlib.artist import Artist, getp
from matplotlib.axis import Tick
from matplotlib.cm import ScalarMappable
from matplotlib.collections import Collection, LineCollection, PathCollection
from matplotlib.colors import Colormap, ListedColormap, to_hex, to_rgba, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.typing import ColorType

LIGHT, DARK = "#ffffff", "#121212"  # the grounds of the pages in the two modes of their theme
LEAST = 3.0  # contrast of a line or marker with its ground: WCAG 2.2, criterion 1.4.11
APART = 2.2  # contrast of a line with a wider one of its colour that it lies over
UNIFORM = {"viridis", "plasma", "inferno", "magma", "cividis", "rocket", "mako", "crest", "flare"}
# Contrast on white -> on the dark ground: a little more in the middle, where thin lines are; strong
# colours would turn white if they kept a contrast above 10.
COLOURED = {  # what has a colour of its own, faces before edges
    Collection: ("facecolor", "edgecolor"),
    Line2D: ("color", "markerfacecolor", "markeredgecolor"),
    Patch: ("facecolor", "edgecolor"),
    Text: ("color",),
}
_HERE, _THERE = (1.0, 1.25, 3.0, 5.0, 21.0), (1.0, 1.25, 4.3, 6.0)
_IN_MAPS = (1.0, 1.9, 4.3, 6.0)  # where a faint colour is a value, not a grid: it has to be seen
_BRIGHTEST = (16.0, 10.0)  # of a grey, of a full colour


def luminance(rgb: np.ndarray) -> np.ndarray:
    """Relative luminance of sRGB colours (..., 3) in [0, 1], as WCAG defines it."""
    return _linear(rgb) @ (0.2126, 0.7152, 0.0722)


def contrast(colour: ColorType, ground: str = LIGHT) -> float:
    """Contrast of a colour with a ground, 1 to 21; of a translucent one as it looks on that ground."""
    red_green_blue, alpha = np.array(to_rgba(colour)[:3]), to_rgba(colour)[3]
    behind = np.array(to_rgba(ground)[:3])
    lights = luminance(np.stack([alpha * red_green_blue + (1 - alpha) * behind, behind]))
    return float((lights.max() + 0.05) / (lights.min() + 0.05))


def on_dark(colours: ColorType | np.ndarray) -> np.ndarray:
    """The counterparts on the dark ground of colours made for white, RGBA (..., 4); alpha is kept."""
    rgba = np.array(to_rgba_array(colours))
    rgb = rgba[:, :3]
    here = 1.05 / (luminance(rgb) + 0.05)
    rgba[:, :3] = _placed(rgb, here, rgb, _THERE)
    return rgba


def _placed(rgb: np.ndarray, here: np.ndarray, hue: np.ndarray, scale: tuple[float, ...]) -> np.ndarray:
    """Colours (n, 3) of these hues as far from the dark ground as `scale` makes their contrasts (n,) on white."""
    full = np.ptp(rgb, axis=1) / np.maximum(rgb.max(axis=1), 1e-9)
    highest = _BRIGHTEST[0] + full * (_BRIGHTEST[1] - _BRIGHTEST[0])
    there = np.array([np.interp(c, _HERE, (*scale, top)) for c, top in zip(here, highest)])
    base = float(luminance(np.array(to_rgba(DARK)[:3]))) + 0.05
    new = _with_luminance(hue, there * base - 0.05)
    new[here < 1.02] = to_rgba(DARK)[:3]
    return new


@cache
def readable(colour: ColorType, ground: str) -> tuple[float, float, float, float]:
    """The colour, less translucent or further from the ground if its contrast is below LEAST."""
    rgba, enough = np.array(to_rgba(colour)), 1.01 * LEAST  # a file rounds colours
    if rgba[3] == 0 or contrast(tuple(rgba), ground) >= enough:
        return tuple(rgba)
    if contrast(tuple(rgba[:3]), ground) >= enough:
        rgba[3] = next(a for a in np.linspace(rgba[3], 1, 41) if contrast((*rgba[:3], a), ground) >= enough)
        return tuple(rgba)
    base = float(luminance(np.array(to_rgba(ground)[:3]))) + 0.05
    aim = 1.01 * enough * base - 0.05 if ground == DARK else base / (1.01 * enough) - 0.05
    return (*_with_luminance(rgba[None, :3], np.array([aim]))[0], 1.0)


@cache
def counterpart(name: str) -> Colormap:
    """The colour map for the dark ground: itself where its colours are values or light, else from near to far."""
    given = matplotlib.colormaps[name]
    if name.removesuffix("_r") in UNIFORM or name == "gray":  # a picture; gray_r is ink on paper
        return given
    rgb = given(np.linspace(0, 1, 256))[:, :3]
    depth = 1.05 / (luminance(rgb) + 0.05)
    vivid = rgb - 0.9 * rgb.min(axis=1, keepdims=True)  # a tint of white would be a grey
    return ListedColormap(_placed(rgb, depth / depth.min(), vivid, _IN_MAPS), f"{name} on dark")


_OVER: WeakKeyDictionary[Line2D, ColorType] = WeakKeyDictionary()


def lay_over(line: Line2D, colour: ColorType) -> None:
    """Give a line a shade of this colour that is seen over a wider line of the colour itself, on either ground."""
    _OVER[line] = to_rgba(colour)
    line.set_color(_apart(_OVER[line], LIGHT))


def _apart(colour: ColorType, ground: str) -> tuple[float, float, float]:
    """Further from the ground than the colour is on it: darker on the light one, lighter on the dark one."""
    seen = readable(colour, LIGHT)
    drawn = np.array([(readable(_changed_one(seen), DARK) if ground == DARK else seen)[:3]])
    factor = APART if ground == DARK else 1 / APART
    red, green, blue = _with_luminance(drawn, (luminance(drawn) + 0.05) * factor - 0.05)[0]
    return red, green, blue


def restyle(figure: Figure) -> None:
    """Turn a figure that was drawn for the light ground into its counterpart for the dark one."""
    for artist in _artists(figure):
        if isinstance(artist, Line2D) and artist in _OVER:
            artist.set_color(_apart(_OVER[artist], DARK))
        elif isinstance(artist, ScalarMappable) and artist.get_array() is not None:
            _restyle_map(artist)
        elif not (isinstance(artist, Text) and _stands_on_values(artist)):
            names = next((names for kind, names in COLOURED.items() if isinstance(artist, kind)), ())
            # edges follow faces where nothing else was said: all are read before one is set
            for name, colour in [(name, getp(artist, name)) for name in names]:
                artist.set(**{name: _changed(colour)})


def make_readable(figure: Figure, ground: str) -> None:
    """Give every line and marker of a figure a contrast of at least LEAST; grids and areas stay faint."""
    ticks = {id(part) for tick in figure.findobj(Tick) for part in tick.findobj(Line2D)}
    for artist in _artists(figure):
        if isinstance(artist, Line2D) and id(artist) not in ticks:
            _readable_line(artist, ground)
        elif isinstance(artist, LineCollection | PathCollection) and artist.get_array() is None:
            for get, put in (
                (artist.get_facecolor, artist.set_facecolor),
                (artist.get_edgecolor, artist.set_edgecolor),
            ):
                if colours := [tuple(colour) for colour in np.asarray(get())]:
                    artist.set_alpha(None)
                    put([readable(colour, ground) for colour in colours])


def _readable_line(line: Line2D, ground: str) -> None:
    own = line.get_alpha()
    face, edge = line.get_markerfacecolor(), line.get_markeredgecolor()
    parts = ((line.set_color, line.get_color()), (line.set_markerfacecolor, face))
    line.set_alpha(None)
    for put, colour in (*parts, (line.set_markeredgecolor, edge)):
        if isinstance(colour, str) and colour in ("none", "auto"):
            continue
        put(readable(to_rgba(colour, own if own is not None else to_rgba(colour)[3]), ground))


def _artists(figure: Figure) -> list[Artist]:
    """Every artist of a figure, each once, those that findobj does not see included."""
    found = figure.findobj()
    for text in [artist for artist in found if isinstance(artist, Text)]:
        found += [a for a in (text.get_bbox_patch(), getattr(text, "arrow_patch", None)) if a is not None]
    return list({id(artist): artist for artist in found}.values())


def _restyle_map(artist: ScalarMappable) -> None:
    name = artist.get_cmap().name
    if name in matplotlib.colormaps:
        artist.set_cmap(counterpart(name))
    else:  # a chapter's own list of colours, one a kind of thing
        own = artist.get_cmap()
        artist.set_cmap(ListedColormap(on_dark(own(np.linspace(0, 1, own.N))), f"{name} on dark"))
    framed = getattr(artist, "_original_edgecolor", None) not in (None, "face", "none")
    if isinstance(artist, Collection) and framed and len(edges := artist.get_edgecolor()):
        artist.set(edgecolor=_changed(np.asarray(edges)))


def _stands_on_values(text: Text) -> bool:
    """Whether a text is written over colours that stay, so that it has to stay too."""
    axes = text.axes
    return (
        axes is not None
        and text in axes.texts
        and any(
            mapped.get_array() is not None and mapped.get_cmap().name.removesuffix("_r") in UNIFORM
            for mapped in (*axes.collections, *axes.images)
        )
    )


def _changed(colours: ColorType | np.ndarray) -> object:
    """The counterparts of one colour, or of the colours of a collection."""
    if isinstance(colours, str) and colours in ("none", "auto"):
        return colours
    if isinstance(colours, np.ndarray):
        dark = [tuple(colour) for colour in on_dark(colours)]
        return (dark or "none") if colours.ndim == 2 else dark[0]
    return _changed_one(to_rgba(colours))


@cache
def _changed_one(colour: tuple[float, float, float, float]) -> tuple[float, ...]:
    return tuple(on_dark(colour)[0])


def _linear(rgb: np.ndarray) -> np.ndarray:
    rgb = np.asarray(rgb, dtype=float)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _encoded(linear: np.ndarray) -> np.ndarray:
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _with_luminance(rgb: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Colours (n, 3) brought to these luminances: scaled as far as a screen goes, then mixed with white."""
    linear = np.maximum(_linear(rgb), 1e-6)
    now, wanted = luminance(_encoded(linear)), np.clip(wanted, 0, 1)
    scaled = linear * np.minimum(wanted / now, 1 / linear.max(axis=1))[:, None]
    reached = luminance(_encoded(scaled))
    missing = np.clip((wanted - reached) / np.maximum(1 - reached, 1e-9), 0, 1)[:, None]
    return _encoded(scaled + missing * (1 - scaled))


def hexes(colours: Iterable[ColorType]) -> list[str]:
    """Colours for the dark ground as #rrggbb, for style sheets and scripts."""
    return [to_hex(on_dark(colour)[0]) for colour in colours]
