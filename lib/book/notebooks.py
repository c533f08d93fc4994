"""A Sphinx extension: how an executed notebook is read. Machinery is folded, every figure shown on two grounds.

A chapter's own cells stay as they are; what is said here holds for all of them.
"""

import ast
import hashlib
import json
import os
import re
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from lib.book.comparisons import apart, compares
from lib.book.project import topic
from lib.checks.tables import RAISED, written

DARK_SVG = "application/vnd.book.dark+svg"  # as in lib.plotting: a figure's drawing for the dark ground
FIGURES = "figures"  # where both drawings of every figure are put, in the folder of the sources
NAMES: dict[str, str] = {}  # the names of figures by the hashes of their light drawings
LEAST_LETTERING = 9.0  # CSS pixels, on any screen
TO_TOOLS = re.compile(r" *# (?:fmt: skip|noqa: \w+)$", re.MULTILINE)  # comments that are not for readers
EXPONENT = re.compile(r"(?<=10)[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+")
PER_CENT = re.compile(r"(?<=\d) %")
PROMPTS = {
    "parameters": "Parameters",
    "set-up": "Set-up",
    "checks": "Checks of these numbers",
    "exercises": "The numbers of the exercises",
    "hide-input": "The code of this figure",
    "table": "The code of this table",
    "code": "The code",
}


def extract(app: Sphinx) -> None:
    """Put both drawings of every figure of the chapters into a folder; remember light ones by their hash."""
    folder = Path(app.srcdir) / FIGURES
    NAMES.clear()
    for path in sorted((Path(app.srcdir) / "chapters").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                name, data = output.get("metadata", {}).get("figure"), output.get("data", {})
                if not name or DARK_SVG not in data:
                    continue
                folder.mkdir(exist_ok=True)
                light = os.linesep.join(_text(data["image/svg+xml"]).splitlines())
                NAMES[hashlib.sha256(light.encode()).hexdigest()] = name
                (folder / f"{name}.svg").write_text(light, encoding="utf-8")
                (folder / f"{name}-dark.svg").write_text(_text(data[DARK_SVG]), encoding="utf-8")


def read(app: Sphinx, docname: str, source: list[str]) -> None:
    """Fold the machinery of a notebook, and take out what myst-nb does not know."""
    if not app.env.doc2path(docname).endswith(".ipynb"):
        return
    notebook = json.loads(source[0])
    notebook["cells"] = [part for cell in notebook["cells"] for part in parts(cell)]
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(DARK_SVG, None)
        if cell["cell_type"] == "code":
            cell["source"] = TO_TOOLS.sub("", _text(cell["source"]))
            fold(cell)
            guard(cell, topic(Path(docname).name))
    source[0] = json.dumps(notebook)


def parts(cell: dict) -> list[dict]:
    """A cell of the argument without its comparisons, and these as a cell of their own; any other cell as it is."""
    if cell["cell_type"] != "code":
        return [cell]
    source = cell["source"] = _text(cell["source"])
    return [cell] if machinery(source, cell["metadata"].get("tags", [])) else apart(cell)


def fold(cell: dict) -> None:
    """Give a cell of machinery the tag that folds it, and every folded cell a line that says what it is."""
    tags = cell["metadata"].setdefault("tags", [])
    kind = machinery(_text(cell["source"]), tags)
    if kind is None:
        return
    if "hide-input" not in tags:
        tags.append("hide-input")
    given = cell["metadata"].setdefault("mystnb", {})
    if kind == "hide-input" and "figure" not in given:
        kind = purpose(_text(cell["source"]))
    prompt = PROMPTS[kind]
    given |= {"code_prompt_show": prompt, "code_prompt_hide": prompt} | given


def guard(cell: dict, chapter: str) -> None:
    """Say under a figure which checked numbers guard it, each with a link to its row in the report."""
    figure = cell["metadata"].get("mystnb", {}).get("figure", {})
    checks = cell["metadata"].get("book", {}).get("checks", [])
    if figure.get("caption") and checks:
        names = ", ".join(f"{{tested}}`{chapter}.{name}`" for name in checks)
        figure["caption"] += f" *Checked numbers:* {names}."


def machinery(source: str, tags: list[str]) -> str | None:
    """What kind of machinery a cell is, a key of PROMPTS; None if it belongs to the argument.

    Set-up: it imports from lib, or makes the ledger. Checks: it shows the ledger's report, or at least half of its
    statements, and the last of them, are comparisons of the ledger, and it defines nothing.
    """
    if {"remove-cell", "remove-input", "hide-cell"} & set(tags):
        return None
    for tag in ("parameters", "checks", "hide-input"):
        if tag in tags:
            return tag
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # a cell with a magic
        return None
    if any(isinstance(s, ast.Import | ast.ImportFrom) for s in statements[:1]):
        return "set-up"
    if any(ast.unparse(s).startswith("ledger = Ledger(") for s in statements):
        return "set-up"
    if any(isinstance(s, ast.FunctionDef | ast.ClassDef) for s in statements):
        return None
    if any(ast.unparse(s) == "ledger.report()" for s in statements):
        return "checks"
    comparisons = [compares(s) for s in statements]
    return "checks" if comparisons and comparisons[-1] and 2 * sum(comparisons) >= len(statements) else None


def purpose(source: str) -> str:
    """What a folded cell without a figure is for, a key of PROMPTS: the first that fits."""
    if "ledger.report()" in source:
        return "checks"
    if re.search(r'ledger\.check\(\s*f?"exercise_', source):
        return "exercises"
    last = ast.parse(source).body[-1]
    return "table" if isinstance(last, ast.Expr) and not ast.unparse(last).startswith("ledger.") else "code"


def readable(app: Sphinx, doctree: nodes.document) -> None:
    """Write the quoted numbers as one writes numbers in a text; no line begins with a per cent sign."""
    for quoted in list(doctree.findall(nodes.inline)):
        if "pasted-text" in quoted["classes"]:
            text = written(quoted.astext())
            quoted.clear()
            quoted += raised(text)
    for text in list(doctree.findall(nodes.Text)):
        if PER_CENT.search(text) and not isinstance(
            text.parent, nodes.literal | nodes.literal_block | nodes.raw
        ):
            text.parent.replace(text, nodes.Text(PER_CENT.sub("\u202f%", text)))


def raised(text: str) -> list[nodes.Node]:
    """A number whose exponent is raised by the page: the signs ⁻ and ⁶ are too small to be told apart."""
    found = EXPONENT.search(text)
    if not found:
        return [nodes.Text(text)]
    exponent = found[0].translate({value: chr(key) for key, value in RAISED.items()}).replace("-", "−")
    before, after = text[: found.start()], text[found.end() :]
    return [nodes.Text(before), nodes.superscript("", exponent), *([nodes.Text(after)] if after else [])]


def two_grounds(app: Sphinx, doctree: nodes.document) -> None:
    """Beside every figure of the book put its drawing for the dark ground; the style sheet shows one."""
    for image in list(doctree.findall(nodes.image)):
        path = Path(image["uri"])
        name = NAMES.get(path.stem, path.stem)
        drawn = [Path(app.srcdir) / FIGURES / f"{name}{ground}.svg" for ground in ("", "-dark")]
        if path.suffix != ".svg" or not all(one.is_file() for one in drawn):
            continue
        image["uri"] = f"/{FIGURES}/{drawn[0].name}"
        dark = image.deepcopy()
        dark["uri"] = f"/{FIGURES}/{drawn[1].name}"
        image["classes"] = [*image["classes"], "for-light", "dark-light"]
        dark["classes"] = [*dark["classes"], "for-dark", "dark-light"]
        dark["ids"] = []
        image.parent.insert(image.parent.index(image) + 1, dark)


@cache
def measures(path: Path) -> tuple[float, float, float]:
    """Width and height of an SVG that matplotlib drew, and its smallest lettering, in CSS pixels."""
    svg, points = path.read_text(encoding="utf-8"), 96 / 72
    width, height = (
        float(re.findall(rf'<svg[^>]* {side}="([\d.]+)pt"', svg)[0]) for side in ("width", "height")
    )
    letters = [
        float(size) * 100 for size in re.findall(r'<g[^>]*transform="[^"]*scale\(([\d.]+) -[\d.]+\)', svg)
    ]
    return width * points, height * points, min(letters, default=12.0) * points


def framed(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Give every figure its size, so that nothing jumps, and a link to it alone, at full size."""
    folder = Path(app.srcdir) / FIGURES

    def frame(match: re.Match) -> str:
        tag, source, name, ground = match[0], match[1], match[2], match[3]
        width, height, lettering = measures(folder / f"{name}.svg")
        sized = re.sub(r"\s*/?>$", "", tag)
        sized += f' width="{width:.0f}" height="{height:.0f}" loading="lazy" decoding="async"'
        if "sd-card-img" in tag:
            return sized + " />"
        least = width * LEAST_LETTERING / lettering
        kind = "for-dark" if ground else "for-light"
        label = re.search(r'alt="([^"]*)"', tag)
        return (
            f'<span class="picture {kind}"><a class="enlarge" href="{source}" '
            f'title="Full size">{sized} style="min-width: {least:.0f}px" /></a></span>'
            if label
            else f"{sized} />"
        )

    if body := context.get("body"):
        pattern = r'<img [^>]*src="((?:\.\./)*_images/([\w-]+?)(-dark)?\.svg)"[^>]*>'
        context["body"] = re.sub(pattern, lambda m: frame(m) if "for-" in m[0] else m[0], body)


def lighten(app: Sphinx, exception: Exception | None) -> None:
    """Leave the drawings for the dark ground out of the notebooks that a reader downloads: Jupyter shows none."""
    for path in (Path(app.outdir) / "_sources" / "chapters").glob("*.ipynb"):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            for output in cell.get("outputs", []):
                output.get("data", {}).pop(DARK_SVG, None)
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def setup(app: Sphinx) -> dict:
    """Sphinx's entry point."""
    app.connect("builder-inited", extract)
    app.connect("source-read", read)
    app.connect("doctree-read", readable)
    app.connect("doctree-read", two_grounds, priority=100)  # before Sphinx collects the images
    app.connect("html-page-context", framed)
    app.connect("build-finished", lighten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
