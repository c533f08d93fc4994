"""Run every chapter as Binder would: on one core, with at most 2 GiB of address space.

Writes results/chapter_times.json and the table in README.md. A chapter that needs more memory fails;
one that takes longer than three minutes is named. Linux only: other systems cannot set these limits.
"""

import os
import resource
import sys
import tempfile
from pathlib import Path

from benchmarks import record
from lib.book import BookError, execute
from lib.book.project import Project, topic

ROOT = Path(__file__).resolve().parents[1]
GIBIBYTES = 2
SECONDS = 180
START, END = "<!-- chapters as measured: make measure -->", "<!-- end of what was measured -->"


def limit() -> None:
    """Bind this process, and all that it starts, to one core and to the memory."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    resource.setrlimit(resource.RLIMIT_AS, (GIBIBYTES * 2**30,) * 2)


def measure(project: Project) -> list[dict]:
    """Execute the chapters one after another; their names, seconds and peak memory in megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        chapters = execute.run_all(
            project, project.chapters(), work / "work", work / "failed", print, at_once=1
        )
    return [
        {
            "name": topic(chapter.name),
            "seconds": round(chapter.seconds, 1),
            "megabytes": round(chapter.megabytes),
        }
        for chapter in chapters
    ]


def table(rows: list[dict]) -> str:
    """The measurements as a table for the README."""
    lines = ["| chapter | seconds | peak memory, MB |", "|---|---|---|"]
    lines += [f"| {row['name']} | {row['seconds']:.0f} | {row['megabytes']} |" for row in rows]
    return "\n".join(lines)


def shown(readme: str) -> str:
    """The table as it stands in a README."""
    return readme.split(START)[1].split(END)[0].strip()


def main() -> None:
    if not hasattr(os, "sched_setaffinity"):
        sys.exit("measuring needs Linux: this system cannot bind a process to one core")
    limit()
    try:
        rows = measure(Project(ROOT))
    except BookError as error:
        sys.exit(f"error: {error}")
    settings = {"cores": 1, "address_space_gibibytes": GIBIBYTES, "seconds_allowed": SECONDS}
    record.write("chapter_times", "make measure", settings, {"chapters": rows})
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(text.replace(shown(text), table(rows)), encoding="utf-8")
    if slow := [row["name"] for row in rows if row["seconds"] > SECONDS]:
        sys.exit(f"longer than {SECONDS} s: {', '.join(slow)}")


if __name__ == "__main__":
    main()
