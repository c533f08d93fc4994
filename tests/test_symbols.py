"""The page of symbols against the mathematics of the chapters: each symbol stands in both, and means one thing."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "symbols.md").read_text(encoding="utf-8")
WORKING = "Working letters"
GREEK = (
    "alpha|beta|gamma|delta|epsilon|varepsilon|zeta|eta|theta|vartheta|kappa|lambda|mu|nu|xi|pi|varpi|rho|varrho|sigma"
    "|varsigma|tau|phi|varphi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Phi|Psi|Omega|ell"
)
ACCENTS = "hat|bar|tilde|mathcal|mathbb"
RAISED = ("\\infty", "*", "c", "n", "b", "x", "yx")  # these make another symbol; powers do not
_LETTER = rf"(?:\\(?:{GREEK})(?![A-Za-z])|[A-Za-z])"
_GROUP = r"(?:\{(?:[^{}]|\{[^{}]*\})*\}|\\[A-Za-z]+|[^\s\\{}])"
_SYMBOL = re.compile(
    rf"(?P<base>\\(?:{ACCENTS})\s*\{{?\s*{_LETTER}\s*\}}?|{_LETTER})(?P<marks>(?:[_^]{_GROUP})*)"
)
_WORDS = re.compile(
    r"[_^]\{\\text\{[^{}]*\}\}|\\(?:text|mathrm|operatorname|label|tag|begin|end|mathbf)\*?\s*\{[^{}]*\}|\\dot\b"
)
_COUNTED = re.compile(
    r"(?:[ijkle]|\\alpha|[0-9,/'+-])+"
)  # the index of a mode, a feature, an example, a class
_SET = re.compile(r"\\?\{?[ij0-9,\\]+\\?\}?|L|L?L'")  # a set of features
_PART = re.compile(r"\\(?:Omega|Gamma)_[xy]|P|n_y|g|h")  # the part in a block; a size; a hidden direction
_ROW = re.compile(r"^\| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)


def mathematics(text: str) -> list[str]:
    """The formulas of a text, without roles and code."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    text = re.sub(r"\{[a-z:]+\}`[^`]*`|`[^`\n]*`", "", text)
    return [a or b for a, b in re.findall(r"\$\$(.+?)\$\$|\$([^$]+)\$", text, re.DOTALL)]


def symbols(formula: str):
    """The symbols of a formula: (letter with its accent, index, what is raised), without braces."""
    formula = formula.replace("\\emptyset", "0").replace("\\hat 1", "1")
    plain = re.sub(r"\^\s*\{?\\top\}?|(?<!\^)\\infty", " ", _WORDS.sub(" ", formula))
    kept = f"{GREEK}|{ACCENTS}|infty"
    plain = re.sub(rf"\\(?!(?:{kept})(?![A-Za-z]))[A-Za-z]+", " ", plain)
    plain = re.sub(r"(?<![A-Za-z\\])d(?=\s?(?:[A-Za-z\\{]|\}\{))(?![_^])", " ", plain)  # of a derivative
    for found in _SYMBOL.finditer(plain):
        marks: dict[str, str] = {}
        for kind, mark in re.findall(rf"([_^])({_GROUP})", found["marks"]):
            marks.setdefault(kind, re.sub(r"[{}\s]|\\$", "", mark).removesuffix("\\"))
        raised = marks.get("^", "")
        yield re.sub(r"[{}\s]", "", found["base"]), marks.get("_", ""), raised if raised in RAISED else ""
        if raised not in RAISED:  # a power, which has symbols of its own
            yield from symbols(re.findall(rf"\^({_GROUP})", found["marks"])[0] if raised else "")


def tables(page: str = PAGE) -> dict[str, list[tuple[str, str, str]]]:
    """The rows of every table by its heading: (symbols, meaning, place)."""
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)[1:]
    rows = zip(parts[::2], parts[1::2], strict=True)
    return {heading: [row for row in _ROW.findall(text) if "$" in row[0]] for heading, text in rows}


def listed(row: tuple[str, str, str]) -> list[tuple[str, str, str]]:
    return [symbol for formula in mathematics(row[0]) for symbol in symbols(formula)]


def rows_for(page: str, topic: str | None) -> list[tuple[str, str, str]]:
    """The rows that hold in the whole book, and with a chapter's topic its working letters too."""
    found = tables(page)
    own = [row for row in found.get(WORKING, []) if topic is not None and f"<{topic}>" in row[2]]
    return [row for heading, rows in found.items() if heading != WORKING for row in rows] + own


def chapters() -> dict[str, str]:
    """The text of every chapter with its figures' captions, by topic."""
    texts = {}
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        captions = [cell["metadata"].get("mystnb", {}).get("figure", {}).get("caption", "") for cell in cells]
        prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        texts[path.stem.partition("_")[2]] = "\n\n".join(prose + captions)
    return texts


TEXTS = chapters()
USED = {topic: Counter(s for f in mathematics(text) for s in symbols(f)) for topic, text in TEXTS.items()}


def covered(symbol: tuple[str, str, str], there: set) -> bool:
    """Whether a symbol is there, as it is or as a member of a family: counted, of a set of features, a part."""
    base, index, raised = symbol
    counted = bool(_COUNTED.fullmatch(index))
    if symbol in there or (counted and (base, "", raised) in there):
        return True
    if raised:
        return False
    bare = (base, "", "") in there and (_SET.fullmatch(index) or _PART.fullmatch(index))
    of_sets = (base, "L", "") in there and (_SET.fullmatch(index) or index == "\\alpha")
    return bool(bare or of_sets or (counted and any((base, one, "") in there for one in "ijl")))


def undefined(page: str, topic: str) -> list:
    """The symbols that a chapter uses and the page does not have."""
    there = {symbol for row in rows_for(page, topic) for symbol in listed(row)}
    return sorted(symbol for symbol in USED[topic] if not covered(symbol, there))


def unused(page: str) -> list:
    """The symbols on the page that none of the chapters uses for which they are listed."""
    everywhere = {symbol for used in USED.values() for symbol in used}
    missing = []
    for heading, rows in tables(page).items():
        for row in rows:
            topics = re.findall(r"ref}`chapter \d+ <(\w+)>`", row[2]) if heading == WORKING else []
            for symbol in listed(row):
                for used in [USED[topic] for topic in topics] or [everywhere]:
                    if symbol not in used and not any(covered(other, {symbol}) for other in used):
                        missing.append(symbol)
    return missing


def repeated(page: str) -> list:
    """Symbols with two meanings: listed twice for the book, or for a chapter."""
    twice = set()
    for topic in TEXTS:
        names = Counter(symbol for row in rows_for(page, topic) for symbol in set(listed(row)))
        twice |= {symbol for symbol, times in names.items() if times > 1}
    return sorted(twice)


@pytest.mark.parametrize("topic", TEXTS)
def test_every_symbol_of_a_chapter_stands_on_the_page(topic):
    assert undefined(PAGE, topic) == []


def test_every_symbol_on_the_page_is_used():
    assert unused(PAGE) == []


def test_no_symbol_has_two_meanings():
    assert repeated(PAGE) == []


def test_every_place_exists():
    text = "\n".join(TEXTS.values())
    named = re.compile(r"ref}`(?:chapter \d+ <)?([\w-]+)>?`")
    places = [p for rows in tables().values() for row in rows for p in named.findall(row[2])]
    assert places
    assert [p for p in places if f":label: {p}" not in text and f"({p})=" not in text] == []


@pytest.mark.parametrize(
    "row",
    [
        r"| $\lambda$ | another thing | {ref}`chapter 9 <cmnist>` |",
        "| $P$ | another | {ref}`chapter 9 <cmnist>` |",
    ],
)
def test_a_second_meaning_is_seen(row):
    assert repeated(PAGE + f"\n## More\n\n{row}\n")


def test_a_working_letter_that_means_something_in_the_book_is_seen():
    assert ("\\mu", "", "") in repeated(PAGE + "| $\\mu$ | a rate | {ref}`chapter 7 <learning_rules>` |\n")


def test_a_symbol_that_nobody_uses_is_seen():
    assert unused(PAGE + "\n## More\n\n| $\\Xi$ | nothing | {ref}`chapter 9 <cmnist>` |\n") == [
        ("\\Xi", "", "")
    ]
    assert unused(PAGE + "| $\\Xi$ | nothing | {ref}`chapter 8 <scale>` |\n") == [("\\Xi", "", "")]


@pytest.mark.parametrize("topic", TEXTS)
def test_a_symbol_that_a_row_no_longer_has_is_missed(topic):
    """Take any row away of which a chapter uses a symbol: the chapter is then seen to lack it."""
    for row in rows_for(PAGE, topic):
        line = "| " + " | ".join(row) + " |\n"
        without = {s for other in rows_for(PAGE, topic) if other != row for s in listed(other)}
        needed = [s for s in listed(row) if s in USED[topic] and not covered(s, without)]
        if needed:
            assert set(needed) <= set(undefined(PAGE.replace(line, ""), topic)), line
            return
    pytest.fail("no row of the page is needed by this chapter")


@pytest.mark.parametrize(
    ("formula", "found"),
    [
        (r"\lVert W_{\Omega_x \to \Gamma_y} \rVert^2", [("W", "\\Omega_x\\Gamma_y", "")]),
        (r"\frac{d\pi}{dt} = e^{-2\lambda t}", ["\\pi", "t", "e", "\\lambda", "t"]),
        (
            r"\bar E_i + \hat\pi^\top\text{ if } d = 3",
            [("\\barE", "i", ""), ("\\hat\\pi", "", ""), ("d", "", "")],
        ),
        (r"W_2^c (W_2^n)^\top + w_\alpha^2", [("W", "2", "c"), ("W", "2", "n"), ("w", "\\alpha", "")]),
    ],
)
def test_symbols_are_read_from_formulas(formula, found):
    expected = [f if isinstance(f, tuple) else (f, "", "") for f in found]
    assert list(symbols(formula)) == expected
