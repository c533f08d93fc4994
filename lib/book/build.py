"""The whole book, in order: execute, judge, write the report, make the pages, publish."""

import json
import os
import shutil
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path

from lib.book import BookError, Say, execute, figures, pages, reuse, site
from lib.book.pages import report
from lib.book.processes import alone, remove
from lib.book.project import Project
from lib.checks.ledger import MATCH


def clear(output: Path) -> Path | None:
    """Delete all that earlier builds left, so that none of it can be taken for this one's.

    Pages are renamed first: no half-deleted book ever stands under the name of a whole one. They are
    returned, for a build that finds that it would make the same ones.
    """
    (output / "report.json").unlink(missing_ok=True)
    leftovers, former = list(output.glob("run-*")), None
    for name in ("html", "executed", "failed"):
        if (output / name).exists():
            place = Path(tempfile.mkdtemp(prefix="run-", dir=output))
            os.replace(output / name, place)
            if name == "html":
                former = place
            else:
                leftovers.append(place)
    for folder in leftovers:
        remove(folder)
    return former


def lock(project: Project) -> AbstractContextManager[None]:
    """Hold the book alone; BookError where another command is at work on it."""
    refusal = f"another build is running in {project.root}; wait for it, or stop it"
    return alone(project.output / ".lock", refusal)


def build(project: Project, say: Say = print, *, fresh: bool = False) -> Path:
    """Make the book and return its first page; BookError says what stopped it.

    All work happens in a folder of its own; figures, executed notebooks and pages take their
    places only when everything is done. Chapters that nothing has changed for since their every number
    matched are taken over; with ``fresh`` nothing is.
    """
    start = time.monotonic()
    with lock(project):
        kept = reuse.Kept(project.output / "kept")
        if fresh:
            kept.forget()
        former = clear(project.output)
        work = Path(tempfile.mkdtemp(prefix="run-", dir=project.output))
        try:
            index = _build(project, work, kept, former, say)
        finally:
            for folder in filter(None, (work, former)):
                shutil.rmtree(folder, ignore_errors=True)
    say(f"The book is done in {time.monotonic() - start:.0f} s. Open {index.as_uri()}")
    return index


def _chapters(project: Project, work: Path, kept: reuse.Kept, say: Say) -> list[execute.Executed]:
    """Every chapter of the book, taken over or executed; each that is executed is kept as soon as it is done."""
    sources, ingredients = project.chapters(), reuse.Ingredients(project)
    made_from = {source.stem: ingredients.of(source) for source in sources}
    found = {source.stem: kept.find(source, made_from[source.stem]) for source in sources}
    waiting = [source for source in sources if found[source.stem] is None]
    if len(waiting) < len(sources):
        say(
            f"Taken over from an earlier build, all their ingredients being the same: {len(sources) - len(waiting)}"
        )

    def keep(chapter: execute.Executed) -> None:
        [source] = [source for source in waiting if source.stem == chapter.name]
        if reuse.Ingredients(project).of(source) == made_from[chapter.name]:  # nobody changed any meanwhile
            kept.keep(chapter, made_from[chapter.name])

    if waiting:
        say(f"Executing {len(waiting)} chapters, two at a time")
        failed = project.output / "failed"
        done = execute.run_all(project, waiting, work / "chapters", failed, say, finished=keep)
        found |= {chapter.name: chapter for chapter in done}
    chapters = [chapter for source in sources if (chapter := found[source.stem]) is not None]
    all_match(chapters)
    kept.forget({path.name for path in kept.folder.glob("*") if path.is_dir()} - set(found))
    return chapters


def _build(project: Project, work: Path, kept: reuse.Kept, former: Path | None, say: Say) -> Path:
    chapters = _chapters(project, work, kept, say)
    drawn = figures.collect(chapters)
    known = report.summary(chapters, drawn)

    book = site.stage(project, work / "book")
    (book / "figures").mkdir()
    for chapter in chapters:
        shutil.copyfile(chapter.notebook, book / "chapters" / chapter.notebook.name)
    for figure in drawn:
        shutil.copyfile(figure.path, book / "figures" / figure.path.name)
    pages.write(project, known, [chapter.notebook for chapter in chapters], book)
    made_from = reuse.made_from(project, book)
    if former and kept.pages_are(former, made_from):
        say(f"The pages are those of before: {known['numbers']} numbers match, {len(drawn)} figures")
        built = former
    else:
        say(f"Building the pages: {known['numbers']} numbers match, {len(drawn)} figures")
        built = site.make(book, work / "site")
        kept.sign_pages(built, made_from)

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
