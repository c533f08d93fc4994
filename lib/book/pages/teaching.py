"""The table of the page for teachers: what each chapter answers, what it needs, how long it takes."""

import json
import re
from pathlib import Path

from lib.book.pages.markdown import doc, table

PLACE = "```{teaching}\n```"  # in teaching.md
WORDS_A_MINUTE, FORMULAS_A_MINUTE = 200, 2  # of reading with understanding; displayed formulas
HEADINGS = ["chapter", "the question it answers", "needs", "minutes to read", "seconds to run"]


def teaching_table(summary: dict, notebooks: list[Path]) -> str:
    """The table as MyST Markdown; notebooks in the order of the book."""
    seconds = {chapter["name"]: chapter["seconds"] for chapter in summary["chapters"]}
    rows = []
    for path in notebooks:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        rows.append(
            [
                doc(path.stem),
                question(texts),
                ", ".join(needed(texts)) or "nothing",
                str(minutes(texts)),
                f"{seconds[path.stem]:.0f}" if path.stem in seconds else "–",
            ]
        )
    return table(HEADINGS, rows)


def question(texts: list[str]) -> str:
    """The first question that a chapter asks, else its first sentence."""
    paragraph = next((p for text in texts for p in text.split("\n\n") if "**The question.**" in p), "")
    sentences = re.split(
        r"(?<=[.?!])\s+", paragraph.replace("**The question.**", "").replace("\n", " ").strip()
    )
    return next((s for s in sentences if s.endswith("?")), sentences[0]).replace("|", "\\|")


def needed(texts: list[str]) -> list[str]:
    """Links to the chapters that the first sections of a chapter build on, in order of their first mention."""
    links = re.findall(r"\{ref\}`[Cc]hapter (\d+) <(\w+)>`", "\n".join(texts[:3]))
    return list(dict.fromkeys(f"{{ref}}`{number} <{label}>`" for number, label in links))


def minutes(texts: list[str]) -> int:
    """Reading time: words, and a while for every displayed formula."""
    text = "\n".join(texts)
    formulas = len(re.findall(r"\$\$", text)) // 2
    words = len(re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL).split())
    return 5 * max(1, round((words / WORDS_A_MINUTE + formulas / FORMULAS_A_MINUTE) / 5))
