"""The whole book as one PDF: its pages on one, printed by Chromium."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from lib.book import BookError, reuse, site
from lib.book.build import lock, restage
from lib.book.project import Project

NAME = "specialization.pdf"
PLACE = "<!-- the book as a PDF -->"  # in intro.md; replaced by the link once there is something to link to
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless --disable-gpu --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync --virtual-time-budget=60000 --no-pdf-header-footer --generate-pdf-document-outline"
)


def browser() -> str:
    """The Chromium to print with: the variable CHROMIUM, or one that is installed."""
    for name in filter(None, (os.environ.get("CHROMIUM"), *BROWSERS)):
        if found := shutil.which(name):
            return found
    raise BookError(
        "a PDF needs Chromium, which is not here: install it, or name it in the variable CHROMIUM"
    )


def make(project: Project, say=print) -> Path:
    """Print the built book into its own folder and offer it on the landing page."""
    chromium = browser()
    start = time.monotonic()
    with lock(project), tempfile.TemporaryDirectory(prefix="run-", dir=project.output) as work:
        folder = restage(project, Path(work) / "book")
        page = site.make(folder, Path(work) / "site", builder="singlehtml") / "index.html"
        target = project.output / "html" / NAME
        printed = Path(work) / NAME
        command = [chromium, *FLAGS.split(), f"--user-data-dir={work}/browser", f"--print-to-pdf={printed}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # Chromium refuses to run as root with it
        done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, check=False)
        if not printed.is_file():
            raise BookError(f"{chromium} printed nothing:\n{done.stderr[-2000:]}")
        os.replace(printed, target)
        offer(project.output / "html" / "intro.html", target.stat().st_size)
        reuse.Kept(project.output / "kept").sign_pages(project.output / "html")
    say(f"The book as a PDF, in {time.monotonic() - start:.0f} s: {target}")
    return target


def offer(landing: Path, size: int) -> None:
    """Put the link where the landing page keeps a place for it."""
    text = landing.read_text(encoding="utf-8")
    link = f'<p class="pdf"><a href="{NAME}">The whole book as a PDF</a> ({size / 1e6:.1f} MB)</p>'
    staged = landing.with_suffix(".new")
    staged.write_text(text.replace(PLACE, link), encoding="utf-8")
    os.replace(staged, landing)
