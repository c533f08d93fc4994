"""The numeric tests and the chapters' numbers under other instruction sets and thread counts of this machine.

``python -m benchmarks.matrix [CHAPTER ...]``, all chapters by default; ``--only SETTING`` goes on with one setting.
Prints one line for each setting: what the tests say, and for each chapter its largest deviation in units of the
tolerance, or the numbers that do not hold.
The exit status is 1 if any does not. Settings that the processor has no instructions for are left out and named.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lib.book import BookError, execute
from lib.book.project import Project, topic

ROOT = Path(__file__).resolve().parents[1]
NUMERIC = re.compile(r"^from lib\.(linear|convolutional|subnetworks|oddity)\b", re.MULTILINE)
MACHINERY = re.compile(r"\blib\.book\b|\btests\.browser\b")


@dataclass(frozen=True)
class Setting:
    """One way to compute: the variables that ask for it, the processor's flag that it needs."""

    name: str
    variables: dict[str, str] = field(default_factory=dict)
    flag: str = ""


SETTINGS = (
    Setting("as it is"),
    *(
        Setting(f"torch {name}", {"ATEN_CPU_CAPABILITY": name}, flag)
        for name, flag in (("default", ""), ("avx2", "avx2"), ("avx512", "avx512f"))
    ),
    *(
        Setting(f"OpenBLAS {name}", {"OPENBLAS_CORETYPE": name}, flag)
        for name, flag in (("Prescott", "pni"), ("Haswell", "avx2"), ("SkylakeX", "avx512f"), ("Zen", "avx2"))
    ),
    Setting("two threads", {"BOOK_THREADS": "2", "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}),
)


def flags() -> set[str]:
    """The instructions that the processor knows, empty where the system does not say."""
    information = Path("/proc/cpuinfo")
    text = information.read_text(encoding="utf-8") if information.is_file() else ""
    return set(" ".join(re.findall(r"^flags\s*:(.*)$", text, re.MULTILINE)).split())


def numeric_tests() -> list[str]:
    """The test files that compute: those that import a room of the science and none of the machinery."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests").glob("test_*.py"))}
    return [
        f"tests/{p.name}" for p, text in texts.items() if NUMERIC.search(text) and not MACHINERY.search(text)
    ]


@contextmanager
def under(setting: Setting) -> Iterator[None]:
    """The setting's variables in the environment, and as they were before afterwards."""
    before = dict(os.environ)
    os.environ.update({"OMP_NUM_THREADS": "1"} | setting.variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def tests(files: list[str]) -> tuple[bool, str]:
    """Whether the tests pass, and what pytest says last."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "--tb=no", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    failed = re.findall(r"^FAILED tests/(\S+)", done.stdout, re.MULTILINE)
    return done.returncode == 0, "; ".join([done.stdout.strip().splitlines()[-1], *failed])


def chapter(project: Project, source: Path) -> tuple[bool, str]:
    """Whether a chapter's numbers hold, and its largest deviation or those that do not."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        try:
            [done] = execute.run_all(project, [source], work / "work", work / "failed", lambda line: None)
        except BookError as error:
            named = re.findall(r"^  - (\w+):", str(error), re.MULTILINE)
            return False, f"{topic(source.stem)} FAILED: {', '.join(named) or str(error)}"
    worst = max((row["deviation"] or 0.0 for row in done.record["numbers"]), default=0.0)
    return True, f"{topic(source.stem)} {worst:.2g}"


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matrix", description=__doc__)
    parser.add_argument("chapters", nargs="*", help="names of chapters; all by default")
    parser.add_argument("--no-tests", action="store_true", help="the chapters' numbers alone")
    names = [setting.name for setting in SETTINGS]
    parser.add_argument(
        "--only", action="append", choices=names, help="one setting, to go on with; may be repeated"
    )
    options = parser.parse_args(arguments)
    project, known, whole = Project(ROOT), flags(), True
    sources = [project.chapter(name) for name in options.chapters] or project.chapters()
    for setting in [s for s in SETTINGS if s.name in (options.only or names)]:
        if setting.flag and setting.flag not in known:
            print(f"{setting.name:18} left out: this processor has no {setting.flag}", flush=True)
            continue
        with under(setting):
            found = [] if options.no_tests else [tests(numeric_tests())]
            found += [chapter(project, source) for source in sources]
        whole = whole and all(held for held, _ in found)
        print(f"{setting.name:18} {' | '.join(told for _, told in found)}", flush=True)
    return 0 if whole else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BookError as error:
        sys.exit(f"error: {error}")
