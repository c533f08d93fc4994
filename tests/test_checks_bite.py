"""Every check can fail: each number with a value ten tolerances away, each record with another digit."""

import random
import re
import shutil
from collections import defaultdict
from itertools import zip_longest

import pytest
import yaml

from lib.book import BookError, execute
from lib.book.project import Project, topic
from lib.checks.expected import EXPECTED, LedgerError, evaluate, read_expected
from lib.checks.fingerprints import RESULTS, fingerprint
from lib.checks.ledger import Ledger, by_leaf
from lib.checks.nested import leaves, map_leaves
from lib.checks.tolerances import TOLERANCES

CHAPTERS = sorted(path.stem for path in EXPECTED.glob("*.yml"))
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS)
LIVE = ("01_datasets", "02_systematicity")
TIMES = {"chapter_times.json", "convnet_times.json", "figure_times.json"}  # the README shows them, no chapter


def expected_value(entry: dict, parameters: dict):
    """What an entry expects at the chapter's own parameters."""
    if "value" in entry:
        return entry["value"]
    return map_leaves(lambda text: evaluate(text, parameters), entry["formula"])


def beyond(entry: dict, value: float) -> float:
    """A value ten tolerances from the one expected, on a side that is compared."""
    kind = TOLERANCES[entry["tolerance"]]
    step = 10 * kind.width(value, entry) or 1e-6 * max(1.0, abs(value))
    return value + step if kind.above else value - step


def with_worst_leaf(entry: dict, value, position: int):
    """The value with one of its numbers, by position, ten tolerances away."""
    places = iter(enumerate(by_leaf(entry, len(leaves(value)))))

    def moved(leaf: float) -> float:
        place, needs = next(places)
        return beyond(entry | needs, leaf) if place == position else leaf

    return map_leaves(moved, value)


def refuted(chapter: str, values: dict) -> set[str]:
    """The numbers that a report on these values says do not hold."""
    expected = read_expected(chapter)
    ledger = Ledger(chapter, expected["parameters"])
    for name, value in values.items():
        if "of" not in expected["numbers"][name]:
            ledger.check(name, value)
    try:
        ledger.report()
    except LedgerError as error:
        return set(re.findall(r"^  - (\w+): here", str(error), re.MULTILINE))
    return set()


@every_chapter
def test_a_value_ten_tolerances_away_stops_the_chapter(chapter):
    expected = read_expected(chapter)
    numbers = expected["numbers"]
    values = {name: expected_value(entry, expected["parameters"]) for name, entry in numbers.items()}
    assert refuted(chapter, values) == set(), "what is expected of a number contradicts its second entry"
    rng = random.Random(chapter)
    wrong = {
        name: with_worst_leaf(numbers[name], value, rng.randrange(len(leaves(value))))
        for name, value in values.items()
    }
    firsts = {name for name, entry in numbers.items() if "of" not in entry}
    assert firsts <= refuted(chapter, wrong)
    for name in rng.sample(sorted(firsts), min(5, len(firsts))):  # each by itself as well
        assert name in refuted(chapter, values | {name: wrong[name]})


@every_chapter
def test_a_second_entry_can_fail(chapter):
    expected = read_expected(chapter)
    numbers = expected["numbers"]
    values = {n: expected_value(entry, expected["parameters"]) for n, entry in numbers.items()}
    seconds = defaultdict(list)
    for name, entry in numbers.items():
        if "of" in entry:
            seconds[entry["of"]].append(name)
    for together in zip_longest(*seconds.values()):  # one second entry of each number at a time
        tried = [name for name in together if name]
        wrong = {numbers[n]["of"]: with_worst_leaf(numbers[n], values[n], 0) for n in tried}
        assert set(tried) <= refuted(chapter, values | wrong)


def other_digit(text: str, rng: random.Random) -> str:
    """The text of a record with another digit in the fourth place of one of its numbers."""
    found = [m for m in re.finditer(r"-?\d+\.\d+(?:[eE][-+]?\d+)?", text) if len(significant(m.group())) >= 4]
    place = rng.choice(found)
    at = place.start() + significant(place.group())[3]
    return text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]


def significant(number: str) -> list[int]:
    """Where the significant digits of a number stand in its text."""
    mantissa = re.split("[eE]", number)[0]
    first = re.search("[1-9]", mantissa)
    return [i for i, sign in enumerate(mantissa) if sign.isdigit() and i >= first.start()] if first else []


@every_chapter
def test_one_digit_of_a_record_in_the_fourth_place_stops_the_chapter(chapter, tmp_path, monkeypatch):
    expected = read_expected(chapter)
    rng = random.Random(chapter)
    monkeypatch.setenv("BOOK_RESULTS", str(tmp_path))
    values = {n: expected_value(e, expected["parameters"]) for n, e in expected["numbers"].items()}
    for name in expected["records"]:
        shutil.copyfile(RESULTS / name, tmp_path / name)
    assert refuted(chapter, values) == set()
    for name in expected["records"]:
        text = (RESULTS / name).read_text(encoding="utf-8")
        for _ in range(3):
            (tmp_path / name).write_text(other_digit(text, rng), encoding="utf-8")
            ledger = Ledger(chapter, expected["parameters"])
            with pytest.raises(LedgerError, match=rf"results/{name}: here"):
                ledger.report()
        shutil.copyfile(RESULTS / name, tmp_path / name)


def test_every_record_belongs_to_a_chapter():
    known = {}
    for chapter in CHAPTERS:
        known |= read_expected(chapter)["records"]
    there = {path.name: fingerprint(path) for path in RESULTS.iterdir() if path.name not in TIMES}
    assert known == there


@pytest.mark.slow
@pytest.mark.parametrize("stem", LIVE)
def test_a_chapter_that_runs_is_stopped_by_every_one_of_its_numbers(stem, tmp_path, monkeypatch):
    project = Project(EXPECTED.parents[1])
    chapter = topic(stem)
    expected = read_expected(chapter)
    content = {"parameters": expected["parameters"], "numbers": {}}
    for name, entry in expected["numbers"].items():
        value = expected_value(entry, expected["parameters"])
        shifted = {key: kept for key, kept in entry.items() if key != "formula"}
        content["numbers"][name] = shifted | {"value": map_leaves(lambda v, e=entry: away(e, v), value)}
    (tmp_path / "expected").mkdir()
    (tmp_path / "expected" / f"{chapter}.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    monkeypatch.setattr(Project, "expected", tmp_path / "expected")
    with pytest.raises(BookError) as stopped:
        execute.run_all(project, [project.chapter(stem)], tmp_path / "work", tmp_path / "failed", print)
    told = set(re.findall(r"^  - (\w+): here", str(stopped.value), re.MULTILINE))
    one_sided = {n for n, e in expected["numbers"].items() if TOLERANCES[e["tolerance"]].one_sided}
    assert told >= set(expected["numbers"]) - one_sided  # a bound has no width: it is tried above


def away(entry: dict, value: float) -> float:
    """An expected value that the true one misses by ten tolerances: the other way than `beyond`."""
    return 2 * value - beyond(entry, value)
