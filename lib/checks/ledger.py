"""Every number that a chapter states, compared with what was expected of it beforehand.

A chapter opens one `Ledger`, passes each number through `Ledger.check` and
ends with `Ledger.report`. What is expected, how closely, and on whose word stands in
``tests/expected/<chapter>.yml``; the README shows how to add an entry.
"""

import difflib
import math
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from IPython import get_ipython
from IPython.display import display

from lib.checks import fingerprints
from lib.checks.expected import LedgerError, evaluate, expected_file, read_expected
from lib.checks.nested import leaves, map_leaves, shape_of
from lib.checks.sources import kind_of
from lib.checks.tables import (
    FAILED,
    MATCH,
    MISMATCH,
    NEVER_CHECKED,
    NOT_COMPARED,
    NOT_FINITE,
    UNDEFINED,
    Row,
    as_html,
    as_text,
    show,
)
from lib.checks.tolerances import TOLERANCES

RECORD = "ledger"  # the key of the machine-readable record in the metadata of the report's output


def _plain(name: str, value: object) -> bool | int | float | list:
    """The value as plain Python: int, float, bool, or nested lists of them."""
    if isinstance(value, int | float) and not isinstance(value, np.generic):  # as np.float64 is
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

    ``Ledger("dynamics", globals())`` takes the chapter's papermill parameters, whose names its file
    of expected numbers gives, from the notebook; they can be given one by one instead. Formulas,
    and entries marked ``any_parameters``, are compared whatever the parameters; other numbers hold
    for the defaults only and are otherwise reported as not compared. Raises LedgerError when the
    file or the parameter names are wrong.
    """

    def __init__(self, chapter: str, namespace: Mapping | None = None, /, **parameters: object) -> None:
        self.chapter = chapter
        self.path = expected_file(chapter)
        expected = read_expected(chapter)
        if namespace is not None:
            parameters = {n: namespace[n] for n in expected["parameters"] if n in namespace} | parameters
        self.parameters = {name: _tidy(value) for name, value in parameters.items()}
        if set(parameters) != set(expected["parameters"]):
            raise LedgerError(
                f"chapter {chapter!r} has the parameters {sorted(parameters)}, "
                f"but {self.path} holds for {sorted(expected['parameters'])}"
            )
        self.default = self.parameters == expected["parameters"]
        self._numbers = expected["numbers"]
        self._records = expected["records"]
        self._rows: dict[str, Row] = {}

    def check(self, name: str, value: object) -> None:
        """Record a number and glue it for the prose.

        A deviation is not raised here but listed, with all others, by `report`. Raises
        LedgerError for a name of which nothing is expected, a name checked before, and what is no number.
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
        if "of" in self._numbers[name]:
            raise LedgerError(f"{name!r} is compared when {self._numbers[name]['of']!r} is checked")
        plain = _plain(name, value)
        for each, entry in self._numbers.items():
            if each == name or entry.get("of") == name:
                self._rows[each] = self._row(each, plain)
        shell = get_ipython()
        if shell is not None and all(math.isfinite(leaf) for leaf in leaves(plain)):
            from myst_nb import glue

            glue(name, plain, display=False)
            if isinstance(plain, list) and len(plain) <= 8:  # prose may quote one entry, as name[0]
                for place, entry in enumerate(plain):
                    glue(f"{name}[{place}]", entry, display=False)

    def _row(self, name: str, here: bool | int | float | list) -> Row:
        """One line of the report: the two values, their deviation and what it means."""
        entry = self._numbers[name]
        tolerance = TOLERANCES[entry["tolerance"]]
        if "formula" in entry:
            try:
                expected = map_leaves(lambda text: evaluate(text, self.parameters), entry["formula"])
            except LedgerError as error:
                raise LedgerError(f"{self.path}, number {name!r}: {error}") from None
        else:
            expected = entry["value"]
        row = _described(name, entry, NOT_COMPARED)
        row["here"], row["expected"] = here, expected
        if not self.default and "value" in entry and not entry.get("any_parameters"):
            return row
        if not all(math.isfinite(leaf) for leaf in leaves(here) + leaves(expected)):
            row["status"] = UNDEFINED if "formula" in entry and not self.default else NOT_FINITE
            return row
        deviation = math.inf
        if shape_of(here) == shape_of(expected):
            places = zip(leaves(here), leaves(expected), by_leaf(entry, len(leaves(here))), strict=True)
            deviation = max(tolerance.deviation(h, e, needs) for h, e, needs in places)
        row["deviation"], row["status"] = deviation, MATCH if deviation <= 1 else MISMATCH
        return row

    def report(self) -> None:
        """Show every number beside the expected one.

        At the default parameters raises LedgerError if any does not hold: it lists each mismatch,
        each value that is not finite, and each expected number that the chapter never checked. At a
        reader's own parameters they are shown as such, and stand in the record under ``problems``.
        """
        rows = [*self._rows.values(), *self._never_checked()]
        problems = fingerprints.changed(self._records)
        problems += [_sentence(row) for row in rows if row["status"] in FAILED]
        record = {
            "chapter": self.chapter,
            "parameters": self.parameters,
            "default": self.default,
            "numbers": [_json_safe(row) for row in rows],
            "problems": problems,
        }
        text = as_text(rows)
        if get_ipython() is None:
            print(text)
        else:
            shown = {"text/plain": text, "text/html": as_html(rows)}
            display(shown, raw=True, metadata={RECORD: record})
        if problems and self.default:
            total = len(self._numbers)
            listing = "".join(f"\n  - {problem}" for problem in problems)
            raise LedgerError(
                f"{len(problems)} of the {total} numbers of chapter {self.chapter!r} do not hold:{listing}"
            )

    def _never_checked(self) -> list[Row]:
        """A row for each expected number that the chapter did not pass to `check`."""
        missing = {name: entry for name, entry in self._numbers.items() if name not in self._rows}
        return [_described(name, entry, NEVER_CHECKED) for name, entry in missing.items()]


def _described(name: str, entry: dict, status: str) -> Row:
    """A row of the report as far as the entry gives it."""
    tolerance = TOLERANCES[entry["tolerance"]]
    return {
        "name": name,
        "of": entry.get("of"),
        "here": None,
        "expected": entry.get("value"),
        "tolerance": entry["tolerance"],
        "one_sided": tolerance.one_sided,
        "rule": tolerance.rule,
        "kind": kind_of(entry),
        "set": entry.get("set"),
        "source": entry["source"],
        "formula": entry.get("formula"),
        "deviation": None,
        "status": status,
    }


def by_leaf(entry: dict, count: int) -> list[dict]:
    """What the tolerance needs, for each number of the value: given once for all, or for each."""
    given = {key: leaves(entry[key]) for key in TOLERANCES[entry["tolerance"]].needs}
    return [{key: found[i % len(found)] for key, found in given.items()} for i in range(count)]


def _tidy(parameter: object) -> object:
    """A parameter as plain Python, tuples as the lists YAML would give."""
    if isinstance(parameter, np.generic | np.ndarray):
        return parameter.tolist()
    return [_tidy(item) for item in parameter] if isinstance(parameter, list | tuple) else parameter


def _json_safe(row: Row) -> dict:
    """JSON has no nan and no infinity: they become text."""

    def leaf(value: object) -> object:
        odd = isinstance(value, float) and not math.isfinite(value)
        return str(value) if odd else value

    return {key: map_leaves(leaf, value) for key, value in row.items()}


def _sentence(row: Row) -> str:
    if row["status"] == NEVER_CHECKED:
        return f"{row['name']}: {NEVER_CHECKED}"
    comparison = f"{row['name']}: here {show(row['here'])}, expected {show(row['expected'])}"
    if row["status"] == NOT_FINITE:
        return f"{comparison}, which is not finite"
    if shape_of(row["here"]) != shape_of(row["expected"]):
        return f"{comparison}, arrays of different shapes"
    return (
        f"{comparison}; {show(row['deviation'])} times the tolerance "
        f"{row['tolerance']} ({row['rule']}). Source of the expected number: {row['source']}"
    )
