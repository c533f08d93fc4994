"""What an SVG that matplotlib drew says about colours and lettering, read from the file itself."""

import re
import xml.etree.ElementTree as ElementTree

SVG = "{http://www.w3.org/2000/svg}"
LINES = ("line2d_", "LineCollection_", "PathCollection_")


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2), written down apart from lib.grounds."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(colour: str, ground: str, opacity: float = 1) -> float:
    """Contrast of a colour laid over a ground with this opacity."""
    mixed = [
        round(opacity * int(colour[i : i + 2], 16) + (1 - opacity) * int(ground[i : i + 2], 16))
        for i in (1, 3, 5)
    ]
    low, high = sorted((luminance("#{:02x}{:02x}{:02x}".format(*mixed)), luminance(ground)))
    return (high + 0.05) / (low + 0.05)


def ground(svg: str) -> str:
    """The colour that a figure is drawn on: its first patch."""
    for element in ElementTree.fromstring(svg).iter(f"{SVG}path"):
        if fill := _style(element).get("fill"):
            return fill
    raise ValueError("this picture has no ground")


def faint(svg: str, least: float = 3.0) -> list[str]:
    """The lines and markers, all but ticks and grids, whose contrast with the ground is below `least`."""
    behind, found = ground(svg), []

    def walk(element, names):
        names = [*names, element.get("id", "")]
        inside = any(name.startswith(LINES) for name in names)
        ticks = any(re.match(r"[xyz]tick_", name) for name in names)
        if inside and not ticks and element.tag in (f"{SVG}path", f"{SVG}use") and "style" in element.attrib:
            style = _style(element)
            opacity = float(style.get("opacity", 1))
            seen = [
                contrast(style[kind], behind, opacity * float(style.get(f"{kind}-opacity", 1)))
                for kind in ("stroke", "fill")
                if style.get(kind, "none").startswith("#")
            ]
            if seen and max(seen) < least and names[-1] is not None:
                found.append(f"{[n for n in names if n][-1]}: {element.get('style')} {max(seen):.2f}")
        if element.tag != f"{SVG}defs":
            for child in element:
                walk(child, names)

    walk(ElementTree.fromstring(svg), [])
    return found


def texts(svg: str) -> list[str]:
    """Everything that is written in a figure: matplotlib keeps the text of drawn letters as comments."""
    return _written(_with_comments(svg))


def axes(svg: str) -> list[tuple[str, list[str]]]:
    """The label and the tick labels of every axis of a figure."""
    found = []
    for axis in _with_comments(svg).iter(f"{SVG}g"):
        if axis.get("id", "").startswith("matplotlib.axis_"):
            parts = [(re.match(r"[xyz]tick_", part.get("id", "")), _written(part)) for part in axis]
            ticks = [text for tick, written in parts if tick for text in written]
            found.append((" ".join(text for tick, written in parts if not tick for text in written), ticks))
    return found


def _with_comments(svg: str) -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    return ElementTree.fromstring(svg, parser)


def _written(element: ElementTree.Element) -> list[str]:
    return [part.text.strip() for part in element.iter() if part.tag is ElementTree.Comment and part.text]


def _style(element) -> dict[str, str]:
    pairs = (part.split(":", 1) for part in element.get("style", "").split(";") if ":" in part)
    return {key.strip(): value.strip() for key, value in pairs}
