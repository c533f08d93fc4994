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

from lib.book.project import topic
from lib.checks.tables import RAISED, written

DARK_SVG = "application/vnd.book.dark+svg"  # as in lib.plotting: a figure's drawing for the dark ground
FIGURES = "figures"  # where both drawings of every figure are put, in the folder of the sources
NAMES: dict[str, str] = {}  # the names of figures by the hashes of their light drawings
LEAST_LETTERING = 9.0  # CSS pixels, on any screen
TO_TOOLS = re.compile(r" *# (?:fmt: skip|noqa: \w+)$", re.MULTILINE)  # comments that are not for readers
COMPARES = re.compile(r"ledger\.(check|report)\(")
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
    notebook["cells"] = [part for cell in notebook["cells"] for part in apart(cell)]
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(DARK_SVG, None)
        if cell["cell_type"] == "code":
            cell["source"] = TO_TOOLS.sub("", _text(cell["source"]))
            fold(cell)
            guard(cell, topic(Path(docname).name))
    source[0] = json.dumps(notebook)


def apart(cell: dict) -> list[dict]:
    """A cell that computes and compares as two: the argument with its output, and below it the comparisons."""
    source = _text(cell["source"])
    if cell["cell_type"] != "code" or machinery(source, cell["metadata"].get("tags", [])) is not None:
        return [cell]
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # a cell with a magic
        return [cell]
    lines = source.splitlines()
    places = moved(statements)
    compared = {
        number
        for place in places
        for number in range(statements[place].lineno - 1, statements[place].end_lineno or 0)
    }
    if not compared:
        return [cell]
    argument = "\n".join(line for number, line in enumerate(lines) if number not in compared)
    checks = cell | {
        "id": f"{cell['id']}-checks",
        "metadata": {},
        "outputs": [],
        "source": "\n".join(lines[number] for number in sorted(compared)),
    }
    return [cell | {"source": re.sub(r"\n{3,}", "\n\n", argument).strip("\n")}, checks]


def moved(statements: list[ast.stmt]) -> list[int]:
    """The places of the comparisons that may stand last: what stays needs nothing of them, and changes nothing that
    they read.
    """
    places: list[int] = []
    for place in reversed(range(len(statements))):
        one = statements[place]
        stays = [s for later, s in enumerate(statements) if later > place and later not in places]
        given, read = stored(one), loaded(one) - stored(one)
        if compares(one) and not any(given & needed(s) or read & stored(s) for s in stays):
            places.append(place)
    return sorted(places)


def compares(statement: ast.stmt) -> bool:
    """Whether a statement only compares numbers with what was expected: a call of the ledger, or a loop of them."""
    if isinstance(statement, ast.For):
        kinds = [compares(s) or _names(s) for s in statement.body]
        return all(kinds) and any(map(compares, statement.body))
    return isinstance(statement, ast.Expr) and bool(COMPARES.match(ast.unparse(statement)))


def _names(statement: ast.stmt) -> bool:
    """Whether a statement gives names a value, and changes nothing that there is."""
    return isinstance(statement, ast.Assign) and not any(
        isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store)
        for node in ast.walk(statement)
    )


def loaded(statement: ast.stmt) -> set[str]:
    """The names that a statement reads."""
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def stored(statement: ast.stmt) -> set[str]:
    """The names that a statement gives a value, or whose value it changes: rows[0] = 1, rows.append(1)."""
    found = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            found |= {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            owner = node.value.func
            if isinstance(owner, ast.Attribute) and isinstance(owner.value, ast.Name):
                found.add(owner.value.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
    inner = (n for c in ast.walk(statement) if isinstance(c, ast.comprehension) for n in ast.walk(c.target))
    return found - {n.id for n in inner if isinstance(n, ast.Name)} - {"ledger"}


def needed(statement: ast.stmt) -> set[str]:
    """The names that a statement needs from before; a loop gives its own ones their values itself."""
    return loaded(statement) - (stored(statement) if isinstance(statement, ast.For) else set())


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
