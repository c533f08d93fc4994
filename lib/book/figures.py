"""The figures of the executed chapters: each checked, each made by exactly one chapter."""

import os
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lib.book import BookError
from lib.book.execute import Executed


@dataclass(frozen=True)
class Figure:
    """One figure, what its cell says about it, and the numbers that guard it."""

    name: str
    label: str
    chapter: str
    path: Path
    content: str
    alt: str
    authors_output: str
    checks: tuple[str, ...]


def collect(chapters: list[Executed]) -> list[Figure]:
    """Every figure in the order of the book; BookError lists all that is wrong with them."""
    figures, problems = [], []
    for chapter in chapters:
        names = {row["name"] for row in chapter.record["numbers"]}
        notebook = nbformat.read(chapter.notebook, as_version=4)
        shown = []
        for index, cell in enumerate(notebook.cells):
            for name in _shown(cell):
                shown.append(name)
                figure = _figure(name, cell.metadata, chapter)
                faults = _faults(figure, cell.metadata, names)
                problems += [f"chapter {chapter.name}, cell {index + 1}: {text}" for text in faults]
                figures.append(figure)
        saved = {path.name for path in chapter.figures.iterdir()}
        for name in sorted(saved - {f"{name}.svg" for name in shown}):
            problems.append(f"chapter {chapter.name} wrote {name} without showing it")
    makers: dict[str, list[str]] = {}
    for figure in figures:
        makers.setdefault(figure.name, []).append(figure.chapter)
    problems += [
        f"figure {name!r} is made {len(who)} times, by {', '.join(who)}: each name belongs to one"
        for name, who in makers.items()
        if len(who) > 1
    ]
    if problems:
        raise BookError("the figures are not in order:\n" + "\n".join(problems))
    return figures


def _shown(cell: NotebookNode) -> list[str | None]:
    """The names of the figures that a cell's outputs show; None for one that was not saved."""
    return [
        output.metadata.get("figure")
        for output in cell.get("outputs", [])
        if any(kind.startswith("image/") for kind in output.get("data", {}))
    ]


def _figure(name: str | None, metadata: NotebookNode, chapter: Executed) -> Figure:
    mystnb, book = metadata.get("mystnb", {}), metadata.get("book", {})
    return Figure(
        name=str(name),
        label=mystnb.get("figure", {}).get("name", ""),
        chapter=chapter.name,
        path=chapter.figures / f"{name}.svg",
        content=book.get("content", ""),
        alt=mystnb.get("image", {}).get("alt", ""),
        authors_output=book.get("authors_output", ""),
        checks=tuple(book.get("checks", [])),
    )


def _faults(figure: Figure, metadata: NotebookNode, numbers: set[str]) -> list[str]:
    """Everything wrong with one figure, in words."""
    if figure.name == "None":
        return ["shows an image that was not saved with plotting.save"]
    faults = []
    if not re.fullmatch(r"[a-z0-9_-]+", figure.name):
        faults.append(f"the name {figure.name!r} is not of lower case letters, digits, - and _")
    required = {
        "mystnb.figure.caption": metadata.get("mystnb", {}).get("figure", {}).get("caption"),
        "mystnb.figure.name": figure.label,
        "mystnb.image.alt": figure.alt,
        "book.content": figure.content,
        "book.checks": figure.checks,
    }
    for key, value in required.items():
        if not value:
            faults.append(f"figure {figure.name!r} has no {key} in the cell's metadata")
    for name in figure.checks:
        if name not in numbers:
            faults.append(f"figure {figure.name!r} is guarded by {name!r}, which is not checked")
    try:
        ElementTree.parse(figure.path)
    except FileNotFoundError:
        faults.append(f"figure {figure.name!r} was shown but not saved")
    except ElementTree.ParseError as error:
        faults.append(f"figure {figure.name!r} is not valid XML: {error}")
    return faults


def publish(figures: list[Figure], staged: Path, folder: Path) -> None:
    """Put the staged figures into the tracked folder, whole files only; delete all others."""
    folder.mkdir(exist_ok=True)
    for figure in figures:
        os.replace(staged / figure.path.name, folder / figure.path.name)
    current = {figure.path.name for figure in figures}
    for path in folder.glob("*.svg"):
        if path.name not in current:
            path.unlink()
