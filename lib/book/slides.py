"""The figures of the built book as slides, one a page with its caption: for a lecture, or to print."""

from html import escape
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from lib.book import BookError, Say
from lib.book.project import Project

NAME = "slides.html"
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
  html {{ scroll-snap-type: y mandatory; font: 20px/1.4 sans-serif; }}
  body {{ margin: 0; }}
  section {{ box-sizing: border-box; min-height: 100vh; padding: 3vh 5vw; scroll-snap-align: start; break-after: page;
    display: grid; grid-template-rows: auto 1fr auto; gap: 2vh; }}
  h2 {{ margin: 0; font-size: 1.1em; }}
  img {{ width: 100%; height: 100%; min-height: 0; max-height: 65vh; object-fit: contain; }}
  p {{ margin: 0; max-width: 60em; }}
</style>
<script defer src="_static/mathjax/tex-mml-chtml.js"></script>
<script>
  addEventListener("keydown", (event) => {{
    const steps = {{ ArrowRight: 1, ArrowDown: 1, PageDown: 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 }};
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
    text = PAGE.format(title=escape(project.config()["title"]), slides="\n".join(slides))
    (html / NAME).write_text(text, encoding="utf-8")
    say(f"{len(slides)} slides: {(html / NAME).as_uri()}")


def slides_of(page: Path) -> list[str]:
    """The figures of a chapter's page, each with its number and caption; what the page links to is plain text."""
    found = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").select_one(".bd-article")
    if found is None:
        raise BookError(f"{page.name} is no page of this book: make book")
    heading = found.select_one("h1")
    for link in found.select(".headerlink"):
        link.decompose()
    title = heading.get_text() if heading else ""
    return [_slide(title, figure) for figure in found.select("figure:has(img.for-light)")]


def _slide(title: str, figure: Tag) -> str:
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
    return f"<section><h2>{escape(title)}</h2>{shown}</section>"
