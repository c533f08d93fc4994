"""The pages that the build writes, from what it knows."""

from pathlib import Path

import nbformat

from lib.book.pages import evidence
from lib.book.pages.library import library_page
from lib.book.pages.parameters import parameters_page
from lib.book.pages.report import figure_map_page, report_page
from lib.book.pages.teaching import teaching_page
from lib.book.project import Project


def write(project: Project, summary: dict, notebooks: list[Path], folder: Path) -> None:
    """Write every generated page into a staged book; BookError if one cannot be true.

    ``notebooks`` are the executed chapters that ``summary`` is about.
    """
    pages = {
        "report": report_page(summary),
        "figure_map": figure_map_page(summary),
        "parameters": parameters_page(project.chapters()),
        "library": library_page(),
    }
    book = evidence.Book(summary, [nbformat.read(path, as_version=4) for path in notebooks])
    for name, page in (("claims", evidence.claims_page), ("errata", evidence.errata_page)):
        source = project.root / f"{name}.yml"
        if source.is_file():
            pages[name] = page(evidence.read(source), book)
    if (source := project.root / "teaching.md").is_file():
        staged = {path.stem: path for path in notebooks}
        ordered = [staged[path.stem] for path in project.chapters() if path.stem in staged]
        pages["teaching"] = teaching_page(source.read_text(encoding="utf-8"), summary, ordered)
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
