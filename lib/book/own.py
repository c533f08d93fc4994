"""One chapter with a reader's own parameters: beside the book, never into it."""

import ast
import shutil
from pathlib import Path

import papermill
import yaml

from lib.book import BookError, Say, execute, site
from lib.book.execute import Executed
from lib.book.processes import alone, remove
from lib.book.project import Project


def run(project: Project, name: str, assignments: list[str], say: Say = print) -> Path:
    """Execute a chapter with ``k=v`` assignments; return the page that shows the outcome.

    The result is in ``_build/own/<chapter>``; ``figures/`` and the book stay as they are. A number that does not
    hold for these parameters, and a warning, are shown and told: they stop only the book itself.
    """
    source = project.chapter(name)
    parameters = parse(source, assignments)
    folder = project.output / "own" / source.stem
    refusal = f"chapter {source.stem} is being run already, into {folder}; wait for it, or stop it"
    with alone(folder.with_name(f".{source.stem}.lock"), refusal):
        page = _run(project, source, parameters, folder, say)
    say(f"The executed notebook: {folder / source.name}\nOpen {page.as_uri()}")
    return page


def _run(project: Project, source: Path, parameters: dict, folder: Path, say: Say) -> Path:
    if folder.exists():
        remove(folder)
    try:
        [chapter] = execute.run_all(project, [source], folder / "work", folder, say, parameters=parameters)
        book = site.stage(project, folder / "work" / "book")
        shutil.copyfile(chapter.notebook, book / "chapters" / source.name)
        site.only_page(book, f"chapters/{source.stem}")
        pages = site.make(book, folder / "work" / "site", strict=False)
        shutil.move(chapter.notebook, folder / source.name)
        shutil.move(pages, folder / "html")
    finally:
        shutil.rmtree(folder / "work", ignore_errors=True)
    _tell(chapter, say)
    return folder / "html" / "chapters" / f"{source.stem}.html"


def _tell(chapter: Executed, say: Say) -> None:
    """Name each number that does not hold, and each warning."""
    problems = chapter.record.get("problems", [])
    if problems:
        listing = "".join(f"\n  - {problem}" for problem in problems)
        say(
            f"With these parameters {len(problems)} of {len(chapter.record['numbers'])} rows do not hold:{listing}"
        )
        say(
            "The chapter's derivation may need what these parameters do not give; the page shows these rows as such."
        )
    for warning in chapter.warnings:
        say(f"Mind that {warning}")


def parse(source: Path, assignments: list[str]) -> dict:
    """The reader's assignments as values of the right type; BookError names what is wrong."""
    known = papermill.inspect_notebook(source)
    values = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise BookError(f"{assignment!r} is not of the form name=value")
        if name not in known:
            listing = "\n".join(f"  {_describe(entry)}" for entry in known.values())
            raise BookError(f"chapter {source.stem} has no parameter {name!r}; it has\n{listing or '  none'}")
        try:
            values[name] = _like(ast.literal_eval(known[name]["default"]), yaml.safe_load(text))
        except (TypeError, ValueError, yaml.YAMLError):
            raise BookError(
                f"{name}={text} does not fit; the parameter is {_describe(known[name])}"
            ) from None
    return values


def _describe(entry: dict) -> str:
    comment = f"  # {entry['help']}" if entry["help"] else ""
    return f"{entry['name']} = {entry['default']}{comment}"


def _like(default: object, value: object) -> object:
    """The value as the default's type; TypeError or ValueError if it is of another."""
    if isinstance(default, float) and not isinstance(value, bool):
        if isinstance(value, int | float | str):  # YAML reads 1e-3 as text
            return float(value)
    elif isinstance(default, list | tuple) and isinstance(value, list):
        return [_like(default[0], item) for item in value] if default else value
    elif default is None or type(value) is type(default):
        return value
    raise TypeError
