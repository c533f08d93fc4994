"""Every number that a chapter states, compared with what was expected of it beforehand.

A chapter opens one :class:`Ledger`, passes each number through :meth:`Ledger.check` and
ends with :meth:`Ledger.report`. What is expected, how closely, and on whose word stands in
``tests/expected/<chapter>.yml``; the README shows how to add an entry.
"""

import difflib
import html
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import simpleeval
import yaml
from IPython import get_ipython
from IPython.display import display

RECORD = "ledger"  # the key of the machine-readable record in the metadata of the report's output
EXPECTED = Path(__file__).resolve().parents[1] / "tests" / "expected"

MATCH, MISMATCH, NOT_FINITE = "match", "MISMATCH", "NOT FINITE"
NOT_COMPARED = "not compared: a fixed number for the default parameters"
UNDEFINED = "undefined for these parameters"
FAILED = (MISMATCH, NOT_FINITE)


class LedgerError(Exception):
    """A number that does not hold, or a check that could not be made."""


@dataclass(frozen=True)
class Tolerance:
    """One kind of tolerance: its rule in words, when to use it, and the widths below and above."""

    rule: str
    use: str
    width: Callable[[float, float], float]
    below: bool = True
    above: bool = True

    def deviation(self, here: float, expected: float, standard_error: float) -> float:
        """Distance between the two in units of the tolerance: at most 1 is a match."""
        gap = here - expected
        if gap == 0 or (gap < 0 and not self.below) or (gap > 0 and not self.above):
            return 0.0
        width = self.width(expected, standard_error)
        return float(abs(gap) / width) if width > 0 else math.inf


TOLERANCES = {
    "exact": Tolerance(
        "|here - expected| <= 1e-9 max(1, |expected|)",
        "two routes to the same number in float64: a closed form, a decomposition",
        lambda expected, _: 1e-9 * max(1.0, abs(expected)),
    ),
    "count": Tolerance("equal", "integers and exact fractions", lambda *_: 0.0),
    "printed": Tolerance(
        "|here - expected| <= max(1e-8 |expected|, 1e-12)",
        "a number recorded with ten digits",
        lambda expected, _: max(1e-8 * abs(expected), 1e-12),
    ),
    "recorded_asymptote": Tolerance(
        "|here - expected| <= 0.1 % of |expected|",
        "the end of a recorded float32 run that started from other random weights",
        lambda expected, _: 1e-3 * abs(expected),
    ),
    "rise_time": Tolerance(
        "|here - expected| <= 25 % of |expected|",
        "when a mode rises in one run: it depends on the random start",
        lambda expected, _: 0.25 * abs(expected),
    ),
    "settled": Tolerance(
        "|here - expected| <= 1 % of |expected|",
        "a curve after its rise: what is left of the random start is its slow approach to the end",
        lambda expected, _: 0.01 * abs(expected),
    ),
    "sampled": Tolerance(
        "|here - expected| <= 4 standard errors (the entry's standard_error)",
        "an estimate from random draws",
        lambda _, standard_error: 4 * standard_error,
    ),
    "discretisation": Tolerance(
        "|here - expected| <= 5 % of |expected|",
        "theory in continuous time against gradient descent in steps",
        lambda expected, _: 0.05 * abs(expected),
    ),
    "asymptotic": Tolerance(
        "|here - expected| <= 5 % of |expected|",
        "theory in a limit (leading order, late times, vanishing weights) against a finite case",
        lambda expected, _: 0.05 * abs(expected),
    ),
    "at_most": Tolerance("here <= expected", "an upper bound", lambda *_: 0.0, below=False),
    "at_least": Tolerance("here >= expected", "a lower bound", lambda *_: 0.0, above=False),
}

_KEYS = {"value", "formula", "tolerance", "source", "standard_error", "any_parameters"}
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

    def construct_mapping(self, node, deep=False):
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
    """The chapter's expected numbers, validated: ``{"parameters": {...}, "numbers": {...}}``.

    Raises LedgerError naming the file, the entry and the rule it breaks.
    """
    path = expected_file(chapter)
    if not path.is_file():
        raise LedgerError(f"chapter {chapter!r} has no expected numbers: {path} does not exist")
    with path.open(encoding="utf-8") as stream:
        content = yaml.load(stream, _UniqueKeys)
    if not isinstance(content, dict) or set(content) - {"parameters", "numbers"}:
        raise LedgerError(f"{path}: expected a mapping of 'parameters' and 'numbers' only")
    parameters, numbers = content.get("parameters") or {}, content.get("numbers") or {}
    if not numbers:
        raise LedgerError(f"{path}: no numbers are expected, so nothing would be checked")
    for name, entry in numbers.items():
        problem = _problem(entry)
        if problem:
            raise LedgerError(f"{path}, number {name!r}: {problem}")
    return {"parameters": parameters, "numbers": numbers}


def _problem(entry) -> str | None:
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
    error = entry.get("standard_error")
    if (entry["tolerance"] == "sampled") != (error is not None):
        return "standard_error belongs to tolerance 'sampled', which needs it"
    if error is not None and not (isinstance(error, int | float) and 0 < error < math.inf):
        return f"standard_error is {error!r}; it must be a positive number"
    if "value" in entry:
        values = _flat(entry["value"])
        bad = [v for v in values if not isinstance(v, int | float) or not math.isfinite(v)]
        if bad or not values:
            return f"value holds {bad}, not finite numbers (YAML reads 1e-3 as text: write 1.0e-3)"
    elif not all(isinstance(text, str | int | float) for text in _flat(entry["formula"])):
        return "formula is text, or a list of texts"
    return None


def _flat(value) -> list:
    """The leaves of nested lists, in order."""
    return [leaf for item in value for leaf in _flat(item)] if isinstance(value, list) else [value]


def _shape(value):
    """Nested lists as nested tuples without their leaves: equal only for equal shapes."""
    return tuple(_shape(item) for item in value) if isinstance(value, list) else None


def _map(function, value):
    return [_map(function, item) for item in value] if isinstance(value, list) else function(value)


def _evaluate(formula, parameters: dict):
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


def _plain(name: str, value):
    """The value as plain Python: int, float, bool, or nested lists of them."""
    if type(value) in (bool, int, float):  # np.float64 is a float, but not a plain one
        return value
    if isinstance(value, Fraction):
        return float(value)
    if isinstance(value, str | bytes | dict | set) or value is None:
        raise LedgerError(f"{name!r} is {value!r}; a checked value is a number or an array")
    try:
        array = np.asarray(value)
        if array.dtype == object:
            array = array.astype(float)
    except (TypeError, ValueError, RuntimeError) as error:
        raise LedgerError(f"{name!r} is no number and no array of numbers: {error}") from None
    if array.dtype.kind not in "biuf" or array.size == 0:
        raise LedgerError(f"{name!r} is an array of {array.size} {array.dtype}; it must hold real numbers")
    return array.tolist()


class Ledger:
    """The numbers of one chapter, each compared with the one expected.

    ``parameters`` are the chapter's papermill parameters, the same names as in its file of
    expected numbers. Formulas, and entries marked ``any_parameters``, are compared whatever
    their values; other numbers hold for the defaults only and are otherwise reported as not
    compared. Raises LedgerError when the file or the parameter names are wrong.
    """

    def __init__(self, chapter: str, **parameters):
        self.chapter = chapter
        self.path = expected_file(chapter)
        expected = read_expected(chapter)
        self.parameters = {name: _tidy(value) for name, value in parameters.items()}
        if set(parameters) != set(expected["parameters"]):
            raise LedgerError(
                f"chapter {chapter!r} passes the parameters {sorted(parameters)}, "
                f"but {self.path} holds for {sorted(expected['parameters'])}"
            )
        self.default = self.parameters == expected["parameters"]
        self._numbers = expected["numbers"]
        self._rows: dict[str, dict] = {}

    def check(self, name: str, value):
        """Record a number and glue it for the prose.

        A deviation is not raised here but listed, with all others, by :meth:`report`.
        """
        if name not in self._numbers:
            near = difflib.get_close_matches(name, self._numbers, n=3)
            hint = f" (near it: {', '.join(near)})" if near else ""
            raise LedgerError(f"nothing is expected of {name!r}{hint}: add it to {self.path} with its source")
        if name in self._rows:
            raise LedgerError(
                f"{name!r} was checked already; each number is checked once. "
                "To run a cell again, run the cell that makes the ledger first"
            )
        plain = _plain(name, value)
        self._rows[name] = self._row(name, plain)
        shell = get_ipython()
        if shell is not None and all(math.isfinite(leaf) for leaf in _flat(plain)):
            from myst_nb import glue

            glue(name, plain, display=False)

    def _row(self, name: str, here) -> dict:
        """One line of the report: the two values, their deviation and what it means."""
        entry = self._numbers[name]
        kind = TOLERANCES[entry["tolerance"]]
        if "formula" in entry:
            try:
                expected = _map(lambda text: _evaluate(text, self.parameters), entry["formula"])
            except LedgerError as error:
                raise LedgerError(f"{self.path}, number {name!r}: {error}") from None
        else:
            expected = entry["value"]
        row = {
            "name": name,
            "here": here,
            "expected": expected,
            "tolerance": entry["tolerance"],
            "rule": kind.rule,
            "source": entry["source"],
            "formula": entry.get("formula"),
            "deviation": None,
        }
        finite = all(math.isfinite(leaf) for leaf in _flat(here) + _flat(expected))
        if not self.default and "value" in entry and not entry.get("any_parameters"):
            return row | {"status": NOT_COMPARED}
        if not finite:
            vanished = "formula" in entry and not self.default
            return row | {"status": UNDEFINED if vanished else NOT_FINITE}
        if _shape(here) != _shape(expected):
            return row | {"status": MISMATCH, "deviation": math.inf}
        error = entry.get("standard_error", 0.0)
        row["deviation"] = max(
            kind.deviation(h, e, error) for h, e in zip(_flat(here), _flat(expected), strict=True)
        )
        return row | {"status": MATCH if row["deviation"] <= 1 else MISMATCH}

    def report(self) -> None:
        """Show every number beside the expected one; raise LedgerError if any does not hold.

        The error lists each mismatch, each value that is not finite, and each expected number
        that the chapter never checked.
        """
        rows = list(self._rows.values())
        record = {
            "chapter": self.chapter,
            "parameters": self.parameters,
            "default": self.default,
            "numbers": [_json_safe(row) for row in rows],
        }
        text = as_text(rows)
        if get_ipython() is None:
            print(text)
        else:
            shown = {"text/plain": text, "text/html": as_html(rows)}
            display(shown, raw=True, metadata={RECORD: record})

        problems = [_sentence(row) for row in rows if row["status"] in FAILED]
        problems += [
            f"{name}: expected in {self.path.name} but never checked by the chapter"
            for name in self._numbers
            if name not in self._rows
        ]
        if problems:
            total = len(self._numbers)
            listing = "".join(f"\n  - {problem}" for problem in problems)
            raise LedgerError(
                f"{len(problems)} of the {total} numbers of chapter {self.chapter!r} do not hold:{listing}"
            )


def _tidy(parameter):
    """A parameter as plain Python, tuples as the lists YAML would give."""
    if isinstance(parameter, np.generic | np.ndarray):
        return parameter.tolist()
    return [_tidy(item) for item in parameter] if isinstance(parameter, list | tuple) else parameter


def _json_safe(row: dict) -> dict:
    """JSON has no nan and no infinity: they become text."""

    def leaf(value):
        odd = isinstance(value, float) and not math.isfinite(value)
        return str(value) if odd else value

    return {key: _map(leaf, value) for key, value in row.items()}


def _sentence(row: dict) -> str:
    comparison = f"{row['name']}: here {show(row['here'])}, expected {show(row['expected'])}"
    if row["status"] == NOT_FINITE:
        return f"{comparison}, which is not finite"
    if _shape(row["here"]) != _shape(row["expected"]):
        return f"{comparison}, arrays of different shapes"
    return (
        f"{comparison}; {show(row['deviation'])} times the tolerance "
        f"{row['tolerance']} ({row['rule']}). Source of the expected number: {row['source']}"
    )


def show(value, digits: int = 12) -> str:
    """A number, or the beginning of an array of them, to this many significant digits."""
    if isinstance(value, list):
        leaves = _flat(value)
        more = f", … ({len(leaves)} numbers)" if len(leaves) > 3 else ""
        return f"[{', '.join(show(leaf, digits) for leaf in leaves[:3])}{more}]"
    if isinstance(value, float):
        return f"{value:.{digits}g}".replace("inf", "∞")
    return str(value)


def cells(row: dict) -> list[str]:
    """A row of the table as text: name, here, expected, deviation, status, source."""
    deviation = "–" if row["deviation"] is None else show(float(row["deviation"]), 2)
    return [
        row["name"],
        show(row["here"], 6),
        show(row["expected"], 6),
        f"{deviation} × {row['tolerance']}",
        row["status"],
        row["source"],
    ]


HEADINGS = ["number", "here", "expected", "deviation", "status", "source"]


def as_text(rows: list[dict]) -> str:
    """The table for a terminal."""
    table = [HEADINGS, *map(cells, rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEADINGS) - 1)]
    return "\n".join(
        "  ".join([*(text.ljust(w) for text, w in zip(line, widths, strict=False)), line[-1]])
        for line in table
    )


def as_html(rows: list[dict]) -> str:
    """The table for a page: follows the page's colours and scrolls in its own box."""

    def line(texts, tag, kind=""):
        inside = "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in texts)
        return f'<tr class="{kind}">{inside}</tr>'

    body = "".join(line(cells(row), "td", "failed" if row["status"] in FAILED else "") for row in rows)
    return (
        '<div class="ledger" style="overflow-x: auto" tabindex="0" role="region" '
        'aria-label="Checked numbers"><table><thead>'
        f"{line(HEADINGS, 'th')}</thead><tbody>{body}</tbody></table></div>"
    )
