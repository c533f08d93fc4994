"""A Sphinx extension: takes out of the written pages the markup that nothing reads and that changes nothing seen.

A fifth to a third of a chapter's HTML were such marks: a span round every name, comma and bracket of its code that
has the colour of the text around it, a paragraph in every cell of a table, a link's address once more as its title.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

MARKS = (  # what is matched, what stays of it
    (re.compile(r'<span class="pre">((?!-)[^<]*)</span>'), r"\1"),  # an option such as -m stays on one line
    (re.compile(r'class="([^"]*)docutils literal notranslate"'), r'class="\1literal notranslate"'),
    (re.compile(r' class="row-(?:even|odd)"'), ""),
    (
        re.compile(
            r'<p class="collapsed admonition-title">([^<]*)</p>\s*<p class="expanded admonition-title">\1</p>'
        ),
        r'<p class="admonition-title">\1</p>',
    ),  # of a fold that says the same open and closed
    (re.compile(r' id="(?:proof|(?:proof|exercise|solution)-content)"'), ""),  # of many boxes the same
    (
        re.compile(r"(<t[dh][^>]*>)<p>((?:(?!</?p[ >]|</t[dh]>).)*)</p>\s*(?=</t[dh]>)", re.DOTALL),
        r"\1\2",
    ),
    (re.compile(r'(<a class="[^"]*" href="[^"]*#(?:module-)?([^"#]*)") title="\2"'), r"\1"),
)
COMMENT = re.compile(r"<!--(?! the book).*?-->", re.DOTALL)  # but for the place of the PDF
AS_WRITTEN = re.compile(r"(<(?:pre|script|style|textarea)\b.*?</(?:pre|script|style|textarea)>)", re.DOTALL)
OPERATORS = {"o"}  # an operator is told by its sign and needs no colour
CLOSE = (  # what is read as one stays on one line; a link's line begins with its word; minus has its own sign
    (re.compile(r"Solution to(<a [^>]*>) "), "Solution to \\1"),
    (
        re.compile(
            r"(?<=>)([Cc]hapter|Lemma|Theorem|Proposition|Corollary|Definition|Figure|Exercise) (?=\d)"
        ),
        "\\1\u00a0",
    ),
    (re.compile(r"\b([Cc]hapters?|[Ff]igures?) (?=<a [^>]*>(?:<span [^>]*>)?\d)"), "\\1\u00a0"),
    (re.compile(r"\bet al\."), "et\u00a0al."),
    (re.compile(r"\b([Cc]lass(?:es)?) (?=\d)"), "\\1\u00a0"),
    (re.compile(r'(prev-next-title"><span class="section-number">[\d.]+) '), "\\1\u00a0"),
    (
        re.compile(r"(?<=<td>)[≤≥\s\[]*-?[\d.][^<]*"),
        lambda cell: re.sub(r"(?:(?<=\de)|(?<![\w.]))-(?=[\d.])", "−", cell[0]),
    ),
)
SHADE = r'data-theme="{}"\] \.highlight \.(\w+) {{ color: (#\w+) }}'
TEXT = r'data-theme="{}"\] \.highlight {{ background: #\w+; color: (#\w+) }}'


def like_text(css: str) -> set[str]:
    """The classes of pieces of code that a style sheet of Pygments shows in the colour of text, light and dark."""
    found = []
    for theme in ("light", "dark"):
        text = re.findall(TEXT.format(theme), css)
        found.append({name for name, colour in re.findall(SHADE.format(theme), css) if [colour] == text})
    return set.intersection(*found)


def slim(html: str, plain: set[str]) -> str:
    """A page without these marks; ``plain`` are the classes of code that look like text."""
    if plain:
        names = "|".join(sorted(plain))
        html = re.sub(rf'<span class="(?:{names})">([^<]*)</span>', r"\1", html)
    for pattern, rest in MARKS:
        html = pattern.sub(rest, html)
    parts = AS_WRITTEN.split(html)
    parts[::2] = [_close(re.sub(r"\s*\n\s*", "\n", COMMENT.sub("", part))) for part in parts[::2]]
    return "".join(parts)


def _close(html: str) -> str:
    for pattern, rest in CLOSE:
        html = pattern.sub(rest, html)
    return html


def write(app: Sphinx, exception: Exception | None) -> None:
    """All pages once more, slim."""
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    plain = like_text((out / "_static" / "pygments.css").read_text(encoding="utf-8")) | OPERATORS
    for page in (path for path in out.rglob("*.html") if "_static" not in path.parts):
        page.write_text(slim(page.read_text(encoding="utf-8"), plain), encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Sphinx's entry point."""
    app.connect("build-finished", write, priority=900)  # the links in code cells look for these marks before
    return {"parallel_read_safe": True, "parallel_write_safe": True}
