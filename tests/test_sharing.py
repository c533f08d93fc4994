"""What pages tell to others, the logo and the address."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lib.book import BookError, address, artwork, sharing
from lib.book import __main__ as book_command
from lib.book.project import Project

STATIC = Path(__file__).resolve().parents[1] / "_static"


def test_the_pages_address_follows_from_the_repository():
    assert sharing.pages_address("https://github.com/me/book") == "https://me.github.io/book/"
    assert sharing.pages_address("https://github.com/me/me.github.io") == "https://me.github.io/"


def config(repository: str) -> SimpleNamespace:
    """The settings of Sphinx that follow from the address of the repository."""
    found = SimpleNamespace(html_title="The book", html_baseurl="", linkcheck_ignore=[])
    found.html_theme_options = {
        "repository_url": repository,
        "launch_buttons": {"colab_url": "https://colab"},
    }
    sharing.complete(None, found)
    return found


def test_the_cards_stand_on_the_public_address():
    told = config("https://github.com/me/book")
    assert told.ogp_site_url == told.html_baseurl == "https://me.github.io/book/"
    assert told.ogp_image == "https://me.github.io/book/_static/card.png"
    assert told.html_theme_options["launch_buttons"]


def test_nothing_leads_to_an_address_that_nobody_has():
    assert config(f"https://github.com/{sharing.PLACEHOLDER}").html_theme_options["launch_buttons"] == {}


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
    text = f"<!-- badges: hidden\n[badge]({old})\n-->\n{old} https://mybinder.org/v2/gh/ORG/REPO/main https://ORG.github.io/REPO/"
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
        "[badge](https://github.com/me/book)\nhttps://github.com/me/book https://mybinder.org/v2/gh/me/book/main https://me.github.io/book/"
    )


def test_without_an_address_the_command_says_what_to_give(capsys):
    assert book_command.main(["address"]) == book_command.main(["address", ""]) == 1
    told = capsys.readouterr().err
    assert told.count("say where the book will be: make address URL=https://github.com/you/book") == 2


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
