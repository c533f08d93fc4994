"""The page of symbols against the mathematics of the chapters: nothing listed that is not used, nothing twice."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "symbols.md").read_text(encoding="utf-8")
SHARED = ("The dataset", "Modes", "Networks and learning")
_ROW = re.compile(r"^\| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)


def tables(page=PAGE):
    """The rows of every table by its heading: (symbols, meaning, place)."""
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)[1:]
    rows = zip(parts[::2], parts[1::2], strict=True)
    return {heading: [row for row in _ROW.findall(text) if "$" in row[0]] for heading, text in rows}


def symbols(cell):
    """The symbols of a cell of the first column, one by one, without spaces."""
    listed = [part for mathematics in re.findall(r"\$([^$]+)\$", cell) for part in mathematics.split(r",\ ")]
    return [part.replace(" ", "") for part in listed]


def sources():
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        yield "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


TEXT = "\n".join(sources())
MATHEMATICS = " ".join(a or b for a, b in re.findall(r"\$\$(.+?)\$\$|\$([^$]+)\$", TEXT, re.DOTALL)).replace(
    " ", ""
)


def repeated(page):
    """Symbols that a table lists twice, or that a chapter's table takes from the first three."""
    found = tables(page)
    names = {heading: [s for row in rows for s in symbols(row[0])] for heading, rows in found.items()}
    shared = [name for heading in SHARED for name in names[heading]]
    twice = [name for own in names.values() for name in own if own.count(name) > 1]
    twice += [name for name in shared if shared.count(name) > 1]
    return twice + [n for heading, own in names.items() if heading not in SHARED for n in own if n in shared]


def unused(page):
    """Symbols on the page that occur in no chapter."""
    listed = [s for rows in tables(page).values() for row in rows for s in symbols(row[0])]
    return [name for name in listed if name not in MATHEMATICS]


def test_no_symbol_of_the_whole_book_is_given_a_second_meaning():
    assert repeated(PAGE) == []


def test_every_symbol_occurs_in_the_chapters():
    assert unused(PAGE) == []


def test_every_place_exists():
    places = [
        label for rows in tables().values() for row in rows for label in re.findall(r"ref}`([\w-]+)`", row[2])
    ]
    assert places
    assert [p for p in places if f":label: {p}" not in TEXT and f"({p})=" not in TEXT] == []


@pytest.mark.parametrize("symbol", [r"\lambda", "P"])
def test_a_second_meaning_is_seen(symbol):
    assert symbol in repeated(PAGE + f"\n## More\n\n| ${symbol}$ | something else | {{ref}}`cmnist` |\n")


def test_a_symbol_that_nobody_uses_is_seen():
    assert r"\aleph" in unused(PAGE + "\n## More\n\n| $\\aleph$ | nothing | {ref}`cmnist` |\n")
