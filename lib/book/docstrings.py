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

# x^{a}, x^(a), x^a and x**a
POWER = re.compile(r"(?:(?<=\S)\^|(?<=[\w)])\*\*)(?:\{([^{}]+)\}|\(([^()]+)\)|(\w+))")
# between short symbols, so that no line becomes too long for a narrow screen
OPERATOR = re.compile(r"(?<!\S)(\S{1,7}) ([=<>≤≥+−×]) (?=\S{1,7}(?!\S))")


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
            lines += [marked(" ".join(part.strip() for part in parts)), ""]
    return lines


def marked(paragraph: str) -> str:
    """One paragraph: code in backticks is code, everything else is text."""
    parts = re.split(r"`+([^`]+)`+", paragraph)
    out = [_prose(part) if i % 2 == 0 else f"``{part}``" for i, part in enumerate(parts)]
    return "\\ ".join(part for part in out if part)


def _prose(text: str) -> str:
    """Text with the signs of formulas: exponents raised, ≤ and ≥, no line's end beside the operator of x = 1."""
    text = text.replace("<=", "≤").replace(">=", "≥")
    text = OPERATOR.sub("\\1\N{NO-BREAK SPACE}\\2\N{NO-BREAK SPACE}", text)
    pieces, end = [], 0
    for power in POWER.finditer(text):
        exponent = next(filter(None, power.groups()))
        pieces += [_escaped(text[end : power.start()]), f"\\ :sup:`{_escaped(exponent)}`\\ "]
        end = power.end()
    return "".join([*pieces, _escaped(text[end:])])


def _escaped(text: str) -> str:
    return re.sub(r"([\\*|_`])", r"\\\1", text)


def process(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Replace the lines that autodoc read."""
    lines[:] = plain("\n".join(lines))


def sign(
    app: Sphinx,
    what: str,
    name: str,
    obj: object,
    options: object,
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """A signature without NumPy's name before its types, and none where a class takes what its base class takes."""
    if what == "class" and signature and re.fullmatch(r"\(\*args\b[^,]*, \*\*kwargs\b[^,]*\)", signature):
        return "", returned
    bare = [text and re.sub(r"(?<![\w.~])(np|numpy)\.", "", text) for text in (signature, returned)]
    return bare[0], bare[1]


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
    app.connect("autodoc-process-signature", sign)
    app.connect("autodoc-skip-member", skip)
    app.add_transform(NoModules)
    sphinx_codeautolink.extension.CodeBlockAnalyser = _Sections
    return {"parallel_read_safe": True, "parallel_write_safe": True}
