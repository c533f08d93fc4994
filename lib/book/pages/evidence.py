"""The pages of claims and errata: written by hand as data, held to the chapters by the build.

``claims.yml`` lists what the paper claims, ``errata.yml`` what is wrong in its published code. Each
entry names the numbers that bear it out as ``topic.number``, and its text may quote one as
``{topic.number:.3f}`` or ``{topic.number[0]}``, and what was expected of it as
``{topic.number!expected}``. A name that this build did not check, a theorem that
no chapter states, or a figure that none draws stops the build.
"""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import yaml

from lib.book import BookError
from lib.book.pages.markdown import code, doc, numref, tested
from lib.book.project import topic
from lib.checks.tables import written

HOLDS = "holds"
CONDITION = "holds under a condition"
FAILS = "does not reproduce"
UNTESTED = "still to be tested in this book"
VERDICTS = {  # each with its verb for one claim and for several
    HOLDS: ("holds", "hold"),
    CONDITION: ("holds under a condition", "hold under a condition"),
    FAILS: ("does not reproduce", "do not reproduce"),
    UNTESTED: ("is still to be tested in this book", "are still to be tested in this book"),
}

OWN = "claims of the paper"
_CLAIM = {"claim", "verdict", "because", "proved", "numbers", "figures", "awaits"}
_FAULT = {"fault", "script", "evidence", "chapter", "numbers", "figures"}
_QUOTED = re.compile(r"\{(\w+\.\w+)(!expected)?((?:\[\d+\])*)(?::([^{}]*))?\}")
_LABEL = re.compile(r"^:label: (\S+)$", re.MULTILINE)


class Book:
    """What this build knows to be true: the checked numbers, the figures, the theorems."""

    def __init__(self, summary: dict, notebooks: list) -> None:
        self.chapters = {topic(chapter["name"]): chapter["name"] for chapter in summary["chapters"]}
        self.numbers = {
            f"{topic(chapter['name'])}.{row['name']}": row
            for chapter in summary["chapters"]
            for row in chapter["record"]["numbers"]
        }
        self.figures = {figure["label"] for figure in summary["figures"]}
        texts = [cell.source for notebook in notebooks for cell in notebook.cells]
        self.theorems = {label for text in texts for label in _LABEL.findall(text)}

    def fill(self, text: str) -> str:
        """The text with its quoted numbers put in; KeyError or IndexError for one that is not there."""

        def put(match: re.Match) -> str:
            value = self.numbers[match[1]]["expected" if match[2] else "here"]
            for position in re.findall(r"\d+", match[3]):
                value = value[int(position)]
            return written(format(value, match[4] or ".4g"))

        return _QUOTED.sub(put, text)

    def faults(self, entry: dict) -> list[str]:
        """The names in an entry that this build does not know, in words."""
        text = " ".join(value for value in entry.values() if isinstance(value, str))
        numbers = [*entry.get("numbers", []), *(match[1] for match in _QUOTED.finditer(text))]
        asked = {
            "number": (numbers, self.numbers),
            "theorem": (entry.get("proved", []), self.theorems),
            "figure": (entry.get("figures", []), self.figures),
            "chapter": ([entry["chapter"]] if "chapter" in entry else [], self.chapters),
        }
        return [
            f"names the {kind} {name!r}, which this book does not have"
            for kind, (names, known) in asked.items()
            for name in dict.fromkeys(names)
            if name not in known
        ]


def read(path: Path) -> list[dict]:
    """The sections of a data file: ``[{"section": ..., "entries": [...]}, ...]``."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def claims_page(sections: list[dict], book: Book) -> str:
    """The page of claims as MyST Markdown; BookError lists everything that is not in order."""
    _in_order("claims.yml", sections, book, _claim_faults)
    counts: dict[str, Counter] = {}
    for section in sections:
        verdicts = [entry["verdict"] for entry in section["entries"]]
        counts.setdefault(section.get("by", OWN), Counter()).update(verdicts)
    told = "; ".join(f"of **{found.total()} {whose}**, {_told(found)}" for whose, found in counts.items())
    parts = [
        "# Claims",
        f"What is claimed, a sentence each, and what became of it: {told}. Below each verdict stand, where there are "
        "any, the theorem that proves it, the checked numbers that test it (with their sources in the {doc}`report`), "
        "and its figure. The build compares this page with the chapters: a number, theorem or figure that is not there "
        "would have stopped it.",
    ]
    for section in sections:
        parts.append(f"## {section['section']}")
        for entry in section["entries"]:
            verdict = " ".join([_capital(entry["verdict"]) + ".", book.fill(entry.get("because", ""))])
            parts.append(_item(entry["claim"], verdict, _support(entry, book)))
    return "\n\n".join(parts) + "\n"


def _told(counts: Counter) -> str:
    """How often each verdict was given, in words."""
    return ", ".join(
        f"{counts[verdict]} {forms[counts[verdict] > 1]}"
        for verdict, forms in VERDICTS.items()
        if counts[verdict]
    )


def errata_page(sections: list[dict], book: Book) -> str:
    """The page of faults of the published code as MyST Markdown; BookError as for the claims."""
    _in_order("errata.yml", sections, book, _fault_faults)
    count = sum(len(section["entries"]) for section in sections)
    parts = [
        "# Errata of the published code",
        f"**{count} things** that the authors' published scripts do otherwise than the mathematics says, "
        "or than their figures suggest, collected from the chapters. None changes the conclusions of "
        "the paper. Each has its evidence in numbers that the build checked: they stand with their "
        "sources in the {doc}`report`.",
    ]
    for section in sections:
        parts.append(f"## {section['section']}")
        for entry in section["entries"]:
            scripts = re.sub(r"[\w./*-]+\.py", lambda found: code(found[0]), entry["script"])
            where = f"In {scripts}."
            parts.append(
                _item(entry["fault"], book.fill(entry["evidence"]), f"{where} {_support(entry, book)}")
            )
    return "\n\n".join(parts) + "\n"


def _in_order(
    name: str, sections: list[dict], book: Book, faults_of: Callable[[dict, Book], list[str]]
) -> None:
    problems = [
        f"{name}, {next(iter(entry.values()))!r}: {fault}"
        for section in sections
        for entry in section["entries"]
        for fault in faults_of(entry, book)
    ]
    if problems:
        raise BookError("the claims are not in order:\n" + "\n".join(problems))


def _claim_faults(entry: dict, book: Book) -> list[str]:
    verdict = entry.get("verdict")
    if unknown := sorted(set(entry) - _CLAIM):
        return [f"has the unknown keys {unknown}; known are {sorted(_CLAIM)}"]
    if verdict not in VERDICTS:
        return [f"has the verdict {verdict!r}; it is one of {', '.join(VERDICTS)}"]
    if verdict == UNTESTED:
        awaited = entry.get("awaits")
        if not awaited:
            return ["is untested: name the chapter that it awaits"]
        return [f"awaits chapter {awaited}, which exists: give a verdict"] if awaited in book.chapters else []
    faults = book.faults(entry)
    if not entry.get("numbers"):
        faults.append("names no number that tests it")
    if verdict != HOLDS and not entry.get("because"):
        faults.append("does not say under which condition, or what does not reproduce")
    if verdict == FAILS and not _QUOTED.search(entry.get("because", "")):
        faults.append("does not reproduce, but quotes no number")
    return faults


def _fault_faults(entry: dict, book: Book) -> list[str]:
    if set(entry) - _FAULT or not {"fault", "script", "evidence", "chapter", "numbers"} <= set(entry):
        return [f"has the keys {sorted(entry)}; known are {sorted(_FAULT)}, all but figures needed"]
    return book.faults(entry)


def _support(entry: dict, book: Book) -> str:
    """Where an entry is proved and tested, and its figure."""
    parts = []
    if proved := entry.get("proved"):
        parts.append("Proved: " + ", ".join(f"{{prf:ref}}`{label}`" for label in proved) + ".")
    numbers: dict[str, list[str]] = {}
    for name in entry.get("numbers", []):
        chapter, number = name.split(".")
        numbers.setdefault(chapter, []).append(tested(chapter, number))
    if numbers:
        groups = [f"{', '.join(names)} ({doc(book.chapters[c])})" for c, names in numbers.items()]
        parts.append(f"Tested: {'; '.join(groups)}.")
    if figures := entry.get("figures"):
        parts.append(", ".join(numref(label) for label in figures) + ".")
    return " ".join(parts)


def _item(term: str, *paragraphs: str) -> str:
    """A term with its explanation, as a definition list."""
    first, *rest = [_on_a_line(text) for text in paragraphs if text.strip()]
    return "\n\n".join([f"{_on_a_line(term)}\n: {first}", *(f"  {text}" for text in rest)])


def _on_a_line(text: str) -> str:
    return re.sub(r"[ \n]+", " ", text).strip()  # spaces that hold a number together stay


def _capital(text: str) -> str:
    return f"**{text[0].upper()}{text[1:]}**"
