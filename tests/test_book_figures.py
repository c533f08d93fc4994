"""What is wrong with a figure is said, and stops the build."""

import nbformat
import pytest
from book_planting import figure_metadata
from nbformat.v4 import new_code_cell, new_notebook, new_output

from lib.book import BookError, figures
from lib.book.execute import Executed
from lib.book.pages import report

SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture
def chapter(tmp_path):
    """Makes an executed chapter out of its figure cells: (name, metadata, file or None)."""

    def make(stem, *drawings):
        folder = tmp_path / stem
        (folder / "figures").mkdir(parents=True)
        cells = []
        for name, metadata, text in drawings:
            output = new_output("display_data", {"image/svg+xml": SVG}, metadata={"figure": name})
            cells.append(new_code_cell("draw()", outputs=[output], metadata=metadata))
            if text is not None:
                (folder / "figures" / f"{name}.svg").write_text(text, encoding="utf-8")
        notebook = folder / f"{stem}.ipynb"
        nbformat.write(new_notebook(cells=cells), notebook)
        row = {
            "name": "size",
            "here": 8,
            "expected": 8,
            "of": None,
            "tolerance": "count",
            "one_sided": False,
            "rule": "equal",
            "kind": None,
            "set": None,
            "deviation": 0.0,
            "status": "match",
            "source": "a | b_c",
            "formula": "P",
        }
        record = {"chapter": stem, "numbers": [row]}
        return Executed(stem, notebook, folder / "figures", 1.5, 70.0, record)

    return make


def without(section, key):
    """A figure's metadata with one thing missing."""
    metadata = figure_metadata("good")
    place = metadata
    for step in section:
        place = place[step]
    del place[key]
    return metadata


def test_good_figures_are_collected_in_order(chapter):
    one = chapter("01_one", ("b", figure_metadata("b"), SVG), ("a", figure_metadata("a"), SVG))
    found = figures.collect([one, chapter("02_two", ("c", figure_metadata("c"), SVG))])
    assert [(figure.name, figure.chapter) for figure in found] == [
        ("b", "01_one"),
        ("a", "01_one"),
        ("c", "02_two"),
    ]


@pytest.mark.parametrize(
    ("name", "metadata", "text", "told"),
    [
        ("good", without(["mystnb", "image"], "alt"), SVG, "no mystnb.image.alt"),
        ("good", without(["mystnb", "figure"], "caption"), SVG, "no mystnb.figure.caption"),
        ("good", without(["mystnb", "figure"], "name"), SVG, "no mystnb.figure.name"),
        ("good", without(["book"], "content"), SVG, "no book.content"),
        ("good", without(["book"], "checks"), SVG, "no book.checks"),
        ("good", {}, SVG, "no book.checks"),
        (
            "good",
            figure_metadata("good", book={"content": "c", "checks": ["gone"]}),
            SVG,
            "guarded by 'gone', which is not checked",
        ),
        ("good", figure_metadata("good"), "<svg>", "not valid XML"),
        ("good", figure_metadata("good"), None, "shown but not saved"),
        ("Bad name", figure_metadata("good"), SVG, "lower case"),
        (None, figure_metadata("good"), None, "not saved with plotting.save"),
    ],
)
def test_a_faulty_figure_is_refused(chapter, name, metadata, text, told):
    with pytest.raises(BookError) as error:
        figures.collect([chapter("01_one", (name, metadata, text))])
    assert "chapter 01_one, cell 1" in str(error.value)
    assert told in str(error.value)


def test_a_figure_belongs_to_one_chapter(chapter):
    drawing = ("good", figure_metadata("good"), SVG)
    with pytest.raises(BookError, match="'good' is made 2 times, by 01_one, 02_two"):
        figures.collect([chapter("01_one", drawing), chapter("02_two", drawing)])


def test_a_file_that_is_not_shown_is_refused(chapter):
    one = chapter("01_one")
    (one.figures / "hidden.svg").write_text(SVG, encoding="utf-8")
    with pytest.raises(BookError, match=r"wrote hidden\.svg without showing it"):
        figures.collect([one])


def test_publishing_deletes_what_no_chapter_makes(tmp_path, chapter):
    found = figures.collect([chapter("01_one", ("good", figure_metadata("good"), SVG))])
    folder = tmp_path / "tracked"
    folder.mkdir()
    (folder / "stale.svg").write_text("old", encoding="utf-8")
    (folder / "good.svg").write_text("old", encoding="utf-8")
    figures.publish(found, found[0].path.parent, folder)
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == {"good.svg": SVG}


def test_the_pages_name_every_number_and_every_figure(chapter):
    metadata = figure_metadata("good")
    metadata["book"]["authors_output"] = "dense_network/dSVs"
    one = chapter("01_one", ("good", metadata, SVG))
    known = report.summary([one], figures.collect([one]))
    page = report.report_page(known)
    assert "**1 numbers in 1 chapters, all match.**" in page
    assert "| {checked}`one.size` | 8 | 8 | 0 × count | match | a \\| b\\_c `P` |" in page
    assert "| {doc}`chapters/01_one` | 1.5 | 70 |" in page
    row = next(line for line in report.figure_map_page(known).splitlines() if "fig-good" in line)
    assert row == (
        "| {numref}`fig-good`: what good shows | {doc}`chapters/01_one` "
        "| {download}`good.svg <figures/good.svg>` | `dense_network/dSVs` | {tested}`one.size` |"
    )
