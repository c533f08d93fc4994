"""The whole book, in order: execute, judge, write the report, make the pages, publish."""

import json
import os
import shutil
import tempfile
import time
from pathlib import Path

from lib.book import BookError, execute, figures, pages, site
from lib.book.pages import report
from lib.book.processes import alone, remove
from lib.book.project import Project
from lib.checks.ledger import MATCH


def clear(output: Path) -> None:
    """Delete all that earlier builds left, so that none of it can be taken for this one's.

    Pages are renamed first: no half-deleted book ever stands under the name of a whole one.
    """
    (output / "report.json").unlink(missing_ok=True)
    for name in ("html", "executed", "failed"):
        if (output / name).exists():
            os.replace(output / name, tempfile.mkdtemp(prefix="run-", dir=output))
    for folder in output.glob("run-*"):
        remove(folder)


def lock(project: Project):
    """Hold the book alone; BookError where another command is at work on it."""
    refusal = f"another build is running in {project.root}; wait for it, or stop it"
    return alone(project.output / ".lock", refusal)


def build(project: Project, say=print) -> Path:
    """Make the book and return its first page; BookError says what stopped it.

    All work happens in a folder of its own; figures, executed notebooks and pages take their
    places only when everything is done.
    """
    start = time.monotonic()
    with lock(project):
        clear(project.output)
        work = Path(tempfile.mkdtemp(prefix="run-", dir=project.output))
        try:
            index = _build(project, work, say)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    say(f"The book is done in {time.monotonic() - start:.0f} s. Open {index.as_uri()}")
    return index


def _build(project: Project, work: Path, say) -> Path:
    sources = project.chapters()
    say(f"Executing {len(sources)} chapters, two at a time")
    chapters = execute.run_all(project, sources, work / "chapters", project.output / "failed", say)
    all_match(chapters)
    drawn = figures.collect(chapters)
    known = report.summary(chapters, drawn)

    book = site.stage(project, work / "book")
    (book / "figures").mkdir()
    for chapter in chapters:
        shutil.copyfile(chapter.notebook, book / "chapters" / chapter.notebook.name)
    for figure in drawn:
        shutil.copyfile(figure.path, book / "figures" / figure.path.name)
    pages.write(project, known, [chapter.notebook for chapter in chapters], book)
    say(f"Building the pages: {known['numbers']} numbers match, {len(drawn)} figures")
    built = site.make(book, work / "site")

    figures.publish(drawn, book / "figures", project.figures)
    os.replace(book / "chapters", project.output / "executed")
    text = json.dumps(known, indent=1)
    (work / "report.json").write_text(text, encoding="utf-8")
    os.replace(work / "report.json", project.output / "report.json")
    os.replace(built, project.output / "html")
    return project.output / "html" / "index.html"


def restage(project: Project, folder: Path) -> Path:
    """The sources of the built book's pages in a fresh folder, without executing anything again."""
    record = project.output / "report.json"
    if not record.is_file() or not (project.output / "html").is_dir():
        raise BookError("there is no book yet: make book")
    notebooks = sorted((project.output / "executed").glob("*.ipynb"))
    book = site.stage(project, folder)
    for path in notebooks:
        shutil.copyfile(path, book / "chapters" / path.name)
    shutil.copytree(project.figures, book / "figures")
    pages.write(project, json.loads(record.read_text(encoding="utf-8")), notebooks, book)
    return book


def all_match(chapters: list[execute.Executed]) -> None:
    """In the book every number is compared; BookError where one was not."""
    for chapter in chapters:
        others = [row["name"] for row in chapter.record["numbers"] if row["status"] != MATCH]
        if others:
            raise BookError(
                f"chapter {chapter.name} did not compare {', '.join(others)}: "
                "its parameters cell and its file in tests/expected have other parameters"
            )
