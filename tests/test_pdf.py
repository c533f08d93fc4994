"""The book as a PDF: what is said where it cannot be printed, and how it is offered."""

from pathlib import Path

import pytest
from book_planting import plant

from lib.book import BookError, pdf


def test_without_a_browser_the_way_out_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CHROMIUM", raising=False)
    with pytest.raises(BookError, match="install it, or name it"):
        pdf.browser()


def test_without_a_book_there_is_nothing_to_print(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "browser", lambda: "chromium")
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
