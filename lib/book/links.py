"""Every address outside the book that it links to, tried once."""

import tempfile
from pathlib import Path

from lib.book import site
from lib.book.build import lock, restage
from lib.book.project import Project


def check(project: Project, say=print) -> None:
    """Try the addresses in the built book; BookError lists those that do not answer."""
    with lock(project), tempfile.TemporaryDirectory(prefix="run-", dir=project.output) as work:
        folder = restage(project, Path(work) / "book")
        report = site.make(folder, Path(work) / "site", strict=False, builder="linkcheck") / "output.txt"
        say(f"Every link out of the book answers.\n{report.read_text(encoding='utf-8')}".strip())
