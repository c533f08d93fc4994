"""The pages that are written by the build: the reproduction report and the figure map."""

import platform
import re
from importlib import metadata

from lib.book.execute import Executed
from lib.book.figures import Figure
from lib.checks import HEADINGS, TOLERANCES, cells

PACKAGES = ("numpy", "scipy", "matplotlib", "torch", "jupyter-book", "papermill")

WIDE = "---\nhtml_theme.sidebar_secondary.remove: true\n---"  # a page without the right column


def summary(chapters: list[Executed], figures: list[Figure]) -> dict:
    """Everything the build knows, for machines: ``_build/report.json``."""
    return {
        "numbers": sum(len(chapter.record["numbers"]) for chapter in chapters),
        "figures": [
            {
                "name": figure.name,
                "label": figure.label,
                "chapter": figure.chapter,
                "content": figure.content,
                "authors_output": figure.authors_output,
                "checks": list(figure.checks),
            }
            for figure in figures
        ],
        "chapters": [
            {
                "name": chapter.name,
                "seconds": round(chapter.seconds, 1),
                "megabytes": round(chapter.megabytes),
                "record": chapter.record,
            }
            for chapter in chapters
        ],
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def report_page(summary: dict) -> str:
    """The reproduction report as MyST Markdown."""
    chapters = summary["chapters"]
    parts = [
        WIDE,
        "# Reproduction report",
        f"**{summary['numbers']} numbers in {len(chapters)} chapters, all match.** "
        "This page is written by the build from the very notebooks that the book shows. "
        "Every number that a chapter states was compared with one expected beforehand, whose "
        "source is named beside it; a single mismatch, a warning, or an expected number that "
        "no chapter checks would have stopped the build.",
        "The deviation is in units of the tolerance: at most 1 is a match.",
    ]
    for chapter in chapters:
        parts += [
            f"## {{doc}}`chapters/{chapter['name']}`",
            _wide(HEADINGS, [_number(row) for row in chapter["record"]["numbers"]]),
        ]
    parts += [
        "## Tolerances",
        _table(
            ["kind", "a match is", "for"],
            [[_code(name), _escape(k.rule), _escape(k.use)] for name, k in TOLERANCES.items()],
        ),
        "## Figures",
        _table(
            ["figure", "shows", "chapter"],
            [[_numref(f), _escape(f["content"]), _doc(f["chapter"])] for f in summary["figures"]],
        )
        if summary["figures"]
        else "No chapter draws one.",
        "## Time and memory",
        _table(
            ["chapter", "seconds", "peak memory, MB"],
            [[_doc(c["name"]), f"{c['seconds']:.1f}", str(c["megabytes"])] for c in chapters],
        ),
        "## Versions",
        _table(
            ["what", "version"],
            [
                ["Python", summary["python"]],
                ["platform", _escape(summary["platform"])],
                *[[name, _escape(version)] for name, version in summary["packages"].items()],
            ],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def figure_map_page(summary: dict) -> str:
    """The figure map as MyST Markdown: content, chapter, file, authors' output, numbers."""
    rows = [
        [
            f"{_numref(figure)}: {_escape(figure['content'])}",
            _doc(figure["chapter"]),
            f"{{download}}`{figure['name']}.svg <figures/{figure['name']}.svg>`",
            _code(figure["authors_output"]) if figure["authors_output"] else "–",
            ", ".join(_code(name) for name in figure["checks"]),
        ]
        for figure in summary["figures"]
    ]
    headings = ["figure", "chapter", "file", "authors' output", "guarded by"]
    return (
        "\n\n".join(
            [
                WIDE,
                "# Figure map",
                "Which figure shows what, the chapter that draws it, its file, the output of the "
                "authors' published code that it reproduces where there is one, and the checked "
                "numbers that guard it: they stand with their sources in the {doc}`report`.",
                _wide(headings, rows) if rows else "No chapter draws a figure.",
            ]
        )
        + "\n"
    )


def _number(row: dict) -> list[str]:
    name, *values, source = cells(row)
    formula = f" {_code(_joined(row['formula']))}" if row["formula"] is not None else ""
    return [_code(name), *map(_escape, values), _escape(source) + formula]


def _joined(formula) -> str:
    return "; ".join(map(str, formula)) if isinstance(formula, list) else str(formula)


def _doc(chapter: str) -> str:
    return f"{{doc}}`chapters/{chapter}`"


def _numref(figure: dict) -> str:
    return f"{{numref}}`{figure['label']}`"


def _code(text: str) -> str:
    return "`" + text.replace("`", "'").replace("|", "\\|") + "`"


def _escape(text: str) -> str:
    """Text in which no character means anything to Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>|$~#&])", r"\\\1", text.replace("\n", " "))


def _wide(headings: list[str], rows: list[list[str]]) -> str:
    """A table that needs the whole width: the style sheet knows it by its container."""
    return "\n".join(["```{container} ledger wide", _table(headings, rows), "```"])


def _table(headings: list[str], rows: list[list[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
