"""Execute chapters, two at a time, each in its own process; stop at the first that fails."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lib.book import BookError, Say
from lib.book.processes import end_tree, folder_for_sockets
from lib.book.project import Project, topic

HEARTBEAT = 20  # seconds between lines that say that all is well, where there is no terminal


@dataclass(frozen=True)
class Executed:
    """A chapter that was executed; in the book, without a reader's parameters, its numbers all hold."""

    name: str
    notebook: Path
    figures: Path
    seconds: float
    megabytes: float
    record: dict
    warnings: tuple[str, ...] = ()


@dataclass
class _Job:
    source: Path
    folder: Path
    process: subprocess.Popen
    sockets: Path
    start: float = field(default_factory=time.monotonic)

    @property
    def notebook(self) -> Path:
        return self.folder / self.source.name

    def progress(self) -> str:
        lines = (self.folder / "log.txt").read_text(encoding="utf-8", errors="replace").split()
        cell = f"cell {lines[-1]}" if lines else "starting"
        return f"{self.source.stem} {cell}, {time.monotonic() - self.start:.0f} s"


def environment(project: Project, folder: Path, figures: Path | None) -> dict[str, str]:
    """The variables a chapter runs under: the same everywhere, whatever the user's own are."""
    env = dict(os.environ)
    for name in ("JUPYTER_PATH", "JUPYTER_DATA_DIR", "MPLBACKEND", "PYTHONWARNINGS", "BOOK_FIGURES"):
        env.pop(name, None)
    threads = env.get("BOOK_THREADS", "1")  # more than one only to see that numbers do not depend on it
    env |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
    env |= {
        "SOURCE_DATE_EPOCH": "0",
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [_library(), env.get("PYTHONPATH")])),
        "BOOK_EXPECTED": str(project.expected),
    }
    return env | ({"BOOK_FIGURES": str(figures)} if figures else {})


def _library() -> str:
    return str(Path(__file__).resolve().parents[2])


def start(project: Project, source: Path, folder: Path, parameters: dict | None) -> _Job:
    """Start a worker for one notebook; everything it makes goes to ``folder``.

    With ``parameters`` other than the chapter's own no figures are written.
    """
    figures = folder / "figures" if parameters is None else None
    sockets = folder_for_sockets()
    folder.mkdir(parents=True)
    if figures:
        figures.mkdir()
    job = {
        "source": str(source),
        "output": str(folder / source.name),
        "result": str(folder / "result.json"),
        "cwd": str(source.parent),
        "parameters": parameters,
        "sockets": str(sockets),
    }
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    with (folder / "log.txt").open("w") as log, (folder / "errors.txt").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "lib.book.worker", str(folder / "job.json")],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=errors,
            env=environment(project, folder, figures),
        )
    return _Job(source, folder, process, sockets)


def finish(job: _Job) -> Executed:
    """The result of a job whose process has ended; BookError says where it failed."""
    result_file = job.folder / "result.json"
    if not result_file.is_file():
        last = (job.folder / "errors.txt").read_text(encoding="utf-8", errors="replace")[-2000:]
        code = job.process.returncode
        failure = f"its process ended with status {code} (out of memory?) {last}".strip()
        raise BookError(f"chapter {job.source.stem}, after {job.progress()}: {failure}")
    result = json.loads(result_file.read_text(encoding="utf-8"))
    if result["failure"]:
        raise BookError(f"chapter {job.source.stem}, {result['failure']}")
    return Executed(
        job.source.stem,
        job.notebook,
        job.folder / "figures",
        result["seconds"],
        result["megabytes"],
        one_record(job.source.stem, result["record"]),
        tuple(result["warnings"]),
    )


def one_record(name: str, records: list[dict]) -> dict:
    """The chapter's only ledger, its own; BookError if there is another or none."""
    if len(records) != 1:
        raise BookError(
            f"chapter {name} reported its numbers {len(records)} times instead of once: "
            "its last cell is ledger.report()"
        )
    record = records[0]
    if topic(record["chapter"]) != topic(name):
        raise BookError(f"chapter {name} uses the ledger of chapter {record['chapter']}")
    if not record["numbers"]:
        raise BookError(f"chapter {name} checked no number")
    return record


def run_all(
    project: Project,
    sources: list[Path],
    work: Path,
    failed: Path,
    say: Say,
    *,
    parameters: dict | None = None,
    at_once: int = 2,
    finished: Callable[[Executed], None] = lambda chapter: None,
) -> list[Executed]:
    """Execute the chapters; return them in order, or raise BookError at the first failure.

    Each is passed to ``finished`` as soon as it is done. The notebook of a chapter that fails is put into
    ``failed`` as far as it came.
    """
    waiting = list(reversed(sources))  # the last chapters take longest
    running: list[_Job] = []
    done: dict[Path, Executed] = {}
    board = _Board(say)
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                source = waiting.pop(0)
                running.append(start(project, source, work / source.stem, parameters))
                board.line(f"  started  {source.stem}")
            for job in [job for job in running if job.process.poll() is not None]:
                running.remove(job)
                shutil.rmtree(job.sockets, ignore_errors=True)
                try:
                    chapter = done[job.source] = finish(job)
                except BookError as error:
                    raise BookError(f"{error}{_keep(job, failed)}") from None
                finished(chapter)
                board.line(
                    f"  done     {chapter.name}: {chapter.seconds:.1f} s, "
                    f"{chapter.megabytes:.0f} MB, {_outcome(chapter.record)}"
                )
            board.beat(running)
            time.sleep(0.05)
    finally:
        for job in running:
            end_tree(job.process.pid)
            shutil.rmtree(job.sockets, ignore_errors=True)
        board.clear()
    return [done[source] for source in sources]


def _keep(job: _Job, failed: Path) -> str:
    """Put a failed notebook where a person can look at it and no build will."""
    if not job.notebook.is_file():
        return ""
    failed.mkdir(parents=True, exist_ok=True)
    target = shutil.move(job.notebook, failed / job.notebook.name)
    return f"\nThe notebook as far as it came: {target}"


def _outcome(record: dict) -> str:
    """``17 numbers match``, and how many of them could not be compared and why."""
    counts = Counter(row["status"] for row in record["numbers"])
    parts = [f"{counts.pop('match', 0)} numbers match"]
    return ", ".join(parts + [f"{count} {status}" for status, count in counts.items()])


class _Board:
    """Lines of progress, and under them on a terminal one that is rewritten."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.live = sys.stdout.isatty()
        self.last = time.monotonic()

    def line(self, text: str) -> None:
        self.clear()
        self.say(text)

    def clear(self) -> None:
        if self.live:
            print("\r\033[K", end="", flush=True)

    def beat(self, running: list[_Job]) -> None:
        if time.monotonic() - self.last < (0.5 if self.live else HEARTBEAT) or not running:
            return
        self.last = time.monotonic()
        text = " | ".join(job.progress() for job in running)
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K  {text}"[: width + 4], end="", flush=True)
        else:
            self.say(f"  running  {text}")
