"""The table of checked numbers, for a terminal and for a page."""

import html
import re
from collections import Counter
from typing import TypedDict

from lib.checks.nested import leaves

MATCH, MISMATCH, NOT_FINITE = "match", "MISMATCH", "NOT FINITE"
NOT_COMPARED = "not compared: a fixed number for the default parameters"
UNDEFINED = "undefined for these parameters"
NEVER_CHECKED = "expected but never checked by the chapter"
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
FAILED = (MISMATCH, NOT_FINITE, NEVER_CHECKED)


class Row(TypedDict):
    """What is known of one expected number when its chapter has run."""

    name: str
    of: str | None  # the number whose second entry this is
    here: object
    expected: object
    tolerance: str
    one_sided: bool
    rule: str
    kind: str | None
    set: str | None
    source: str
    formula: object
    deviation: float | None  # in units of the tolerance
    status: str


def show(value: object, digits: int = 12) -> str:
    """A number, or the beginning of an array of them, to this many significant digits."""
    if isinstance(value, list):
        found = leaves(value)
        more = f", … ({len(found)} numbers)" if len(found) > 5 else ""
        shown = found[: 3 if more else 5]
        return f"[{', '.join(show(leaf, digits) for leaf in shown)}{more}]"
    if isinstance(value, float) or (isinstance(value, int) and abs(value) >= 10**digits):
        return f"{value:.{digits}g}".replace("inf", "∞")
    return "–" if value is None else str(value)


def written(text: str) -> str:
    """A formatted number as one writes it in a text: 1.6e-04 is 1.6 · 10⁻⁴, and minus is a sign of its own."""
    found = re.fullmatch(r"(-?)([\d.]+)(?:e([+-]\d+))?(%?)", text)
    if not found:
        return text
    sign, factor, exponent, percent = found.groups("")
    if exponent and float(factor):
        power = "10" + str(int(exponent)).translate(RAISED)
        factor = power if factor == "1" else f"{factor}\u202f·\u202f{power}"
    return sign.replace("-", "−") + factor + ("\u202f%" if percent else "")


def cells(row: Row) -> list[str]:
    """A row of the table as text: name, here, expected, deviation, status, source."""
    deviation = "–" if row["deviation"] is None else show(row["deviation"], 2)
    bound = {"at_most": "≤\u00a0", "at_least": "≥\u00a0"}.get(row["tolerance"], "")
    return [
        row["name"],
        show(row["here"], 6),
        bound + show(row["expected"], 6),
        f"{deviation} × {row['tolerance']}",
        row["status"],
        _source(row),
    ]


def _source(row: Row) -> str:
    """The source, after its kind and, of a limit, when it was set."""
    kind, source = row["kind"], row["source"]
    if kind is None:
        return source
    said = re.sub(rf"^(?:{kind.split()[-1]}(?: of| on)?|{kind})[,:]? ", "", source)
    when = f", set {row['set']} the record was seen" if kind == "limit" else ""
    return f"{kind}{when}: {said}"


HEADINGS = ["number", "here", "expected", "deviation", "status", "source"]


def as_text(rows: list[Row]) -> str:
    """The table for a terminal."""
    table = [HEADINGS, *map(cells, rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEADINGS) - 1)]
    return "\n".join(
        "  ".join([*(text.ljust(w) for text, w in zip(line, widths, strict=False)), line[-1]])
        for line in table
    )


def as_html(rows: list[Row]) -> str:
    """The table for a page, folded under a line that sums it up, unless one of its numbers failed."""

    def line(texts: list[str], tag: str, kind: str = "") -> str:
        inside = "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in texts)
        return f'<tr class="{kind}">{inside}</tr>'

    body = "".join(line(cells(row), "td", "failed" if row["status"] in FAILED else "") for row in rows)
    opened = " open" if any(row["status"] in FAILED for row in rows) else ""
    return (
        f'<details class="numbers"{opened}><summary>{html.escape(in_words(rows))}</summary>'
        '<div class="ledger" style="overflow-x: auto" tabindex="0" role="region" '
        'aria-label="Checked numbers"><table><thead>'
        f"{line(HEADINGS, 'th')}</thead><tbody>{body}</tbody></table></div></details>"
    )


def in_words(rows: list[Row]) -> str:
    """How many numbers there are, and how they compare: ``36 numbers, all match``."""
    count = f"{len(rows)} number{'s' if len(rows) != 1 else ''}"
    found = Counter(row["status"] for row in rows)
    if set(found) <= {MATCH}:
        return f"{count}, all match"
    return f"{count}: " + "; ".join(f"{times} {status}" for status, times in found.most_common())
