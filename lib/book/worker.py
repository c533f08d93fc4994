"""Execute one notebook in a process of its own: ``python -m lib.book.worker JOB.json``.

The job names the notebook, where the executed copy and the result go, the folder to run in
and the parameters. The process ends, kernel and all, when its standard input closes: that
is, when whoever started it is gone.
"""

import json
import logging
import resource
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbformat import NotebookNode
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.log import logger
from traitlets.config import Config

from lib.book.processes import end_with_parent
from lib.checks.ledger import RECORD


class _Progress(logging.Handler):
    """Prints which cell is being executed, from papermill's log."""

    def emit(self, record: logging.LogRecord) -> None:
        words = record.getMessage().split()
        if words[:2] == ["Executing", "Cell"]:
            print(words[2].rstrip("-"), flush=True)


class _WrittenOnce(NBClientEngine):
    """Papermill's engine, but the notebook is written when the kernel has ended, not twice for every cell."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any
    ) -> None:
        output, nb_man.output_path = nb_man.output_path, None
        try:
            super().execute_managed_notebook(nb_man, kernel_name, **options)
        finally:
            nb_man.output_path = output
            nb_man.save()


papermill_engines.register("written-once", _WrittenOnce)


def sockets(folder: str) -> Config:
    """The kernel's settings: it talks over sockets in a folder of its own, where nobody else takes the names.

    Free ports of the network are chosen before they are used, and two kernels may choose the same.
    """
    return Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}})


def run(job: dict) -> dict:
    """Execute the job's notebook; return its seconds, peak memory, record, warnings and failure if any.

    A warning counts as a failure, but not where a reader has given parameters of his own.
    """
    output = Path(job["output"])
    start = time.monotonic()
    error = None
    try:
        papermill.execute_notebook(
            job["source"],
            output,
            parameters=job["parameters"] or {},
            cwd=job["cwd"],
            engine_name="written-once",
            kernel_name="python3",
            progress_bar=False,
            log_output=True,
            config=sockets(job["sockets"]),
        )
    except Exception as exception:  # whatever it is, the reader is told where it happened
        error = exception
    seconds = time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    result: dict[str, object] = {
        "seconds": seconds,
        "megabytes": peak / (1024**2 if sys.platform == "darwin" else 1024),
    }
    if not output.is_file():
        return result | {"failure": f"{type(error).__name__}: {error}"}
    notebook = nbformat.read(output, as_version=4)
    failure, warnings = _failure(notebook, error), _warnings(notebook)
    if job["parameters"] is None:
        failure = failure or next(iter(warnings), None)
    result["warnings"] = warnings
    if failure is None:
        result["record"] = _record(notebook)
        _forget_paths(notebook)
        nbformat.write(notebook, output)
    return result | {"failure": failure}


def _failure(notebook: NotebookNode, error: Exception | None) -> str | None:
    """The error that ended the run, with its cell."""
    cells = list(enumerate(notebook.cells))
    if isinstance(error, PapermillExecutionError):
        return _locate(error.cell_index, error.source, f"{error.ename}: {error.evalue}")
    if error is not None:
        begun = [pair for pair in cells if pair[1].metadata.get("papermill", {}).get("start_time")]
        index, cell = begun[-1] if begun else cells[0]
        return _locate(index, cell.source, f"{type(error).__name__}: {error} (out of memory?)")
    return None


def _warnings(notebook: NotebookNode) -> list[str]:
    """All that was written to stderr, each with its cell."""
    return [
        _locate(index, cell.source, f"wrote to stderr:\n{output.text.strip()}")
        for index, cell in enumerate(notebook.cells)
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stderr"
    ]


def _locate(index: int, source: str, detail: str) -> str:
    first = next((line for line in source.splitlines() if line.strip()), "")
    return f"cell {index + 1} ({first.strip()})\n{detail}"


def _record(notebook: NotebookNode) -> list[dict]:
    """The machine-readable records that the chapter's ledgers displayed."""
    return [
        output.metadata[RECORD]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if RECORD in output.get("metadata", {})
    ]


def _forget_paths(notebook: NotebookNode) -> None:
    """Drop papermill's own notes: they hold this machine's paths and times."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    end_with_parent(job["sockets"])
    logger.setLevel(logging.INFO)
    logger.addHandler(_Progress())
    logger.propagate = False
    Path(job["result"]).write_text(json.dumps(run(job)), encoding="utf-8")


if __name__ == "__main__":
    main()
