"""A small book to try the machinery on, planted in a temporary folder."""

from pathlib import Path

import nbformat
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from lib.book.project import Project

CONFIG = {
    "title": "A planted book",
    "only_build_toc_files": True,
    "execute": {"execute_notebooks": "off", "stderr_output": "warn"},
    "sphinx": {"extra_extensions": ["lib.book.sphinx_extension", "lib.book.notebooks"]},
}

SETUP = """import os
from pathlib import Path
from IPython.display import display
from lib.checks import Ledger
ledger = Ledger("{topic}", n_x=n_x, r=r, widths=widths, label=label)
def save(name, text="a"):
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="9"><text>{{text}}</text></svg>'
    if "BOOK_FIGURES" in os.environ:
        Path(os.environ["BOOK_FIGURES"], name + ".svg").write_text(svg)
    display({{"image/svg+xml": svg}}, raw=True, metadata={{"figure": name}})
"""

PARAMETERS = """n_x = 3  # input bits
r = 1.0  # scale
widths = [1, 2]  # hidden units
label = "a"  # a name"""

DEFAULTS = {"n_x": 3, "r": 1.0, "widths": [1, 2], "label": "a"}
NUMBERS = {
    "size": {"formula": "P", "tolerance": "count", "source": "closed form"},
    "third": {"value": 0.5, "tolerance": "exact", "source": "a recorded run"},
}


def figure_metadata(name: str, **changes) -> dict:
    """The metadata of a figure cell that has all it needs."""
    metadata = {
        "mystnb": {
            "figure": {"caption": f"Caption of {name}.", "name": f"fig-{name}"},
            "image": {"alt": f"Alt of {name}"},
        },
        "book": {"content": f"what {name} shows", "checks": ["size"]},
    }
    return metadata | changes


def figure_cell(name: str, text: str = "a", **changes):
    """A cell that draws, saves and shows a figure."""
    return new_code_cell(f"save({name!r}, {text!r})", metadata=figure_metadata(name, **changes))


CHECKS = 'ledger.check("size", 2**n_x)\nledger.check("third", 0.5)'
REPORT = "ledger.report()"


def plant_chapter(root: Path, stem: str, cells=None, *, numbers=NUMBERS) -> Path:
    """Write a chapter that passes, or one with these cells between set-up and end."""
    topic = stem.split("_", 1)[1]
    if cells is None:
        cells = [CHECKS, figure_cell(f"drawing_{topic}"), REPORT]
    notebook = new_notebook(
        cells=[
            new_markdown_cell(f"# Chapter {topic}\n\nText."),
            new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
            new_code_cell(SETUP.format(topic=topic)),
            *[new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells],
        ]
    )
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    notebook.metadata["language_info"] = {"name": "python"}
    for index, cell in enumerate(notebook.cells):
        cell.id = f"cell-{index}"
    path = root / "chapters" / f"{stem}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    expected = root / "tests" / "expected" / f"{topic}.yml"
    expected.parent.mkdir(parents=True, exist_ok=True)
    content = {"parameters": DEFAULTS, "numbers": numbers}
    expected.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def plant(root: Path, *stems: str) -> Project:
    """A whole book whose chapters pass."""
    for stem in stems:
        plant_chapter(root, stem)
    write_toc(root, *stems)
    (root / "_config.yml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    (root / "intro.md").write_text("# A planted book\n\nText.\n", encoding="utf-8")
    return Project(root)


def write_toc(root: Path, *stems: str) -> None:
    """List these chapters, then the generated pages."""
    files = [*(f"chapters/{stem}" for stem in stems), "report", "figure_map"]
    toc = {
        "format": "jb-book",
        "root": "intro",
        "chapters": [{"file": name} for name in files],
    }
    (root / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
