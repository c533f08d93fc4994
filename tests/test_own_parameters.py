"""A reader's own parameters: the README's command, every exercise that says "Set …", and drawn ones for every chapter.

A row that does not hold is shown, and the page is built all the same. What cannot be computed at all, such as a
training that diverges, is refused with the value and the way out.
"""

import ast
import re
from pathlib import Path
from random import Random

import nbformat
import papermill
import pytest

from lib.book import BookError, execute, own
from lib.book.pages.parameters import parameters_page
from lib.book.project import Project, topic

ROOT = Path(__file__).resolve().parents[1]
PROJECT = Project(ROOT)
CHAPTERS = [path.stem for path in PROJECT.chapters()]
DRAWS = 6
REFUSALS = re.compile(
    r"\nValueError: .*(diverge|outside|choose|use |give |take |lower|above|below|at least|at most|needs|make it)",
    re.DOTALL,
)

# Short runs: the parameters' names, and what they are here instead of the chapters' own.
SHORT = {"runs": "2", "random_datasets": "5", "draws": "3"}
CONVOLUTIONAL = {"runs": "1", "epochs": "2", "triples": "200"}


def parameters(stem: str) -> dict[str, dict]:
    """The parameters of a chapter as papermill finds them: name, default as text, help."""
    return papermill.inspect_notebook(ROOT / "chapters" / f"{stem}.ipynb")


def exercises(stem: str) -> list[dict[str, str]]:
    """What the exercises of a chapter ask the reader to set: `Set \\`r = 3\\`` and the like, each a set of its own."""
    known, found = parameters(stem), []
    for cell in nbformat.read(ROOT / "chapters" / f"{stem}.ipynb", as_version=4).cells:
        if cell.cell_type != "markdown":
            continue
        for sentence in re.findall(r"\bSet `[^`]+ = [^`]+`(?:[^.?!`]*`[^`]+ = [^`]+`)*", cell.source):
            asked: dict[str, str] = {}
            for name, value in re.findall(r"`(\w+) = ([^`]+)`", sentence):
                if name not in known:
                    continue
                if name in asked:
                    found.append(asked)
                    asked = {}
                asked[name] = value
            found += [asked] if asked else []
    return found


def least(entry: dict) -> int:
    """The least value that a parameter's own comment allows."""
    named = re.search(r"(?:at least|from) (\d+)|(\d+) to \d+", entry["help"] or "")
    return int(next(filter(None, named.groups()))) if named else 0


LONG = ("geometry", "cmnist", "masks", "subnetworks", "oddity")  # minutes for all sets of one


def drawn(stem: str) -> list[dict[str, str]]:
    """Sets of parameters for a chapter, always the same; the first are degenerate."""
    known, random = parameters(stem), Random(stem)
    low = {name: least(known[name]) for name in ("n_y", "k_x", "k_y") if name in known}
    sets = []
    for number in range(DRAWS):
        n_x = 1 if number == 0 else random.randint(1, 4)
        values = {"n_x": n_x, "r": random.choice([0.25, 0.5, 2.0, 3.0])}
        for name, bound in low.items():
            values[name] = random.randint(bound, n_x if name == "n_y" else 3)
        if number < 3:  # one block is missing, or as small as it may be
            missing = ("n_y", "k_x", "k_y")[number]
            values[missing] = low.get(missing, 0)
        if not values.get("n_y", 1) and not values.get("k_y", 1):
            values["k_y"] = 1  # a dataset has an output
        if number == 4:
            values |= {"hidden": 1}
        if number == 5:
            values |= {"epochs": 10, "init_std": 0.05, "seed": 3}
        values |= {"level": 0.25 + 0.05 * number, "fair_level": 0.6 - 0.05 * number}
        short = CONVOLUTIONAL | {"digits": random.randint(1, 2)} if "digits" in known else SHORT
        sets.append({name: str(value) for name, value in (short | values).items() if name in known})
    return sets


def cases() -> list:
    """Every chapter with every set, named for the test's report."""
    found = []
    for stem in CHAPTERS:
        short = {name: value for name, value in SHORT.items() if name in parameters(stem) and name == "runs"}
        found += [(stem, short | asked) for asked in exercises(stem)] + [(stem, one) for one in drawn(stem)]
    return [
        pytest.param(
            s,
            v,
            id=f"{topic(s)}-{' '.join(f'{k}={x}' for k, x in v.items())}",
            marks=pytest.mark.thorough if topic(s) in LONG else (),
        )
        for s, v in found
        if differ(s, v)
    ]


def differ(stem: str, values: dict[str, str]) -> bool:
    """Whether a set is another than the chapter's own parameters."""
    known = parameters(stem)
    return any(ast.literal_eval(known[name]["default"]) != ast.literal_eval(v) for name, v in values.items())


def run(stem: str, values: dict[str, str], folder: Path) -> execute.Executed:
    """Execute a chapter as `make chapter` does, without its page."""
    source = ROOT / "chapters" / f"{stem}.ipynb"
    typed = {name: ast.literal_eval(value) for name, value in values.items()}
    [chapter] = execute.run_all(
        PROJECT, [source], folder / "work", folder / "failed", print, parameters=typed
    )
    return chapter


@pytest.mark.slow
@pytest.mark.parametrize(("stem", "values"), cases())
def test_a_chapter_shows_what_does_not_hold_and_goes_on(stem, values, tmp_path):
    try:
        chapter = run(stem, values, tmp_path)
    except BookError as error:
        if REFUSALS.search(str(error)):
            return
        raise
    assert not chapter.record["default"]
    typed = {name: ast.literal_eval(value) for name, value in values.items()}
    assert {name: chapter.record["parameters"].get(name, value) for name, value in typed.items()} == typed


@pytest.mark.slow
def test_the_command_of_the_readme(tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    name, given = re.search(r'^make chapter NAME=(\w+) PARAMS="([^"]+)"$', readme, re.MULTILINE).groups()
    told: list[str] = []
    page = own.run(PROJECT, name, given.split(), told.append)
    assert "not compared" in "\n".join(told)
    text = page.read_text(encoding="utf-8")
    assert 'aria-label="Checked numbers"' in text
    named = re.findall(r"^  - (\w+):", "\n".join(told), re.MULTILINE)
    assert ("MISMATCH" in text) == bool(named)
    assert all(name in text for name in named)


def test_every_command_of_the_page_of_parameters_gives_a_default():
    commands = re.findall(
        r'^make chapter NAME=(\w+) PARAMS="([^"\n]*)"$', parameters_page(PROJECT.chapters()), re.M
    )
    assert len(commands) == len(CHAPTERS)
    for name, given in commands:
        source = PROJECT.chapter(name)
        [(key, value)] = own.parse(source, [given]).items()
        assert value == ast.literal_eval(papermill.inspect_notebook(source)[key]["default"]), name


def test_every_exercise_that_sets_something_is_found():
    """As many as there are sentences that begin so, in all chapters together; each names a parameter."""
    texts = [(ROOT / "chapters" / f"{stem}.ipynb").read_text(encoding="utf-8") for stem in CHAPTERS]
    sentences = sum(len(re.findall(r"\bSet `", text)) for text in texts)
    assert sum(len(exercises(stem)) for stem in CHAPTERS) >= sentences > 0


@pytest.mark.parametrize("stem", CHAPTERS)
def test_the_drawn_sets_are_many_and_some_are_degenerate(stem):
    sets = drawn(stem)
    assert len(sets) == DRAWS >= 6
    assert all(set(one) <= set(parameters(stem)) for one in sets)
    if "n_x" in parameters(stem):
        assert any(one["n_x"] == "1" for one in sets)
