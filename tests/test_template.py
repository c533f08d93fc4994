"""The chapter to start from passes every check as it stands."""

import shutil
from pathlib import Path

import nbformat
import pytest
import test_repository as repository
import yaml
from book_planting import CONFIG, write_toc

from lib.book.__main__ import main

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
CHECKS = [
    repository.test_a_chapter_is_stored_without_outputs,
    repository.test_a_chapter_has_one_ledger_of_its_own_and_ends_with_its_report,
    repository.test_the_expected_numbers_hold_for_the_parameters_cell,
    repository.test_parameters_have_a_comment_that_says_what_they_are,
    repository.test_numbers_named_in_a_chapter_are_expected,
    repository.test_a_figure_cell_has_what_the_book_needs,
    repository.test_a_chapter_fetches_the_book_only_where_it_is_missing,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_template_passes_what_every_chapter_passes(check, monkeypatch):
    monkeypatch.setenv("BOOK_EXPECTED", str(TEMPLATES))
    check(TEMPLATES / "template.ipynb")


def test_a_book_of_the_template_can_be_built(tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "tests" / "expected").mkdir(parents=True)
    shutil.copyfile(TEMPLATES / "template.ipynb", tmp_path / "chapters" / "01_template.ipynb")
    shutil.copyfile(TEMPLATES / "template.yml", tmp_path / "tests" / "expected" / "template.yml")
    write_toc(tmp_path, "01_template")
    config = CONFIG | {"parse": {"myst_enable_extensions": ["dollarmath"]}}
    (tmp_path / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (tmp_path / "intro.md").write_text("# A book\n\nText.\n", encoding="utf-8")
    assert main(["--root", str(tmp_path), "build"]) == 0
    page = (tmp_path / "_build" / "html" / "chapters" / "01_template.html").read_text(encoding="utf-8")
    assert "find_spec" not in page
    assert "1.125" in page
    assert nbformat.read(tmp_path / "_build" / "executed" / "01_template.ipynb", 4).cells[0].outputs == []
