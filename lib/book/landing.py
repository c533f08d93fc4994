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

from lib.explorer import moving

ROOT = Path(__file__).resolve().parents[2]


class Gallery(SphinxDirective):
    """A card for every numbered chapter: its number, title, a figure, and a sentence.

    The body says which figure and sentence, ``03_dynamics: {figure: dynamics-deep, text: ...}``; a chapter
    that it leaves out shows its first figure and what that figure is about.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        said = yaml.safe_load("\n".join(self.content)) or {}
        source = Path(self.env.app.srcdir)
        chapters = numbered(source / "_toc.yml")
        lines = ["::::{grid} 1 1 2 2", ":gutter: 3", ":class-container: gallery", ""]
        for number, name in enumerate(chapters, start=1):
            self.env.note_dependency(str(source / f"{name}.ipynb"))
            lines += card(source / f"{name}.ipynb", name, number, said.get(Path(name).name, {}))
        box = nodes.container()
        self.state.nested_parse(StringList([*lines, "::::"], "gallery"), 0, box)
        return box.children


def card(notebook: Path, name: str, number: int, said: dict) -> list[str]:
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
    lines = [f":::{{grid-item-card}} {number}. {title}", f":link: {name}", ":link-type: doc"]
    text = said.get("text", "")
    if figures:
        figure = said["figure"] if said.get("figure") in figures else next(iter(figures))
        alt = figures[figure].get("mystnb", {}).get("image", {}).get("alt", title).replace("\n", " ")
        lines += [f":img-top: figures/{figure}.svg", f":img-alt: {alt}"]
        text = text or figures[figure].get("book", {}).get("content", "")
    return [*lines, "", text, ":::", ""]


def numbered(toc: Path) -> list[str]:
    """The chapters of the numbered parts of a table of contents, in order: their numbers are their places."""
    parts = yaml.safe_load(toc.read_text(encoding="utf-8")).get("parts", [])
    return [chapter["file"] for part in parts if part.get("numbered") for chapter in part["chapters"]]


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
