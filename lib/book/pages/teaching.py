"""The table of the page for teachers: what each chapter teaches, what it needs, how long it takes."""

import json
import re
from pathlib import Path

import yaml

from lib.book import BookError
from lib.book.pages.markdown import doc, table
from lib.book.project import topic

PLACE = re.compile(r"```\{teaching\}\n(.*?)```", re.DOTALL)  # in teaching.md
WORDS_A_MINUTE, FORMULAS_A_MINUTE = 200, 2  # of reading with understanding; displayed formulas
HEADINGS = ["chapter", "after it you can", "needs", "minutes to read", "seconds to run"]


def teaching_page(text: str, summary: dict, notebooks: list[Path]) -> str:
    """The text of teaching.md with its table put in; notebooks in the order of the book.

    The text says for every chapter, ``coupling: {goal: ..., needs: [dynamics]}``. BookError where one is missing or
    unknown, or needs what does not come before it.
    """
    return PLACE.sub(lambda match: _table(yaml.safe_load(match[1]) or {}, summary, notebooks), text)


def _table(said: dict, summary: dict, notebooks: list[Path]) -> str:
    topics = [topic(path.stem) for path in notebooks]
    if set(said) != set(topics):
        raise BookError(f"teaching.md is out of step with the chapters: {', '.join(set(said) ^ set(topics))}")
    seconds = {chapter["name"]: chapter["seconds"] for chapter in summary["chapters"]}
    rows = []
    for place, path in enumerate(notebooks):
        name, cells = topics[place], json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        if late := [other for other in said[name]["needs"] if other not in topics[:place]]:
            raise BookError(f"teaching.md: {name} needs {', '.join(late)}, which does not come before it")
        needs = ", ".join(f"{{ref}}`{topics.index(other)} <{other}>`" for other in said[name]["needs"])
        rows.append(
            [doc(path.stem), said[name]["goal"], needs or "–", minutes(texts), f"{seconds[path.stem]:.0f}"]
        )
    return table(HEADINGS, rows)


def minutes(texts: list[str]) -> str:
    """Reading time: words, and a while for every displayed formula."""
    text = "\n".join(texts)
    formulas = len(re.findall(r"\$\$", text)) // 2
    words = len(re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL).split())
    return str(5 * max(1, round((words / WORDS_A_MINUTE + formulas / FORMULAS_A_MINUTE) / 5)))
