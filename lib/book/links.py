"""Every address outside the book that it links to, tried once."""

import tempfile
from pathlib import Path

from lib.book import BookError, Say, site
from lib.book.build import lock, restage
from lib.book.project import Project


def check(project: Project, say: Say = print) -> None:
    """Try the addresses in the built book; BookError lists those that do not answer."""
    with lock(project), tempfile.TemporaryDirectory(prefix="run-", dir=project.output) as work:
        folder = restage(project, Path(work) / "book")
        output = Path(work) / "site"
        report = output / "_build" / "linkcheck" / "output.txt"
        try:
            site.make(folder, output, strict=False, builder="linkcheck")
        except BookError:
            lines = report.read_text(encoding="utf-8").splitlines() if report.is_file() else []
            dead = [line for line in lines if "[broken]" in line or "[timeout]" in line]
            if not dead:
                raise
            raise BookError("these links lead nowhere:\n" + "\n".join(dead)) from None
        say("Every link out of the book answers.")
