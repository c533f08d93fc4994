"""The whole book as one PDF: its pages on one, with a title page and contents, printed by Chromium."""

import os
import tempfile
import time
from html import escape
from pathlib import Path

import pikepdf
from playwright.sync_api import Page, PdfMargins, ViewportSize
from pypdf import PdfReader

from lib.book import BookError, Say, browser, reuse, site
from lib.book.build import lock, restage
from lib.book.landing import build_of
from lib.book.project import Project

NAME = "specialization.pdf"
LANDING = "intro.html"  # index.html only leads on to it
PLACE = "<!-- the book as a PDF -->"  # in intro.md; replaced by the link once there is something to link to
PATIENCE = 300_000  # milliseconds, for typesetting a thousand formulas on a slow machine
FOOT = (
    '<div style="width: 100%; font: 8px sans-serif; text-align: center">'
    '<span class="pageNumber"></span> / <span class="totalPages"></span></div>'
)
MARGINS: PdfMargins = {"top": "16mm", "bottom": "18mm", "left": "17mm", "right": "17mm"}
PAPER: ViewportSize = {"width": 665, "height": 993}  # an A4 page within these margins, in CSS pixels
SHORT = 265  # CSS pixels, 70 mm: what is no higher stays on one page
FRONT = """([title, build, parts]) => {
  document.querySelectorAll("img[loading]").forEach(e => { e.loading = "eager"; });
  document.querySelectorAll("section:has(> #explorer-root), #document-explorer").forEach(e => e.remove());
  const words = (e) =>
    [...e.childNodes].filter(n => !n.classList?.contains("headerlink")).map(n => n.textContent).join("");
  const front = document.createElement("section"), list = document.createElement("ol");
  const entry = (className, innerHTML) =>
    list.append(Object.assign(document.createElement("li"), { className, innerHTML }));
  const chapters = [...document.querySelectorAll(".bd-article .toctree-wrapper > section")];
  let part = "";
  chapters.forEach((section, i) => {
    const head = section.querySelector("h1, h2"), place = section.previousElementSibling;
    const own = parts[place?.id.replace("document-", "")] ?? part;
    if (place?.matches("span")) section.prepend(place); // else it leads to the page before
    if (own !== part) entry("part", part = own);
    head.id = `front-${i}`;
    entry("", `<a href="#front-${i}">${words(head)}</a><span class="page"></span>`);
  });
  front.className = "front";
  front.innerHTML = `<div class="cover"><p class="name">${title}</p><p>${build}</p></div>
    <div class="chapters"><p class="head">Contents</p></div>`;
  front.querySelector(".chapters").append(list);
  document.querySelector(".bd-article").prepend(front);
  return chapters.length;
}"""
NUMBERS = """(numbers) =>
  document.querySelectorAll(".front .page").forEach((e, i) => { e.textContent = numbers[i]; })"""
LOADED = """async (short) => {
  await window.MathJax?.startup?.promise;
  await Promise.all([...document.images].filter(e => e.checkVisibility()).map(e => e.decode().catch(() => {})));
  const blocks = [...document.querySelectorAll(".cell_input, div[class*=highlight], table, .admonition")];
  const long = blocks.filter(e => e.offsetHeight > short);
  const printed = (e) => e.pathname === location.pathname
    && document.getElementById(decodeURIComponent(e.hash.slice(1)))?.checkVisibility();
  const dead = [...document.querySelectorAll(".bd-article a[href]:not(.headerlink)")]
    .filter(e => e.protocol === "file:" && !printed(e));
  long.forEach(e => e.classList.add("long"));
  dead.forEach(e => e.replaceWith(...e.childNodes));
}"""


def make(project: Project, say: Say = print) -> Path:
    """Print the built book into its own folder and offer it on the landing page."""
    browser.find()  # before any work
    start = time.monotonic()
    with lock(project), tempfile.TemporaryDirectory(prefix="run-", dir=project.output) as work:
        folder = restage(project, Path(work) / "book")
        page = site.make(folder, Path(work) / "site", builder="singlehtml") / LANDING
        printed = Path(work) / NAME
        told = project.config()["title"], build_of(project.root), project.parts()
        with browser.launched() as chromium:
            pages = write(chromium.new_page(color_scheme="light"), page.as_uri(), printed, *told)
        target = project.output / "html" / NAME
        os.replace(printed, target)
        offer(project.output / "html" / LANDING, target.stat().st_size)
        reuse.Kept(project.output / "kept").sign_pages(project.output / "html")
    say(f"The book as a PDF, {pages} pages, in {time.monotonic() - start:.0f} s: {target}")
    return target


def write(
    page: Page, address: str, target: Path, title: str, build: str, parts: dict[str, str] | None = None
) -> int:
    """Print a page twice: the second time its contents know on which page each chapter begins.

    parts: the heading in the contents under which a document, ``chapters/04_coupling``, stands.
    """
    page.set_default_timeout(PATIENCE)
    page.emulate_media(media="print")
    page.set_viewport_size(PAPER)
    page.goto(address, wait_until="load")
    chapters = page.evaluate(FRONT, [escape(title), escape(build), parts or {}])
    page.evaluate(LOADED, SHORT)
    for last in (False, True):
        page.pdf(
            path=target,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOT,
            outline=last,
            tagged=last,
            print_background=True,
            format="A4",
            margin=MARGINS,
        )
        numbers = begins(target, chapters)
        page.evaluate(NUMBERS, numbers)
    pack(target)
    return len(PdfReader(target).pages)


def pack(pdf: Path) -> None:
    """Write a PDF again with its small objects packed: of a tagged book Chromium leaves some hundred thousand bare."""
    with pikepdf.open(pdf, allow_overwriting_input=True) as document:
        document.save(pdf, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def begins(pdf: Path, chapters: int) -> list[int]:
    """The numbers of the pages on which the chapters begin, from the links of the contents."""
    reader = PdfReader(pdf)
    places = reader.named_destinations
    found = (places.get(f"/front-{i}") or places[f"front-{i}"] for i in range(chapters))
    numbers = [reader.get_destination_page_number(place) for place in found]
    if None in numbers:
        raise BookError(f"{pdf} has no page for a link of its contents")
    return [number + 1 for number in numbers if number is not None]


def offer(landing: Path, size: int) -> None:
    """Put the link where the landing page keeps a place for it."""
    text = landing.read_text(encoding="utf-8")
    link = f'<p class="pdf"><a href="{NAME}">The whole book as a PDF</a> ({size / 1e6:.1f} MB)</p>'
    staged = landing.with_suffix(".new")
    staged.write_text(text.replace(PLACE, link), encoding="utf-8")
    os.replace(staged, landing)
