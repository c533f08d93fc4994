"""The expected numbers of a chapter, as ``tests/expected/<chapter>.yml`` gives them."""

import math
import os
from pathlib import Path

import simpleeval
import yaml

from lib.checks import sources
from lib.checks.nested import leaves, shape_of
from lib.checks.tolerances import TOLERANCES


class LedgerError(Exception):
    """A number that does not hold, or a check that could not be made."""


EXPECTED = Path(__file__).resolve().parents[2] / "tests" / "expected"


NEEDS = {key for kind in TOLERANCES.values() for key in kind.needs}
_KEYS = {"value", "formula", "of", "tolerance", "source", "kind", "set", "any_parameters"} | NEEDS

_SECTIONS = {"parameters", "records", "numbers"}

_FUNCTIONS = {
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "comb": math.comb,
    "min": min,
    "max": max,
    "abs": abs,
}


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which a name given twice is an error instead of a silent loss of the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        own = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        names = [self.construct_object(key, deep=True) for key in own]
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise LedgerError(f"{self.name}: {sorted(repeated)} given twice{node.start_mark}")
        return super().construct_mapping(node, deep)


def expected_file(chapter: str) -> Path:
    """Where the expected numbers of a chapter stand (directory: ``BOOK_EXPECTED`` if set)."""
    return Path(os.environ.get("BOOK_EXPECTED", EXPECTED)) / f"{chapter}.yml"


def read_expected(chapter: str) -> dict:
    """The chapter's expected numbers, validated: ``{"parameters": {...}, "records": {...}, "numbers": {...}}``.

    ``records`` holds the fingerprint of each file in results/ that its numbers were computed from.

    Raises LedgerError naming the file, the entry and the rule it breaks.
    """
    path = expected_file(chapter)
    if not path.is_file():
        raise LedgerError(f"chapter {chapter!r} has no expected numbers: {path} does not exist")
    with path.open(encoding="utf-8") as stream:
        content = yaml.load(stream, _UniqueKeys)
    if not isinstance(content, dict) or set(content) - _SECTIONS:
        raise LedgerError(f"{path}: expected a mapping of {sorted(_SECTIONS)} only")
    parameters, numbers = content.get("parameters") or {}, content.get("numbers") or {}
    if not numbers:
        raise LedgerError(f"{path}: no numbers are expected, so nothing would be checked")
    for name, entry in numbers.items():
        problem = _problem(entry) or _of_another(entry, numbers)
        if problem:
            raise LedgerError(f"{path}, number {name!r}: {problem}")
    return {"parameters": parameters, "records": content.get("records") or {}, "numbers": numbers}


def _of_another(entry: dict, numbers: dict) -> str | None:
    """What is wrong with a second entry for a number, in words, or None."""
    first = entry.get("of")
    if first is not None and ("of" in (numbers.get(first) or {"of": first})):
        return f"it is of {first!r}, which is no number of this file with an entry of its own"
    return None


def _problem(entry: object) -> str | None:
    """What is wrong with one expected entry, in words, or None."""
    if not isinstance(entry, dict):
        return "an entry is a mapping with value or formula, tolerance and source"
    if unknown := sorted(set(entry) - _KEYS):
        return f"unknown keys {unknown}; known are {sorted(_KEYS)}"
    if ("value" in entry) == ("formula" in entry):
        return "give exactly one of value and formula"
    if entry.get("tolerance") not in TOLERANCES:
        return f"tolerance {entry.get('tolerance')!r} is not one of {', '.join(TOLERANCES)}"
    if not isinstance(entry.get("source"), str) or not entry["source"].strip():
        return "source is missing: say where the expected number comes from"
    needs = set(TOLERANCES[entry["tolerance"]].needs)
    for key in sorted(NEEDS & (needs | set(entry))):
        if (key in entry) != (key in needs):
            return f"tolerance {entry['tolerance']!r} " + ("needs" if key in needs else "has no") + f" {key}"
        if not all(isinstance(leaf, int | float) and 0 < leaf < math.inf for leaf in leaves(entry[key])):
            return f"{key} is {entry[key]!r}; it must be a positive number, or one for each of the value"
        if isinstance(entry[key], list) and shape_of(entry[key]) != shape_of(entry.get("value")):
            return f"{key} is a list of another shape than the value"
    if problem := sources.problem(entry, TOLERANCES[entry["tolerance"]].one_sided):
        return problem
    if "value" in entry:
        values = leaves(entry["value"])
        bad = [v for v in values if not isinstance(v, int | float) or not math.isfinite(v)]
        if bad or not values:
            return f"value holds {bad}, not finite numbers (YAML reads 1e-3 as text: write 1.0e-3)"
    elif not all(isinstance(text, str | int | float) for text in leaves(entry["formula"])):
        return "formula is text, or a list of texts"
    return None


def evaluate(formula: str | float, parameters: dict) -> float:
    """A formula's value; nan where it is undefined for these parameters."""
    names = {"pi": math.pi, **parameters}
    if "n_x" in parameters:
        names["P"] = 2 ** parameters["n_x"]
    if "r" in parameters:
        for short, long in (("a", "k_x"), ("b", "k_y")):
            if long in parameters:
                names[short] = parameters[long] * parameters["r"] ** 2
    try:
        value = simpleeval.simple_eval(str(formula), names=names, functions=_FUNCTIONS)
        return math.nan if isinstance(value, complex) else value  # a root of a negative number
    except (ArithmeticError, ValueError):
        return math.nan
    except (simpleeval.InvalidExpression, SyntaxError, TypeError) as error:
        raise LedgerError(
            f"formula {formula!r}: {error}; it may use {sorted(names)} and {sorted(_FUNCTIONS)}"
        ) from None
