"""The built pages as files: search, the map of the site, cards, downloads. They need `make book` first."""

import json
import os
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from lib.book import pdf, sharing
from lib.book.project import Project
from lib.book.sharing import pages_address

HEAVIEST = 4.3  # bytes of HTML for a byte of text in the chapters as they were before they had dark figures (ff23d57)
ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"
PROJECT = Project(ROOT)
BASE = pages_address(PROJECT.config()["repository"]["url"])


@pytest.fixture(scope="module", autouse=True)
def built():
    """Skip, saying why, where there is no book; where one is required that is a failure."""
    if not (HTML / "index.html").is_file():
        required = os.environ.get("REQUIRE_BROWSER") == "1"
        (pytest.fail if required else pytest.skip)("there is no built book: make book")


def pages() -> list[Path]:
    names = {path.stem for path in (HTML / "_sources").rglob("*.*")}
    return [path for path in HTML.rglob("*.html") if path.stem in names]


def head(page: Path):
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").head


@pytest.fixture(scope="module")
def index() -> dict:
    """Sphinx's index of the search."""
    text = (HTML / "searchindex.js").read_text(encoding="utf-8")
    return json.loads(re.fullmatch(r"Search\.setIndex\((.*)\)", text, re.DOTALL)[1])


@pytest.mark.parametrize(("words", "chapter"), [(["ridg"], "motivation"), (["singular", "valu"], "datasets")])
def test_the_search_finds(index, words, chapter):
    def pages_with(word):
        found = [table[word] for table in (index["terms"], index["titleterms"]) if word in table]
        return {n for entry in found for n in (entry if isinstance(entry, list) else [entry])}

    common = set.intersection(*map(pages_with, words))
    assert any(chapter in index["docnames"][n] for n in common)


def test_every_page_says_what_it_is():
    told = {}
    for page in pages():
        meta = head(page)
        [about] = meta.find_all("meta", attrs={"name": "description"})
        told[page.name] = about["content"]
        title = meta.find("meta", attrs={"property": "og:title"})["content"]
        assert title
        assert meta.title.text.startswith(title)
        assert meta.find("meta", attrs={"property": "og:description"})["content"] == about["content"]
    assert len(told) > 10
    assert len(set(told.values())) == len(told)
    assert all(len(text) > 20 for text in told.values()), told


def test_addresses_follow_from_the_one_place():
    for page in pages():
        address = f"{BASE}{page.relative_to(HTML).as_posix()}"
        meta = head(page)
        assert meta.find("link", rel="canonical")["href"] == address
        assert meta.find("meta", attrs={"property": "og:url"})["content"] == address
        card = meta.find("meta", attrs={"property": "og:image"})["content"]
        assert (HTML / card.removeprefix(BASE)).is_file()


def test_the_map_of_the_site_has_every_page():
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    listed = {loc.text for loc in ElementTree.parse(HTML / "sitemap.xml").iter(f"{space}loc")}
    assert listed == {f"{BASE}{page.relative_to(HTML).as_posix()}" for page in pages()}
    assert f"{BASE}sitemap.xml" in (HTML / "robots.txt").read_text(encoding="utf-8")


def test_a_logo_and_an_icon_are_on_every_page():
    for page in pages():
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        icon = soup.find("link", rel="icon")["href"]
        logo = soup.select_one(".navbar-brand img")["src"]
        assert (page.parent / icon).is_file()
        assert (page.parent / logo).is_file()


def test_every_chapter_offers_its_executed_notebook_and_its_launch():
    repository = PROJECT.config()["repository"]["url"].removeprefix("https://github.com/")
    for source in PROJECT.chapters():
        page = HTML / "chapters" / f"{source.stem}.html"
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        links = [a["href"] for a in soup.find_all("a", href=True)]
        [download] = [link for link in links if link.endswith(source.name) and link.startswith("../_sources")]
        notebook = json.loads((page.parent / download).read_text(encoding="utf-8"))
        assert any(cell.get("outputs") for cell in notebook["cells"])
        launched = f"https://mybinder.org/v2/gh/{repository}/main?urlpath=lab/tree/chapters/{source.name}"
        if sharing.PLACEHOLDER in repository:  # a button that leads nowhere is not shown
            assert not [link for link in links if "mybinder" in link or "colab" in link]
            continue
        assert launched in links
        colab = f"https://colab.research.google.com/github/{repository}/blob/main/chapters/{source.name}"
        assert colab in links


def test_the_pdf_is_offered_when_it_is_there():
    landing = (HTML / "intro.html").read_text(encoding="utf-8")
    there = (HTML / pdf.NAME).is_file()
    assert (pdf.NAME in landing) == there
    assert (pdf.PLACE in landing) != there
    if there:
        assert (HTML / pdf.NAME).read_bytes().startswith(b"%PDF")


def test_no_page_loads_what_serves_nothing_on_it():
    for page in pages():
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        loaded = " ".join(
            f"{tag.get('src', '')} {tag.get('href', '')} {tag.string or ''}"
            for tag in soup.find_all(["script", "link"])
        )
        written = [str(tag) for tag in soup.find_all("script")]
        assert len(written) == len(set(written)), page.name
        for name, served in {
            "thebe": ".thebe-launch-button",
            "togglebutton": ".toggle, .dropdown",
            "design-tabs": ".sd-tab-set",
        }.items():
            if not soup.select(f".bd-article :is({served})"):
                assert name not in loaded, (page.name, name)


def test_generated_pages_have_their_contents():
    for name, words in {
        "claims": ["Holds under a condition", "Does not reproduce"],
        "errata": ["sample_rows.py"],
        "parameters": ["make chapter NAME=dynamics"],
        "glossary": ["systematic"],
    }.items():
        text = BeautifulSoup((HTML / f"{name}.html").read_text(encoding="utf-8"), "html.parser").text
        assert all(word in text for word in words), name


def test_chapters_weigh_no_more_for_their_text_than_before():
    weight = text = 0
    for page in sorted((HTML / "chapters").glob("*.html")):
        html = page.read_text(encoding="utf-8")
        article = BeautifulSoup(html, "html.parser").select_one(".bd-article")
        for part in article.select("script, style"):
            part.decompose()
        weight += len(html.encode())
        text += len(" ".join(article.get_text().split()).encode())
    assert weight / text <= HEAVIEST
