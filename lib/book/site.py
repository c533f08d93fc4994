"""The HTML pages, from notebooks that were executed already."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from lib.book import BookError
from lib.book.project import Project

SOURCES = ("_config.yml", "_toc.yml", "*.md", "*.bib", "_static", "_templates", "vendor", "chapters/*.md")
# Sphinx keeps every page's tree; looking through them for garbage as often as Python does took a fifth of its time.
JUPYTER_BOOK = """
import gc
gc.set_threshold(100_000)
from lib.book.processes import end_with_parent
end_with_parent()
from jupyter_book.cli.main import main
main()
"""


def stage(project: Project, folder: Path) -> Path:
    """Copy the sources of the pages, all but the notebooks, into a fresh folder."""
    (folder / "chapters").mkdir(parents=True)
    for pattern in SOURCES:
        for path in sorted(project.root.glob(pattern)):
            target = folder / path.relative_to(project.root)
            (shutil.copytree if path.is_dir() else shutil.copyfile)(path, target)
    return folder


def only_page(folder: Path, page: str) -> None:
    """Make a staged book one of a single page, and the pages of reference that it points to."""
    known = [name for name in ("glossary", "bibliography") if (folder / f"{name}.md").is_file()]
    toc = {"format": "jb-book", "root": page} | (
        {"chapters": [{"file": name} for name in known]} if known else {}
    )
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")


def make(folder: Path, output: Path, *, strict: bool = True, builder: str = "html") -> Path:
    """Build the staged book and return the folder of its pages.

    With ``strict`` a warning is a failure; BookError then holds what Sphinx said.
    """
    command = [sys.executable, "-c", JUPYTER_BOOK, "build"]
    command += ["-W", "-n", "--keep-going"] if strict else ["--keep-going"]
    command += [str(folder), "--path-output", str(output), "--builder", builder]
    log_file = folder.with_suffix(".log")
    with (
        log_file.open("w") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log) as process,
    ):
        failed = process.wait()  # with its input left open: see end_with_parent
    if failed:
        said = log_file.read_text(encoding="utf-8", errors="replace")
        said = re.sub(r"\x1b\[[0-9;]*m", "", said)  # no colours
        marks = ("WARNING", "ERROR", "CRITICAL")
        told = [line for line in said.splitlines() if any(mark in line for mark in marks)]
        text = "\n".join(dict.fromkeys(told)) or said[-3000:]
        text = re.sub(r"\.ipynb:(\d+)\d{4}:", r".ipynb, cell \1:", text)  # myst-nb's line numbers
        raise BookError("the pages could not be built:\n" + text.replace(f"{folder}/", ""))
    return output / "_build" / builder
