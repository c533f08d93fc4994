"""The pages of claims and errata: nothing stands on them that the chapters do not bear out."""

import copy
import json
from pathlib import Path

import nbformat
import pytest
from book_planting import plant
from nbformat.v4 import new_markdown_cell, new_notebook

from lib.book import BookError
from lib.book.__main__ import main
from lib.book.pages import evidence
from lib.book.project import Project, topic
from lib.checks.expected import read_expected

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = [
    {"name": "height", "here": 1.25, "expected": 1.5},
    {"name": "pair", "here": [[1, 2], [3, 4]], "expected": [[1, 2], [3, 4]]},
]
SUMMARY = {
    "chapters": [{"name": "01_hills", "record": {"numbers": NUMBERS}}],
    "figures": [{"label": "fig-hills"}],
}
NOTEBOOK = new_notebook(
    cells=[new_markdown_cell(":::{prf:theorem} Hills\n:label: thm-hills\nThey end.\n:::")]
)
CLAIM = {
    "claim": "Hills end.",
    "verdict": "holds",
    "because": "At {hills.height:.1f}.",
    "proved": ["thm-hills"],
    "numbers": ["hills.height"],
    "figures": ["fig-hills"],
}
FAULT = {
    "fault": "Hills are printed upside down.",
    "script": "hills.py",
    "evidence": "{hills.height} for {hills.height!expected}, {hills.pair[1][0]:d}",
    "chapter": "hills",
    "numbers": ["hills.pair"],
}
WRONG_CLAIMS = {
    "unknown number": ({"numbers": ["hills.depth"]}, "number 'hills.depth'"),
    "unknown chapter": ({"numbers": ["lakes.height"]}, "number 'lakes.height'"),
    "quoted number": ({"because": "At {hills.depth}."}, "number 'hills.depth'"),
    "unknown theorem": ({"proved": ["thm-lakes"]}, "theorem 'thm-lakes'"),
    "unknown figure": ({"figures": ["fig-lakes"]}, "figure 'fig-lakes'"),
    "unknown verdict": ({"verdict": "perhaps"}, "'perhaps'"),
    "unknown key": ({"proof": ["thm-hills"]}, "['proof']"),
    "untested": ({"numbers": []}, "names no number"),
    "condition not named": ({"verdict": evidence.CONDITION, "because": ""}, "under which condition"),
    "failure without a number": ({"verdict": evidence.FAILS, "because": "No."}, "quotes no number"),
    "awaits nothing": ({"verdict": evidence.UNTESTED}, "name the chapter"),
    "awaits what is there": ({"verdict": evidence.UNTESTED, "awaits": "hills"}, "give a verdict"),
}


def book():
    return evidence.Book(SUMMARY, [NOTEBOOK])


def sections(entry, **changes):
    return [{"section": "Land", "entries": [entry | changes]}]


def test_claims_are_counted_by_whose_they_are():
    both = [*sections(CLAIM), *sections(CLAIM, verdict="holds under a condition", because="so")]
    both[1]["by"] = "of this book"
    told = "of **1 claims of the paper**, 1 holds; of **1 of this book**, 1 holds under a condition."
    assert told in evidence.claims_page(both, book())


def test_a_claim_is_shown_with_its_numbers():
    page = evidence.claims_page(sections(CLAIM), book())
    assert "of **1 claims of the paper**, 1 holds." in page
    assert "Hills end.\n: **Holds**. At 1.2." in page
    assert "{prf:ref}`thm-hills`" in page
    assert "{tested}`hills.height` ({doc}`chapters/01_hills`)" in page
    assert "{numref}`fig-hills`" in page


@pytest.mark.parametrize(("changes", "told"), WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
def test_a_claim_that_the_book_does_not_bear_out_is_refused(changes, told):
    with pytest.raises(BookError) as error:
        evidence.claims_page(sections(CLAIM, **changes), book())
    assert told in str(error.value)
    assert "Hills end." in str(error.value)


def test_an_untested_claim_awaits_its_chapter():
    page = evidence.claims_page(
        sections({"claim": "Lakes are flat.", "verdict": evidence.UNTESTED, "awaits": "lakes"}), book()
    )
    assert "1 is still to be tested" in page


def test_a_fault_is_shown_with_its_evidence():
    page = evidence.errata_page(sections(FAULT), book())
    assert "1.25 for 1.5, 3" in page
    assert "In `hills.py`. Tested: {tested}`hills.pair` ({doc}`chapters/01_hills`)." in page


@pytest.mark.parametrize("change", [{"chapter": "lakes"}, {"numbers": ["hills.depth"]}, {"where": "there"}])
def test_a_fault_without_evidence_is_refused(change):
    with pytest.raises(BookError, match="Hills are printed"):
        evidence.errata_page(sections(FAULT, **change), book())


def test_the_build_refuses_a_claim_that_drifted(tmp_path, capsys):
    project = plant(tmp_path, "01_one")
    entry = {"claim": "It has a size.", "verdict": "holds", "numbers": ["one.size"]}
    (tmp_path / "claims.yml").write_text(json.dumps(sections(entry)), encoding="utf-8")
    toc = (tmp_path / "_toc.yml").read_text(encoding="utf-8")
    (tmp_path / "_toc.yml").write_text(f"{toc}- file: claims\n", encoding="utf-8")
    assert main(["--root", str(tmp_path), "build"]) == 0
    assert "It has a size." in (project.output / "html" / "claims.html").read_text(encoding="utf-8")
    entry["numbers"] = ["one.weight"]
    (tmp_path / "claims.yml").write_text(json.dumps(sections(entry)), encoding="utf-8")
    assert main(["--root", str(tmp_path), "build"]) == 1
    assert "'one.weight', which this book does not have" in capsys.readouterr().err
    assert not (project.output / "html").exists()


def expected_book() -> evidence.Book:
    """The book as its sources promise it: every number that is expected, every figure and theorem."""
    chapters, figures, notebooks = [], [], []
    for path in Project(ROOT).chapters():
        notebook = nbformat.read(path, as_version=4)
        notebooks.append(notebook)
        rows = [
            {"name": name, "here": 0, "expected": 0} for name in read_expected(topic(path.stem))["numbers"]
        ]
        chapters.append({"name": path.stem, "record": {"numbers": rows}})
        labels = [cell.metadata.get("mystnb", {}).get("figure", {}).get("name") for cell in notebook.cells]
        figures += [{"label": label} for label in labels if label]
    return evidence.Book({"chapters": chapters, "figures": figures}, notebooks)


@pytest.mark.parametrize("name", ["claims", "errata"])
def test_this_books_own_claims_and_errata_name_what_is_there(name):
    known = expected_book()
    entries = [entry for section in evidence.read(ROOT / f"{name}.yml") for entry in section["entries"]]
    assert len(entries) > 10
    assert [fault for entry in copy.deepcopy(entries) for fault in known.faults(entry)] == []


def test_every_fault_that_a_chapter_tells_of_is_among_the_errata():
    telling = {
        topic(path.stem)
        for path in Project(ROOT).chapters()
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown" and "## What the published code does differently" in cell.source
    }
    entries = [entry for section in evidence.read(ROOT / "errata.yml") for entry in section["entries"]]
    listed = {entry["chapter"] for entry in entries}
    listed |= {name.split(".")[0] for entry in entries for name in entry["numbers"]}
    assert telling <= listed | {"datasets"}  # which only points to others
