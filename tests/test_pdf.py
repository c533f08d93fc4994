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


def test_long_code_goes_on_overleaf_and_short_code_stays_whole(tmp_path, browser):
    css = (Path(__file__).resolve().parents[1] / "_static" / "book.css").read_text(encoding="utf-8")
    theme = """.cell_input, .cell_input div { display: flex; flex-direction: column }
      pre { overflow: auto; break-inside: avoid } div[class*=highlight] { break-inside: avoid }"""
    start = "<article class=bd-article><div class=toctree-wrapper><section><h2>One</h2>"

    def code(name, lines):
        rows = "\n".join(f"{name} {i}." for i in range(lines))
        inner = f"<div class=highlight-ipython3><div class=highlight><pre>{rows}</pre></div></div>"
        return f"<div class=cell><div class=cell_input>{inner}</div></div>"

    source, target = tmp_path / "index.html", tmp_path / "book.pdf"
    for lines, torn in ((60, True), (15, False)):
        filler = "<div style='height: 800px'>before</div>"
        body = f"{start}{filler}{code('line', lines)}</section></div></article>"
        source.write_text(
            f"<meta charset=utf-8><style>{theme}{css}</style><div class=bd-content>{body}</div>", "utf-8"
        )
        page = browser.new_page()
        pdf.write(page, source.as_uri(), target, "The book", "Version 1")
        page.close()
        texts = [page.extract_text() for page in PdfReader(target).pages]
        first = next(text for text in texts if "before" in text)
        assert ("line 0." in first) == torn
        assert not any(f"line {lines - 1}." in text and "before" in text for text in texts)


def test_what_moves_on_a_screen_is_left_out_and_links_lead_to_what_is_printed(tmp_path, browser):
    source, target = tmp_path / "index.html", tmp_path / "book.pdf"
    chapters = "".join(
        f"<span id='document-{name}'></span><section id={name}><h2>The {name}</h2>{inner}<p>end</p></section>"
        for name, inner in {
            "first": "<a href='#document-explorer'>try it</a> <a href='#row'>a number</a> "
            "<a href='figure.svg'>at full size</a> <a href='#document-last'>go on</a>"
            "<a class=headerlink style='display: none' href='#row'>§</a><p id=row style='display: none'>5</p>",
            "explorer": "<div id=explorer-root></div>",
            "last": "",
        }.items()
    )
    main = f"<main class=bd-article><div class=toctree-wrapper>{chapters}</div></main>"
    source.write_text(f"<meta charset=utf-8><style>section {{ break-before: page }}</style>{main}", "utf-8")
    page = browser.new_page()
    pdf.write(page, source.as_uri(), target, "The book", "Version 1")
    kept = page.locator("#first a:visible").all_inner_texts()
    page.close()
    assert kept == ["go on"]
    reader = PdfReader(target)
    texts = [page.extract_text() for page in reader.pages]
    assert "The explorer" not in "".join(texts)
    assert "try it" in "".join(texts)
    assert "§" not in "".join(texts)
    links = [note.get_object() for page in reader.pages for note in page.get("/Annots", [])]
    assert links
    assert not any("/URI" in link.get("/A", {}) for link in links)
    place = reader.named_destinations
    number = reader.get_destination_page_number(place.get("/document-last") or place["document-last"])
    assert "The last\nend" in texts[number]


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
