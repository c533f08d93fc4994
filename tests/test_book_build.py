"""Whole books: the same from every run, whole or not there at all, one build at a time."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout, suppress
from pathlib import Path

import psutil
import pytest
from book_planting import CHECKS, REPORT, figure_metadata, plant, plant_chapter
from filelock import FileLock
from nbformat.v4 import new_code_cell, new_markdown_cell

from lib.book.__main__ import main
from lib.book.build import clear

DRAW = """import io
import matplotlib
matplotlib.rcParams["svg.hashsalt"] = "book"
from matplotlib.figure import Figure
figure = Figure(figsize=(2, 1))
figure.subplots().plot([0, 1], [1, 0])
buffer = io.StringIO()
figure.savefig(buffer, format="svg")
if "BOOK_FIGURES" in os.environ:
    Path(os.environ["BOOK_FIGURES"], "line.svg").write_text(buffer.getvalue())
display({"image/svg+xml": buffer.getvalue()}, raw=True, metadata={"figure": "line"})"""


def plant_book(root: Path):
    """A book of two chapters, one of them slow enough to be interrupted."""
    root.mkdir()
    project = plant(root, "01_one", "02_two")
    drawing = new_code_cell(DRAW, metadata=figure_metadata("line"))
    plant_chapter(root, "01_one", [CHECKS, "import time; time.sleep(1)", drawing, REPORT])
    return project


def product(project) -> dict[str, bytes]:
    """All that must be the same after every build: figures, executed notebooks, page names."""
    files = {
        str(path.relative_to(project.root)): path.read_bytes()
        for folder in (project.figures, project.output / "executed")
        for path in sorted(folder.iterdir())
    }
    pages = project.output / "html"
    return files | {str(path.relative_to(pages)): b"" for path in sorted(pages.rglob("*.html"))}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    project = plant_book(tmp_path_factory.mktemp("books") / "undisturbed")
    assert main(["--root", str(project.root), "build"]) == 0
    return project


def test_a_build_makes_everything(undisturbed):
    made = product(undisturbed)
    assert {"figures/line.svg", "figures/drawing_two.svg", "_build/executed/01_one.ipynb"} < set(made)
    assert {"index.html", "chapters/01_one.html", "report.html", "figure_map.html"} < set(made)
    known = json.loads((undisturbed.output / "report.json").read_text(encoding="utf-8"))
    assert known["numbers"] == 4
    assert [figure["name"] for figure in known["figures"]] == ["line", "drawing_two"]
    assert all(chapter["megabytes"] > 20 for chapter in known["chapters"])


def test_what_was_checked_is_what_is_shown(undisturbed):
    pages = undisturbed.output / "html"
    for name in ("01_one", "02_two"):
        executed = (undisturbed.output / "executed" / f"{name}.ipynb").read_bytes()
        assert (pages / "_sources" / "chapters" / f"{name}.ipynb").read_bytes() == executed
        assert b'"ledger"' in executed
        assert str(undisturbed.root).encode() not in executed
    page = (pages / "chapters" / "01_one.html").read_text(encoding="utf-8")
    assert 'aria-label="Checked numbers"' in page
    assert 'alt="Alt of line"' in page


def test_nothing_is_left_over(undisturbed):
    left = {path.name for path in undisturbed.output.iterdir()} - {".lock"}
    assert left == {"html", "executed", "report.json", "kept"}


def test_a_killed_build_leaves_nothing_that_counts(tmp_path, undisturbed):
    project = plant_book(tmp_path / "killed")
    project.figures.mkdir()
    (project.figures / "stale.svg").write_text("<svg/>", encoding="utf-8")
    command = [sys.executable, "-u", "-m", "lib.book", "--root", str(project.root), "build"]
    for moment in ("started  02_two", "Building the pages"):
        build = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert any(moment in line for line in build.stdout), moment
        os.killpg(build.pid, signal.SIGKILL)
        build.wait()
        build.stdout.close()
        assert not (project.output / "html").exists()
        assert not (project.output / "report.json").exists()
        assert (project.figures / "stale.svg").exists()
    assert main(["--root", str(project.root), "build"]) == 0
    assert product(project) == product(undisturbed)
    test_nothing_is_left_over(project)


def test_what_makes_the_pages_dies_with_the_build(tmp_path):
    project = plant(tmp_path, "01_one")
    command = [sys.executable, "-u", "-m", "lib.book", "--root", str(project.root), "build"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as build:
        assert any("Building the pages" in line for line in build.stdout)
        makers = []
        while not makers and build.poll() is None:
            makers = psutil.Process(build.pid).children(recursive=True)
        build.kill()
    assert makers
    assert psutil.wait_procs(makers, timeout=60)[1] == []
    assert not list(project.output.glob("run-*/site/_build/html/index.html"))  # they did not just finish


def test_a_folder_is_deleted_while_somebody_writes_there(tmp_path):
    folder = tmp_path / "run-1"
    folder.mkdir()
    files = (folder / f"{number}" / "late" for number in range(10**9))
    end = time.monotonic() + 1

    def write():
        while time.monotonic() < end:
            late = next(files)
            late.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                late.touch()

    with ThreadPoolExecutor() as pool:
        writing = pool.submit(write)
        clear(tmp_path)
        writing.result()


def test_a_second_build_at_the_same_time_is_refused(tmp_path, capsys):
    project = plant(tmp_path, "01_one")
    project.output.mkdir()
    with FileLock(project.output / ".lock"):
        assert main(["--root", str(tmp_path), "build"]) == 1
    assert "another build is running" in capsys.readouterr().err


def test_the_command_writes_to_whatever_stands_for_the_terminal(tmp_path, capsys):
    with redirect_stdout(io.StringIO()):  # as in a notebook; such a stream cannot be told to flush each line
        assert main(["--root", str(tmp_path), "slides"]) == 1
    assert "there is no book yet" in capsys.readouterr().err


def test_numbers_that_are_not_compared_stop_the_build(tmp_path, capsys):
    project = plant(tmp_path, "01_one")
    expected = project.expected / "one.yml"
    text = expected.read_text(encoding="utf-8").replace("n_x: 3", "n_x: 4")
    expected.write_text(text, encoding="utf-8")
    assert main(["--root", str(tmp_path), "build"]) == 1
    assert "chapter 01_one did not compare third" in capsys.readouterr().err


def test_what_sphinx_warns_of_stops_the_build(tmp_path, capsys):
    project = plant(tmp_path, "02_two")
    lost = new_markdown_cell("Text.\n\nSee {ref}`lost`.")
    plant_chapter(tmp_path, "02_two", [lost, CHECKS, REPORT])
    (tmp_path / "intro.md").write_text("# Intro\n\n{doc}`nowhere`\n", encoding="utf-8")
    (tmp_path / "_build" / "html").mkdir(parents=True)
    assert main(["--root", str(tmp_path), "build"]) == 1
    told = capsys.readouterr().err
    assert "error: the pages could not be built" in told
    assert "\nintro.md:3: WARNING" in told
    assert "nowhere" in told
    assert "\nchapters/02_two.ipynb, cell 4: WARNING: undefined label: 'lost'" in told
    assert not (project.output / "html").exists()
    assert not project.figures.exists()
