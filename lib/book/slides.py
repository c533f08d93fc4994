"""The figures of the built book as slides, one a page with its caption: for a lecture, or to print."""

from html import escape
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from lib.book import BookError, Say
from lib.book.project import Project

NAME = "slides.html"
TALL = 0.75  # height over width from which the caption stands beside a figure
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
  @page {{ size: 320mm 180mm; margin: 0; }}
  html {{ scroll-snap-type: y mandatory; font: clamp(14px, min(1.6vw, 2.8vh), 40px)/1.4 sans-serif; }}
  body {{ margin: 0; counter-reset: slide; }}
  section {{ box-sizing: border-box; position: relative; height: 100vh; padding: 3vh 4vw; scroll-snap-align: start;
    break-after: page; display: grid; grid-template: auto minmax(0, 1fr) auto / minmax(0, 1fr); gap: 2vh 3vw; }}
  section::after {{ counter-increment: slide; content: counter(slide); color: #555;
    position: absolute; right: 2vw; top: 3vh; }}
  h2 {{ margin: 0; font-size: 1.1em; }}
  img {{ width: 100%; height: 100%; object-fit: contain; }}
  p {{ margin: 0; max-width: 60em; }}
  .tall {{ grid-template: auto minmax(0, 1fr) / auto minmax(0, 1fr); }}
  .tall h2 {{ grid-column: 1 / -1; }}
  .tall img {{ width: auto; height: 86vh; max-width: 62vw; }}
  .tall p {{ align-self: center; }}
  ol {{ columns: 2; list-style: none; padding: 0; align-self: center; line-height: 2; }}
  @media screen and (orientation: portrait) {{
    section, .tall {{ display: block; height: auto; min-height: 100vh; }}
    img, .tall img {{ width: 100%; max-width: none; height: auto; margin: 2vh 0; }}
    ol {{ columns: 1; }}
  }}
</style>
<script defer src="_static/mathjax/tex-mml-chtml.js"></script>
<script>
  addEventListener("keydown", (event) => {{
    const steps = {{ ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 }};
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const slides = [...document.querySelectorAll("section")];
    const here = slides.findIndex((slide) => slide.getBoundingClientRect().bottom > innerHeight / 2);
    slides[Math.min(slides.length - 1, Math.max(0, here + step))].scrollIntoView();
  }});
</script>
{slides}
</html>
"""


def make(project: Project, say: Say = print) -> None:
    """Write the slides beside the pages of the built book."""
    html = project.output / "html"
    if not html.is_dir():
        raise BookError("there is no book yet: make book")
    pages = [html / "chapters" / f"{source.stem}.html" for source in project.chapters()]
    slides = [slide for page in pages for slide in slides_of(page)]
    (html / NAME).write_text(page_of(project.config()["title"], slides), encoding="utf-8")
    say(f"{len(slides)} slides: {(html / NAME).as_uri()}")


def page_of(title: str, slides: list[str]) -> str:
    """The page that shows slides, after one with the title and the chapters."""
    title = escape(title)
    return PAGE.format(title=title, slides="\n".join([_contents(title, slides), *slides]))


def slides_of(page: Path) -> list[str]:
    """The figures of a chapter's page, each with its number and caption; what the page links to is plain text."""
    found = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").select_one(".bd-article")
    if found is None:
        raise BookError(f"{page.name} is no page of this book: make book")
    heading = found.select_one("h1")
    for link in found.select(".headerlink"):
        link.decompose()
    title = heading.get_text() if heading else ""
    figures = found.select("figure:has(img.for-light)")
    return [_slide(f"{page.stem}-{i}", title, figure) for i, figure in enumerate(figures, 1)]


def _contents(title: str, slides: list[str]) -> str:
    """The slide before them: the title, and a link to the first slide of each chapter."""
    found: dict[str, str] = {}
    for slide in slides:
        section = BeautifulSoup(slide, "html.parser").section
        if section and section.h2:
            found.setdefault(section.h2.get_text(), str(section["id"]))
    links = "".join(f'<li><a href="#{place}">{escape(name)}</a></li>' for name, place in found.items())
    return f"<section><h1>{title}</h1><ol>{links}</ol></section>"


def _slide(name: str, title: str, figure: Tag) -> str:
    [image] = figure.select("img.for-light")
    caption = figure.select_one("figcaption p") or Tag(name="p")
    for note in caption.find_all("em", string="Checked numbers:"):
        for part in (*note.next_siblings, note):
            part.extract()
    for link in caption.select("a"):
        link.unwrap()
    source = str(image["src"]).removeprefix("../")
    alt = escape(str(image["alt"]), quote=True)
    shown = f'<img src="{source}" alt="{alt}"><p>{caption.decode_contents()}</p>'
    tall = ' class="tall"' if float(str(image["height"])) > TALL * float(str(image["width"])) else ""
    return f'<section id="{name}"{tall}><h2>{escape(title)}</h2>{shown}</section>'
