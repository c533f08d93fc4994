"""Chapters that must not pass, executed for real; and a reader's own parameters."""

from pathlib import Path

import psutil
import pytest
from book_planting import CHECKS, REPORT, figure_cell, plant, plant_chapter, write_toc
from filelock import FileLock

from lib.book import BookError, execute, own
from lib.book.__main__ import main


def run(project):
    return execute.run_all(
        project, project.chapters(), project.output / "work", project.output / "failed", print
    )


FAILURES = {
    "wrong and unchecked numbers": (
        ['ledger.check("size", 9)', REPORT],
        [
            "cell 5 (ledger.report())",
            "size: here 9, expected 8",
            "tolerance count",
            "third: expected but never checked by the chapter",
        ],
    ),
    "an error": (["\n# why\n1 / 0"], ["cell 4 (# why)", "ZeroDivisionError"]),
    "a warning": (
        [CHECKS, "import warnings\nwarnings.warn('mind the gap')", REPORT],
        ["cell 5 (import warnings)", "wrote to stderr", "mind the gap"],
    ),
    "no report": ([CHECKS], ["reported its numbers 0 times"]),
    "a dead kernel": (
        ["import os, signal; os.kill(os.getpid(), signal.SIGKILL)", REPORT],
        ["cell 4 (import os", "Kernel died"],
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failing_chapter_stops_the_build(tmp_path, case):
    cells, told = FAILURES[case]
    project = plant(tmp_path, "01_one")
    plant_chapter(tmp_path, "01_one", cells)
    project.output.mkdir()
    with pytest.raises(BookError) as error:
        run(project)
    message = str(error.value)
    assert message.startswith("chapter 01_one")
    for words in told:
        assert words in message
    assert "Traceback" not in message
    assert (project.output / "failed" / "01_one.ipynb").is_file()


def test_the_others_are_stopped_and_the_rest_never_starts(tmp_path, capsys):
    project = plant(tmp_path, "01_one", "02_two", "03_three")
    plant_chapter(tmp_path, "03_three", ["import time; time.sleep(60)"])
    plant_chapter(tmp_path, "02_two", ["1 / 0"])
    project.output.mkdir()
    before = psutil.Process().children(recursive=True)  # other tests may have left helpers of multiprocessing
    with pytest.raises(BookError, match="02_two"):
        run(project)
    assert set(psutil.Process().children(recursive=True)) <= set(before)
    assert "01_one" not in capsys.readouterr().out
    assert not (project.output / "failed" / "03_three.ipynb").exists()


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([], "0 times instead of once"),
        ([{"chapter": "one", "numbers": [1]}] * 2, "2 times instead of once"),
        ([{"chapter": "two", "numbers": [1]}], "01_one uses the ledger of chapter two"),
        ([{"chapter": "one", "numbers": []}], "01_one checked no number"),
    ],
)
def test_a_chapter_has_one_ledger_and_its_own(records, told):
    with pytest.raises(BookError, match=told):
        execute.one_record("01_one", records)


def test_missing_and_empty_tables_of_contents(tmp_path):
    project = plant(tmp_path, "01_one")
    write_toc(tmp_path, "01_one", "02_gone")
    with pytest.raises(BookError, match=r"do not exist: 02_gone\.ipynb"):
        project.chapters()
    write_toc(tmp_path)
    with pytest.raises(BookError, match="no chapter"):
        project.chapters()


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("n_z=1", "has no parameter 'n_z'; it has\n  n_x = 3  # input bits\n  r = 1.0  # scale"),
        ("n_x", "'n_x' is not of the form name=value"),
        ("n_x=2.5", "n_x=2.5 does not fit; the parameter is n_x = 3  # input bits"),
        ("n_x=true", "does not fit"),
        ("r=fast", "does not fit"),
        ("widths=3", "does not fit"),
        ("widths=[1, a]", "does not fit"),
        ("label=3", "does not fit"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(tmp_path, assignment, told):
    source = plant_chapter(tmp_path, "01_one")
    with pytest.raises(BookError) as error:
        own.parse(source, [assignment])
    assert told in str(error.value)


def test_parameters_are_read_as_their_defaults_are(tmp_path):
    source = plant_chapter(tmp_path, "01_one")
    texts = ["n_x=4", "r=1e-3", "widths=[3, 4, 5]", "label=b"]
    assert own.parse(source, texts) == {"n_x": 4, "r": 1e-3, "widths": [3, 4, 5], "label": "b"}
    assert own.parse(source, ["r=2"]) == {"r": 2.0}


def test_a_chapter_with_own_parameters_leaves_the_book_alone(tmp_path, capsys):
    project = plant(tmp_path, "01_one")
    page = own.run(project, "one", ["n_x=4"])
    told = capsys.readouterr().out
    assert "1 numbers match, 1 not compared" in told
    assert "n_x" in page.read_text(encoding="utf-8")
    assert not project.figures.exists()
    assert sorted(p.name for p in (project.output / "own" / "01_one").iterdir()) == [
        "01_one.ipynb",
        "html",
    ]


def test_an_own_chapter_that_fails_says_where(tmp_path):
    project = plant(tmp_path, "01_one")
    plant_chapter(tmp_path, "01_one", [figure_cell("a"), "assert n_x < 4, n_x", REPORT])
    with pytest.raises(BookError, match=r"cell 6 \(assert n_x < 4, n_x\)\nAssertionError: 5"):
        own.run(project, "01_one", ["n_x=5"])
    assert not project.figures.exists()


def test_the_same_chapter_twice_at_once_is_refused(tmp_path):
    project = plant(tmp_path, "01_one")
    work = project.output / "own" / "01_one" / "work"
    work.mkdir(parents=True)
    with FileLock(project.output / "own" / ".01_one.lock"):
        with pytest.raises(BookError, match=r"chapter 01_one is being run already, into .*; wait"):
            own.run(project, "one", [])
        assert work.is_dir()


def test_without_a_name_the_chapters_are_listed(tmp_path, capsys):
    plant(tmp_path, "01_one", "02_two")
    for arguments in ([], [""], ["", "n_x=4"]):
        assert main(["--root", str(tmp_path), "chapter", *arguments]) == 1
        told = capsys.readouterr().err
        assert "name a chapter: make chapter NAME=" in told
        assert "The chapters: one, two" in told


def test_an_unknown_chapter_lists_those_there_are(tmp_path):
    project = plant(tmp_path, "01_one", "02_two")
    with pytest.raises(BookError, match="no chapter 'three'; there are: one, two"):
        project.chapter("three")
    assert project.chapter("two") == project.chapter("chapters/02_two.ipynb")


def test_a_kernel_talks_over_sockets_of_its_own(tmp_path, monkeypatch):
    """No port of the network, which another kernel may take at the same time; nothing of it is left."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("deep" * 20)))  # too deep for a socket
    project = plant(tmp_path, "01_one")
    look = "\n".join(
        [
            "import os, psutil",
            "from ipykernel.connect import get_connection_info",
            "info = get_connection_info(unpack=True)",
            "assert info['transport'] == 'ipc', info",
            "assert not [c for c in psutil.Process().net_connections('inet') if c.raddr]",
            "open(os.environ['BOOK_FIGURES'] + '/../where.txt', 'w').write(info['ip'])",
        ]
    )
    plant_chapter(tmp_path, "01_one", [look, CHECKS, REPORT])
    run(project)
    where = Path((project.output / "work" / "01_one" / "where.txt").read_text(encoding="utf-8"))
    assert len(f"{where}-5") < 100
    assert not where.parent.exists()


def test_a_warning_does_not_stop_a_reader(tmp_path, capsys):
    project = plant(tmp_path, "01_one")
    plant_chapter(tmp_path, "01_one", [CHECKS, "import warnings\nif n_x == 4: warnings.warn('mind')", REPORT])
    own.run(project, "one", ["n_x=4"])
    told = capsys.readouterr().out
    assert "Mind that cell 6 (import warnings)\nwrote to stderr" in told
    assert "do not hold" not in told


def test_what_does_not_hold_for_a_reader_s_parameters_is_shown_and_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("lib.book.__main__.show", lambda page: None)
    project = plant(tmp_path, "01_one")
    wrong = ['ledger.check("size", 2**n_x + (n_x == 4))\nledger.check("third", 0.5)', REPORT]
    plant_chapter(tmp_path, "01_one", wrong)
    assert main(["--root", str(tmp_path), "chapter", "one", "n_x=4"]) == 0
    told = capsys.readouterr().out
    assert "With these parameters 1 of 2 rows do not hold:\n  - size: here 17, expected 16" in told
    page = project.output / "own" / "01_one" / "html" / "chapters" / "01_one.html"
    assert "MISMATCH" in page.read_text(encoding="utf-8")
