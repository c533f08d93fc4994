"""The comparison of instruction sets: what it runs under and leaves out, what it says of a number that fails."""

import os

from book_planting import CHECKS, REPORT, figure_cell, plant, plant_chapter

from benchmarks import matrix
from benchmarks.matrix import Setting

THREADS = 'import os\nassert os.environ["OMP_NUM_THREADS"] == "2"'


def test_each_setting_is_told_and_one_that_fails_counts(tmp_path, monkeypatch, capsys):
    plant(tmp_path, "01_one", "02_two")
    plant_chapter(tmp_path, "01_one", [THREADS, CHECKS, figure_cell("a"), REPORT])
    plant_chapter(tmp_path, "02_two", ['ledger.check("size", 8)\nledger.check("third", 0.75)', REPORT])
    missing = Setting("of another machine", {}, "no_such_flag")
    monkeypatch.setattr(matrix, "ROOT", tmp_path)
    monkeypatch.setattr(matrix, "SETTINGS", (Setting("two", {"BOOK_THREADS": "2"}), missing))
    before = dict(os.environ)
    assert matrix.main(["one", "--no-tests"]) == 0
    assert matrix.main(["two", "--no-tests"]) == 1
    told = capsys.readouterr().out
    assert "two                one 0\n" in told
    assert matrix.main(["two", "--no-tests", "--only", "of another machine"]) == 0
    assert "two FAILED" not in capsys.readouterr().out
    assert "two                two FAILED: third\n" in told
    assert "of another machine left out: this processor has no no_such_flag" in told
    assert {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"} == {
        k: v for k, v in before.items() if k != "PYTEST_CURRENT_TEST"
    }


def test_the_tests_that_compute_are_found():
    found = matrix.numeric_tests()
    assert {"tests/test_theory.py", "tests/test_training.py", "tests/test_sparsification.py"} <= set(found)
    assert not {"tests/test_book_build.py", "tests/test_pages.py"} & set(found)
