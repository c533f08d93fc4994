"""The few pieces of MyST Markdown from which the generated pages are made."""

import re
from collections.abc import Collection

WIDE = "---\nhtml_theme.sidebar_secondary.remove: true\n---"  # a page without the right column


def doc(chapter: str) -> str:
    """A link to a chapter, with its title as the text."""
    return f"{{doc}}`chapters/{chapter}`"


def numref(label: str) -> str:
    """A link to a figure by its number."""
    return f"{{numref}}`{label}`"


def tested(chapter: str, number: str) -> str:
    """The name of a checked number, with a link to its row in the report."""
    return f"{{tested}}`{chapter}.{number}`"


def code(text: str) -> str:
    """Text as code, also within a table."""
    return "`" + text.replace("`", "'").replace("|", "\\|") + "`"


def escape(text: str) -> str:
    """Text in which no character means anything to Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>|$~#&])", r"\\\1", text.replace("\n", " "))


def wide(
    headings: list[str], rows: list[list[str]], kind: str = "ledger wide", numbers: Collection[int] = ()
) -> str:
    """A table that needs the whole width: the style sheet knows it by its container."""
    return "\n".join([f"```{{container}} {kind}", table(headings, rows, numbers), "```"])


def stacked(headings: list[str], rows: list[list[str]], numbers: Collection[int] = ()) -> str:
    """A table of text whose rows stack on a phone."""
    return wide(headings, rows, "stacks", numbers)


def table(headings: list[str], rows: list[list[str]], numbers: Collection[int] = ()) -> str:
    """A table; the cells are Markdown, those of the columns ``numbers`` stand at the right."""
    lines = [headings, ["---:" if i in numbers else "---" for i in range(len(headings))], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
