"""A Sphinx extension: what a page tells to others, its description, its card, and the map of the site.

The public address of the pages follows from the repository's, ``repository: url`` in _config.yml.
"""

import html
import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from xml.sax.saxutils import escape

from docutils import nodes

CARD = "_static/card.png"
CARD_ALT = "Singular values that rise one class after another, beside the title of the book"
PLACEHOLDER = "ORG/REPO"  # the address before anybody has set one
HIDDEN = ("search", "genindex")  # pages that are no reading matter


def pages_address(repository: str) -> str:
    """Where GitHub Pages shows a repository: https://github.com/me/book -> https://me.github.io/book/."""
    owner, name = urlsplit(repository).path.strip("/").split("/")
    host = f"{owner}.github.io"
    return f"https://{host}/" if name.lower() == host.lower() else f"https://{host}/{name}/"


def complete(app, config) -> None:
    """Give Sphinx the public address, from which it makes canonical links, and the logo its text."""
    config.html_theme_options.setdefault("logo", {"text": config.html_title})
    if repository := config.html_theme_options.get("repository_url"):
        config.html_baseurl = config.html_baseurl or pages_address(repository)
        if PLACEHOLDER in repository:
            config.linkcheck_ignore.append(f".*{PLACEHOLDER}.*")


def description(doctree, limit: int = 200) -> str:
    """The first paragraph of a page as plain text, cut at the end of a sentence or word."""
    for paragraph in doctree.findall(nodes.paragraph):
        text = re.sub(r"\s+", " ", paragraph.astext()).strip()
        text = text.removeprefix("The question. ")
        if len(text) > 40:
            break
    else:
        return ""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    end = max(head.rfind(mark) for mark in (". ", "? ", ": "))
    return head[: end + 1] if end > 80 else head[: head.rfind(" ")] + "…"


def add_tags(app, pagename, templatename, context, doctree) -> None:
    """The description of a page, and the tags from which a card is made where it is shared."""
    address = app.config.html_baseurl
    if doctree is None or not address:
        return
    given = re.search(r'<meta[^>]*name="description"[^>]*>', context.get("metatags", ""))
    about = description(doctree)
    if given:
        about = html.unescape(re.search(r'content="([^"]*)"', given[0])[1])
    title = re.sub(r"<[^>]*>", "", html.unescape(context.get("title", "")))
    tags = [] if given else [("name", "description", about)]
    tags += [
        ("property", "og:type", "website" if pagename == app.config.root_doc else "article"),
        ("property", "og:site_name", app.config.html_title),
        ("property", "og:title", title),
        ("property", "og:description", about),
        ("property", "og:url", urljoin(address, f"{pagename}.html")),
        ("property", "og:image", urljoin(address, CARD)),
        ("property", "og:image:alt", CARD_ALT),
        ("name", "twitter:card", "summary_large_image"),
    ]
    context["metatags"] = context.get("metatags", "") + "".join(
        f'\n    <meta {kind}="{name}" content="{html.escape(value)}" />'
        for kind, name, value in tags
        if value
    )


def write_sitemap(app, exception) -> None:
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


def setup(app):
    """Sphinx's entry point."""
    app.connect("config-inited", complete)
    app.connect("html-page-context", add_tags, priority=900)
    app.connect("build-finished", write_sitemap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
