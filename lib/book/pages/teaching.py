"""The table of the page for teachers: what each chapter teaches, what it needs, how long it takes."""

import json
import re
from pathlib import Path

import yaml

from lib.book import BookError
from lib.book.pages.markdown import doc, stacked
from lib.book.project import topic

PLACE = re.compile(r"```\{teaching\}\n(.*?)```", re.DOTALL)  # in teaching.md
ROUTE = re.compile(r"\{minutes\}`([^`]+)`")
WORDS_A_MINUTE, FORMULAS_A_MINUTE = 200, 2  # of reading with understanding; displayed formulas
HEADINGS = ["chapter", "after it you can", "needs", "minutes to read", "seconds to run"]


def teaching_page(text: str, summary: dict, notebooks: list[Path]) -> str:
    """The text of teaching.md with its table and its sums put in; notebooks in the order of the book.

    The text says for every chapter, ``coupling: {goal: ..., needs: [dynamics]}``. BookError where one is missing or
    unknown, or needs what does not come before it. {minutes}`datasets, dynamics` in it becomes the sum of the minutes
    that the table has for these chapters; BookError if one of them needs a chapter that is not among them.
    """
    found = PLACE.search(text)
    said = yaml.safe_load(found[1]) if found else {}
    topics = [topic(path.stem) for path in notebooks]
    times = dict(zip(topics, map(_minutes, notebooks)))
    page = PLACE.sub(lambda match: _table(said, topics, times, summary, notebooks), text)
    return ROUTE.sub(lambda match: str(_sum(match[1], said, times)), page)


def _sum(route: str, said: dict, times: dict[str, int]) -> int:
    chapters = list(times) if route == "all" else re.split(r",\s*", route)
    for name in chapters:
        if name not in times:
            raise BookError(f"teaching.md: a route leads through {name}, which is no chapter")
        if missing := [other for other in said[name]["needs"] if other not in chapters]:
            raise BookError(f"teaching.md: a route leads through {name}, but not {', '.join(missing)}")
    return sum(times[name] for name in chapters)


def _table(said: dict, topics: list[str], times: dict[str, int], summary: dict, notebooks: list[Path]) -> str:
    if set(said) != set(topics):
        raise BookError(f"teaching.md is out of step with the chapters: {', '.join(set(said) ^ set(topics))}")
    seconds = {chapter["name"]: chapter["seconds"] for chapter in summary["chapters"]}
    rows = []
    for place, path in enumerate(notebooks):
        name = topics[place]
        if late := [other for other in said[name]["needs"] if other not in topics[:place]]:
            raise BookError(f"teaching.md: {name} needs {', '.join(late)}, which does not come before it")
        needs = ", ".join(f"{{ref}}`{topics.index(other)} <{other}>`" for other in said[name]["needs"])
        rows.append(
            [doc(path.stem), said[name]["goal"], needs or "–", str(times[name]), f"{seconds[path.stem]:.0f}"]
        )
    return stacked(HEADINGS, rows, numbers=(3, 4))


def _minutes(notebook: Path) -> int:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return minutes(["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"])


def minutes(texts: list[str]) -> int:
    """Reading time: words, and a while for every displayed formula."""
    text = "\n".join(texts)
    formulas = len(re.findall(r"\$\$", text)) // 2
    words = len(re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL).split())
    return 5 * max(1, round((words / WORDS_A_MINUTE + formulas / FORMULAS_A_MINUTE) / 5))
