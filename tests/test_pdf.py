"""The book as a PDF: what is said where it cannot be printed, and how it is offered."""

from pathlib import Path

import pytest
from book_planting import plant
from pypdf import PdfReader

from lib.book import BookError, browser, pdf


def test_without_a_browser_the_way_out_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CHROMIUM", raising=False)
    with pytest.raises(BookError, match="install it, or name it"):
        browser.find()


def test_without_a_book_there_is_nothing_to_print(tmp_path, monkeypatch):
    monkeypatch.setattr(browser, "find", lambda: "chromium")
    with pytest.raises(BookError, match="make book"):
        pdf.make(plant(tmp_path, "01_one"))


def test_the_landing_page_offers_it_once(tmp_path):
    page = tmp_path / "intro.html"
    page.write_text(f"<p>Before.</p>{pdf.PLACE}<p>After.</p>", encoding="utf-8")
    for _ in range(2):
        pdf.offer(page, 12_300_000)
    text = page.read_text(encoding="utf-8")
    assert text.count(f'href="{pdf.NAME}"') == 1
    assert "(12.3 MB)" in text
    assert list(tmp_path.iterdir()) == [page]


def test_the_landing_page_keeps_a_place_for_it():
    landing = Path(__file__).resolve().parents[1] / "intro.md"
    assert landing.read_text(encoding="utf-8").count(pdf.PLACE) == 1


def test_of_the_report_the_whole_book_prints_the_summary(browser):
    css = (Path(__file__).resolve().parents[1] / "_static" / "book.css").read_text(encoding="utf-8")
    table = "<div class='ledger wide'><table><td><code class=checked-number>n</code></table></div>"
    rows = f"<section id=rows>{table}</section>"
    report = f"<section id=report><p class=in-print>See the pages.</p>{rows}</section>"
    seen = "['.in-print', '#rows'].map(s => document.querySelector(s).checkVisibility())"
    page = browser.new_page()
    for whole, media, expected in [
        (True, "print", [True, False]),
        (False, "print", [False, True]),
        (True, "screen", [False, True]),
    ]:
        body = f"<div class=toctree-wrapper>{report}</div>" if whole else report
        page.set_content(f"<style>{css}</style>{body}")
        page.emulate_media(media=media)
        assert page.evaluate(seen) == expected
    page.close()


def test_a_packed_pdf_is_smaller_and_keeps_its_pages_and_places(tmp_path, browser):
    target = tmp_path / "some.pdf"
    page = browser.new_page()
    items = "".join(f"<h2 id=h{i}>Head {i}</h2><ul>{'<li>word</li>' * 40}</ul>" for i in range(40))
    page.set_content(f"<a href=#h39>last</a>{items}")
    page.pdf(path=target, tagged=True, outline=True)
    page.close()
    before, size = PdfReader(target), target.stat().st_size
    told = (
        [page.extract_text() for page in before.pages],
        list(before.named_destinations),
        len(before.outline),
    )
    pdf.pack(target)
    after = PdfReader(target)
    assert target.stat().st_size < 0.7 * size
    assert told == (
        [page.extract_text() for page in after.pages],
        list(after.named_destinations),
        len(after.outline),
    )


def test_contents_name_the_page_on_which_a_chapter_begins(tmp_path, request):
    source = tmp_path / "index.html"
    chapters = "".join(
        f"<span id='document-c{i}'></span><section><h2>Chapter {i}</h2><p>{'word ' * 1200 * i}</p>"
        "<p style='break-after: page'>end</p></section>"
        for i in (1, 2, 3)
    )
    body = f"<h1>The book</h1><div class=toctree-wrapper>{chapters}</div>"
    html = f"<meta charset=utf-8><main class=bd-article>{body}</main>"
    source.write_text(html, encoding="utf-8")
    target = tmp_path / "book.pdf"
    page = request.getfixturevalue("browser").new_page()
    count = pdf.write(page, source.as_uri(), target, "The book", "Version 1", {"c1": "First part"})
    page.close()
    pages = [page.extract_text() for page in PdfReader(target).pages]
    assert len(pages) == count
    begins = {
        i: next(n for n, text in enumerate(pages, 1) if f"Chapter {i}\nword" in text) for i in (1, 2, 3)
    }
    contents = next(text for text in pages if "Contents" in text)
    assert "First part" in contents
    for i, page in begins.items():
        assert f"Chapter {i}{page}" in contents.replace(" ", "").replace(
            f"Chapter{i}", f"Chapter {i}"
        ).replace("\n", "")
    assert all(f"{n} / {count}" in text for n, text in enumerate(pages, 1))
