"""A Sphinx extension: docstrings as they are written here, plain text with code in backticks, become paragraphs.

They are prose with formulas in Unicode. Read as reStructuredText, stars and bars would be markup.
"""

import re

import sphinx_codeautolink.extension
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx_codeautolink.extension.block import CodeBlockAnalyser


def plain(text: str) -> list[str]:
    """The paragraphs of a docstring as lines of reStructuredText in which only code is marked.

    An indented paragraph, such as formulas one below the other, keeps its lines and columns.
    """
    lines = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        parts = paragraph.split("\n")
        if all(part.startswith("    ") for part in parts):
            lines += [".. code-block:: text", "", *(f"   {part[4:]}" for part in parts), ""]
        else:
            lines += [" ".join(map(marked, parts)), ""]
    return lines


def marked(line: str) -> str:
    """One line: code in backticks is code, everything else is text."""
    parts = re.split(r"`+([^`]+)`+", line.strip())
    out = [
        re.sub(r"([\\*|_`])", r"\\\1", part) if i % 2 == 0 else f"``{part}``" for i, part in enumerate(parts)
    ]
    return "\\ ".join(part for part in out if part)


def process(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Replace the lines that autodoc read."""
    lines[:] = plain("\n".join(lines))


def skip(app: Sphinx, what: str, name: str, obj: object, skipped: bool, options: object) -> bool | None:
    """Leave out the fields of a NamedTuple, of which Python says only which number they have."""
    return True if type(obj).__name__ == "_tuplegetter" else None


class NoModules(SphinxTransform):
    """The index lists names, not once more every module under L and M."""

    default_priority = 840  # before Sphinx collects the entries

    def apply(self, **options: object) -> None:
        for index in self.document.findall(addnodes.index):
            index["entries"] = [entry for entry in index["entries"] if not entry[1].startswith("module; ")]


class _Sections(CodeBlockAnalyser):
    """sphinx-codeautolink 0.19 takes every section to have a title; those of exercises have none."""

    def visit_section(self, node: nodes.Element) -> None:
        if node["ids"]:
            super().visit_section(node)

    def depart_section(self, node: nodes.Element) -> None:
        if self.title_stack:
            super().depart_section(node)


def setup(app: Sphinx) -> dict:
    """Sphinx's entry point."""
    app.connect("autodoc-process-docstring", process)
    app.connect("autodoc-skip-member", skip)
    app.add_transform(NoModules)
    sphinx_codeautolink.extension.CodeBlockAnalyser = _Sections
    return {"parallel_read_safe": True, "parallel_write_safe": True}
