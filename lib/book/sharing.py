"""A Sphinx extension: the public address, on which the cards of sphinxext-opengraph stand, and the map of the site.

The public address of the pages follows from the repository's, ``repository: url`` in _config.yml.
"""

from pathlib import Path
from urllib.parse import urljoin, urlsplit
from xml.sax.saxutils import escape

from sphinx.application import Sphinx
from sphinx.config import Config

CARD = "_static/card.png"
CARD_ALT = "Singular values that rise one class after another, beside the title of the book"
PLACEHOLDER = "ORG/REPO"  # the address before anybody has set one
HIDDEN = ("search", "genindex")  # pages that are no reading matter


def pages_address(repository: str) -> str:
    """Where GitHub Pages shows a repository: https://github.com/me/book -> https://me.github.io/book/."""
    owner, name = urlsplit(repository).path.strip("/").split("/")
    host = f"{owner}.github.io"
    return f"https://{host}/" if name.lower() == host.lower() else f"https://{host}/{name}/"


def complete(app: Sphinx, config: Config) -> None:
    """Give Sphinx the public address, from which it makes canonical links, and the logo its text."""
    config.html_theme_options.setdefault("logo", {"text": config.html_title})
    if repository := config.html_theme_options.get("repository_url"):
        config.html_baseurl = config.html_baseurl or pages_address(repository)
        config.ogp_site_url = config.html_baseurl
        config.ogp_image = urljoin(config.html_baseurl, CARD)
        config.ogp_image_alt = CARD_ALT
        config.ogp_site_name = config.html_title
        if PLACEHOLDER in repository:  # nothing leads to an address that nobody has
            config.linkcheck_ignore.append(f".*{PLACEHOLDER}.*")
            config.html_theme_options["launch_buttons"] = {}


def write_sitemap(app: Sphinx, exception: Exception | None) -> None:
    """The addresses of all pages, for search engines."""
    address = app.config.html_baseurl
    if exception or app.builder.name != "html" or not address:
        return
    pages = sorted(name for name in app.env.found_docs if name not in HIDDEN)
    lines = "".join(f"  <url><loc>{escape(urljoin(address, f'{name}.html'))}</loc></url>\n" for name in pages)
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{lines}</urlset>\n'
    )
    out = Path(app.outdir)
    (out / "sitemap.xml").write_text(text, encoding="utf-8")
    (out / "robots.txt").write_text(f"Sitemap: {urljoin(address, 'sitemap.xml')}\n", encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Sphinx's entry point."""
    app.connect("config-inited", complete)
    app.connect("build-finished", write_sitemap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
