"""What pages tell to others, the logo and the address."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from docutils.frontend import get_default_settings
from docutils.parsers.rst import Parser
from docutils.utils import new_document

from lib.book import BookError, address, artwork, sharing
from lib.book import __main__ as book_command
from lib.book.project import Project

STATIC = Path(__file__).resolve().parents[1] / "_static"


def tree(text: str):
    document = new_document("page", get_default_settings(Parser))
    Parser().parse(text, document)
    return document


def test_the_pages_address_follows_from_the_repository():
    assert sharing.pages_address("https://github.com/me/book") == "https://me.github.io/book/"
    assert sharing.pages_address("https://github.com/me/me.github.io") == "https://me.github.io/"


def test_a_description_ends_with_a_sentence_or_a_word():
    sentence = (
        "The question. A first sentence that is long enough to be one by itself, and goes on for a while. "
    )
    short = sharing.description(tree("Short.\n\n" + sentence))
    assert short == sentence.removeprefix("The question. ").strip()
    assert sharing.description(tree(sentence * 4)).endswith("while. The question.")
    assert sharing.description(tree("word " * 100)).endswith("word…")
    assert len(sharing.description(tree("word " * 100))) <= 200
    assert sharing.description(tree("")) == ""


def tags(given: str = "") -> str:
    config = SimpleNamespace(
        html_baseurl="https://me.github.io/book/", root_doc="intro", html_title="The book", html_css_files=[]
    )
    context = {"title": "A &amp; <em>B</em>", "metatags": given}
    page = tree('What this page is about, in "one" sentence with a < sign in it.')
    sharing.add_tags(SimpleNamespace(config=config), "chapters/one", "page.html", context, page)
    return context["metatags"]


def test_a_page_has_a_card():
    made = tags()
    assert 'property="og:title" content="A &amp; B"' in made
    assert 'property="og:url" content="https://me.github.io/book/chapters/one.html"' in made
    assert 'property="og:image" content="https://me.github.io/book/_static/card.png"' in made
    assert made.count("in &quot;one&quot; sentence with a &lt; sign") == 2


def test_a_description_that_is_given_stays_the_only_one():
    made = tags('<meta content="My own." name="description" />')
    assert made.count('name="description"') == 1
    assert 'property="og:description" content="My own."' in made


def test_the_artwork_is_what_the_script_draws(tmp_path):
    logo, card = artwork.draw(tmp_path)
    assert logo.read_bytes() == (STATIC / "logo.svg").read_bytes()
    drawn, tracked = plt.imread(card), plt.imread(STATIC / "card.png")
    assert drawn.shape == (630, 1200, 4)
    assert np.abs(drawn - tracked).mean() < 1e-3


@pytest.fixture
def repository(tmp_path):
    """A repository that names its address as this one does."""
    old = "https://github.com/ORG/REPO"
    (tmp_path / "_config.yml").write_text(f"repository: {{url: {old}}}\n", encoding="utf-8")
    text = f"{old} https://mybinder.org/v2/gh/ORG/REPO/main https://ORG.github.io/REPO/"
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    (tmp_path / "code.py").write_text(old, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    return tmp_path


def test_the_address_moves_everywhere_at_once(repository):
    address.move(Project(repository), "https://github.com/me/book/", say=lambda text: None)
    assert Project(repository).config()["repository"]["url"] == "https://github.com/me/book"
    moved = (repository / "README.md").read_text(encoding="utf-8")
    assert moved == (
        "https://github.com/me/book https://mybinder.org/v2/gh/me/book/main https://me.github.io/book/"
    )


@pytest.mark.parametrize("url", ["me/book", "https://example.org/me/book", "https://github.com/me"])
def test_what_is_no_address_is_refused(repository, url):
    with pytest.raises(BookError, match="not of the form"):
        address.move(Project(repository), url)


@pytest.mark.parametrize(("display", "opened"), [(":0", 1), (None, 0)])
def test_a_page_is_opened_only_where_there_is_a_screen(display, opened, monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(book_command.sys, "platform", "linux")
    monkeypatch.setattr(book_command.webbrowser, "open", seen.append)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    if display:
        monkeypatch.setenv("DISPLAY", display)
    book_command.show(tmp_path / "page.html")
    assert len(seen) == opened
