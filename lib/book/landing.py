"""A Sphinx extension: what the landing page shows by itself: a card for every chapter, and which build this is."""

import json
import subprocess
import time
import tomllib
from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import SphinxDirective

from lib.book import BookError
from lib.explorer import moving

ROOT = Path(__file__).resolve().parents[2]


class Gallery(SphinxDirective):
    """A card for every chapter: its number where it has one, title, a figure, and a sentence.

    The body says which figure and sentence, ``03_dynamics: {figure: dynamics-deep, text: ...}``; a chapter
    that it leaves out shows its first figure and what that figure is about.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        said = yaml.safe_load("\n".join(self.content)) or {}
        source = Path(self.env.app.srcdir)
        lines = ["::::{grid} 1 1 2 2", ":gutter: 3", ":class-container: gallery", ""]
        for number, name in chapters(source / "_toc.yml"):
            self.env.note_dependency(str(source / f"{name}.ipynb"))
            lines += card(source / f"{name}.ipynb", name, number, said.pop(Path(name).name, {}))
        if said:
            raise self.error(f"the gallery speaks of chapters that there are not: {', '.join(said)}")
        box = nodes.container()
        self.state.nested_parse(StringList([*lines, "::::"], "gallery"), 0, box)
        return box.children


def card(notebook: Path, name: str, number: str, said: dict) -> list[str]:
    """The lines of a chapter's card."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    title = next(line[2:] for text in texts for line in text.splitlines() if line.startswith("# "))
    figures = {
        output["metadata"]["figure"]: cell["metadata"]
        for cell in cells
        for output in cell.get("outputs", [])
        if output.get("metadata", {}).get("figure")
    }
    lines = [f":::{{grid-item-card}} {number}{title}", f":link: {name}", ":link-type: doc"]
    text = said.get("text", "")
    if figures:
        figure = said.get("figure", next(iter(figures)))
        if figure not in figures:
            raise BookError(f"the gallery shows {figure} for {name}, which draws {', '.join(figures)}")
        alt = figures[figure].get("mystnb", {}).get("image", {}).get("alt", title).replace("\n", " ")
        lines += [f":img-top: figures/{figure}.svg", f":img-alt: {alt}"]
        text = text or figures[figure].get("book", {}).get("content", "")
    return [*lines, "", text, ":::", ""]


def chapters(toc: Path) -> list[tuple[str, str]]:
    """The notebooks of a table of contents in order, each after its number, ``"4. "``; "" in a part without."""
    count, found = 0, []
    for part in yaml.safe_load(toc.read_text(encoding="utf-8")).get("parts", []):
        for chapter in part["chapters"]:
            count += bool(part.get("numbered"))
            if chapter["file"].startswith("chapters/"):
                found.append((f"{count}. " if part.get("numbered") else "", chapter["file"]))
    return found


class MovingFigure(SphinxDirective):
    """A figure of lib.explorer.moving on a page, open: {moving} NAME."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        return [nodes.raw("", moving.html(self.arguments[0], opened=True), format="html")]


def build_of(root: Path) -> str:
    """Which build this is, in words: version, commit and date."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = ["git", "-C", str(root), "log", "-1", "--format=%h"]
    commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    told = [f"Version {project['version']}", f"commit {commit}" if commit else "", time.strftime("%-d %B %Y")]
    return ", ".join(filter(None, told))


def sign(app: Sphinx, config: Config) -> None:
    """Put that at the foot of every page."""
    config.html_theme_options["extra_footer"] = f'<p class="build">{build_of(ROOT)}</p>'


def setup(app: Sphinx) -> dict:
    """Sphinx's entry point."""
    app.add_directive("gallery", Gallery)
    app.add_directive("moving", MovingFigure)
    app.connect("config-inited", sign)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
