"""The figures of the built book as slides, one a page with its caption: for a lecture, or to print."""

import json
import re
from html import escape

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
    slides = []
    for source in project.chapters():
        notebook = json.loads((project.output / "executed" / source.name).read_text(encoding="utf-8"))
        texts = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
        title = next(line[2:] for text in texts for line in text.splitlines() if line.startswith("# "))
        for cell in notebook["cells"]:
            for output in cell.get("outputs", []):
                if name := output.get("metadata", {}).get("figure"):
                    slides.append(slide(title, name, cell["metadata"]["mystnb"]))
    (html / NAME).write_text(
        PAGE.format(title=escape(project.config()["title"]), slides="\n".join(slides)), encoding="utf-8"
    )
    say(f"{len(slides)} slides: {(html / NAME).as_uri()}")


def slide(chapter: str, name: str, said: dict) -> str:
    """One figure as HTML."""
    alt = escape(said["image"]["alt"], quote=True)
    caption = plain(said["figure"]["caption"])
    return f'<section><h2>{escape(chapter)}</h2><img src="_images/{name}.svg" alt="{alt}"><p>{caption}</p></section>'


def plain(markdown: str) -> str:
    """A caption as HTML: formulas for MathJax, links as their text."""
    text = re.sub(r"\{[\w:]+\}`([^`<]*?)\s*(?:<[^`]*>)?`", r"\1", markdown)
    text = escape(text, quote=False)
    text = re.sub(r"\$([^$]+)\$", r"\\(\1\\)", text)
    text = re.sub(r"\*\*?([^*]+)\*\*?", r"<em>\1</em>", text)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
