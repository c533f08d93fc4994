"""The pages that are written by the build: the reproduction report and the figure map."""

import platform
from collections import Counter
from importlib import metadata

from lib.book.execute import Executed
from lib.book.figures import Figure
from lib.book.pages.markdown import WIDE, code, doc, escape, numref, stacked, table, tested, wide
from lib.book.project import topic
from lib.checks.nested import leaves
from lib.checks.sources import KINDS, SET
from lib.checks.tables import HEADINGS, Row, cells
from lib.checks.tolerances import TOLERANCES

SHOWN = ("name", "label", "chapter", "content", "authors_output", "checks")  # of a figure
LONGEST = 160  # characters of a formula; the whole of it stands in tests/expected
PACKAGES = ("numpy", "scipy", "matplotlib", "torch", "jupyter-book", "papermill")


def summary(chapters: list[Executed], figures: list[Figure]) -> dict:
    """Everything the build knows, for machines: ``_build/report.json``."""
    return {
        "numbers": sum(len(chapter.record["numbers"]) for chapter in chapters),
        "figures": [{name: getattr(figure, name) for name in SHOWN} for figure in figures],
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
        "Every number that a chapter states was compared with the one in tests/expected, whose "
        "source is named beside it; a single mismatch, a warning, or an expected number that "
        "no chapter checks would have stopped the build.",
        "## What the word “match” is worth",
        "By the kind of source, and by whether a number is compared from both sides or is only held to a "
        "bound. A number with two rows, its value and a limit to what is claimed of it, counts twice. A limit says "
        "when it was set: before or after the record that it is put to was seen.",
        _worth([row for chapter in chapters for row in chapter["record"]["numbers"]]),
        "The deviation in the tables below is in units of the tolerance that is named beside it, which the table of "
        "[tolerances](#kinds-of-tolerance) explains: at most 1 is a match.",
        f"```{{container}} in-print\nPrinted here is this summary. The tables themselves, {summary['numbers']} numbers "
        "each beside its expected value and its source, are on the page *Reproduction report* of the book's pages, "
        "the file `report.html`.\n```",
    ]
    for chapter in chapters:
        parts += [
            f"## {{doc}}`chapters/{chapter['name']}`",
            wide(HEADINGS, [_number(row, topic(chapter["name"])) for row in chapter["record"]["numbers"]]),
        ]
    parts += [
        "(kinds-of-tolerance)=\n## Tolerances",
        stacked(
            ["kind", "a match is", "for"],
            [[code(name), escape(k.rule), escape(k.use)] for name, k in TOLERANCES.items()],
        ),
        "## Figures",
        table(
            ["figure", "shows", "chapter"],
            [[numref(f["label"]), escape(f["content"]), doc(f["chapter"])] for f in summary["figures"]],
        )
        if summary["figures"]
        else "No chapter draws one.",
        "## Time and memory",
        table(
            ["chapter", "seconds", "peak memory, MB"],
            [[doc(c["name"]), f"{c['seconds']:.1f}", str(c["megabytes"])] for c in chapters],
            numbers=(1, 2),
        ),
        "## Versions",
        table(
            ["what", "version"],
            [
                ["Python", summary["python"]],
                ["platform", escape(summary["platform"])],
                *[[name, escape(version)] for name, version in summary["packages"].items()],
            ],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def figure_map_page(summary: dict) -> str:
    """The figure map as MyST Markdown: content, chapter, file, authors' output, numbers."""
    rows = [
        [
            f"{numref(figure['label'])}: {escape(figure['content'])}",
            doc(figure["chapter"]),
            f"{{download}}`{figure['name']}.svg <figures/{figure['name']}.svg>`",
            code(figure["authors_output"]) if figure["authors_output"] else "–",
            ", ".join(tested(topic(figure["chapter"]), name) for name in figure["checks"]),
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
                wide(headings, rows) if rows else "No chapter draws a figure.",
            ]
        )
        + "\n"
    )


def _worth(rows: list[Row]) -> str:
    """A table of the rows counted by kind of source and by side."""
    counts = Counter((row["kind"], row["set"], row["one_sided"]) for row in rows)
    lines = []
    for kind, meaning in KINDS.items():
        for when in SET if kind == "limit" else (None,):
            both, one = counts[kind, when, False], counts[kind, when, True]
            name = f"{kind}, set {when}" if when else kind
            lines.append([name, str(both), str(one), escape(meaning.replace("before or after", str(when)))])
    totals = [sum(int(line[column]) for line in lines) for column in (1, 2)]
    lines.append(["**all**", *(f"**{total}**" for total in totals), ""])
    return stacked(["kind of source", "both sides", "one side", "what it is"], lines, numbers=(1, 2))


def _number(row: Row, chapter: str) -> list[str]:
    name, *values, source = cells(row)
    formula = f" {code(_joined(row['formula']))}" if row["formula"] is not None else ""
    return [f"{{checked}}`{chapter}.{name}`", *map(escape, values), escape(source) + formula]


def _joined(formula: object) -> str:
    """The formulas of a number, once if they are all one, cut where they are long; 1/0 is how they say undefined."""
    each = [str(one).replace("else 1/0", "else undefined") for one in leaves(formula)]
    text = each[0] if len(set(each)) == 1 else "; ".join(each)
    return text if len(text) <= LONGEST else text[:LONGEST].rsplit(" ", 1)[0] + " …"
