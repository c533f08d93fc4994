"""The ledger: every status a number can have, and every way to use it wrongly."""

import math
from fractions import Fraction

import numpy as np
import pytest
import yaml

from lib.checks.fingerprints import fingerprint
from lib.checks.ledger import Ledger, LedgerError
from lib.checks.tables import (
    MATCH,
    MISMATCH,
    NEVER_CHECKED,
    NOT_COMPARED,
    NOT_FINITE,
    UNDEFINED,
    as_html,
    cells,
    show,
    written,
)
from lib.checks.tolerances import TOLERANCES

DEFAULTS = {"n_x": 3, "k_x": 2, "k_y": 1, "r": 2.0, "widths": [1, 2]}
NUMBERS = {
    "closed": {"formula": "sqrt((P + a) * (P + b)) / P", "tolerance": "exact", "source": "closed form"},
    "fixed": {"value": 35.2, "tolerance": "rise_time", "source": "authors' published script"},
    "always": {"value": 0, "tolerance": "exact", "any_parameters": True, "source": "closed form"},
}
CLOSED = math.sqrt((8 + 8) * (8 + 4)) / 8


@pytest.fixture(autouse=True)
def write(tmp_path, monkeypatch):
    """Writes tests/expected/demo.yml anew, and points the ledger to it."""
    monkeypatch.setenv("BOOK_EXPECTED", str(tmp_path))

    def write(numbers=NUMBERS, parameters=DEFAULTS):
        content = {"parameters": parameters, "numbers": numbers}
        (tmp_path / "demo.yml").write_text(yaml.safe_dump(content), encoding="utf-8")

    write()
    return write


def entry(**changes):
    return {"x": {"value": 1.0, "tolerance": "exact", "source": "closed form"} | changes}


def statuses(ledger):
    return {name: row["status"] for name, row in ledger._rows.items()}


def one(write, here, **changes):
    """The row of a single number at the default parameters."""
    write(entry(**changes))
    ledger = Ledger("demo", **DEFAULTS)
    ledger.check("x", here)
    return ledger._rows["x"]


def test_all_match(capsys):
    ledger = Ledger("demo", **DEFAULTS)
    ledger.check("closed", np.float64(CLOSED))
    ledger.check("fixed", 40)
    ledger.check("always", 1e-12)
    ledger.report()
    table = capsys.readouterr().out
    assert table.count("match") == 3
    assert "published script" in table


def test_report_lists_every_mismatch_and_every_unchecked_number():
    ledger = Ledger("demo", **DEFAULTS)
    ledger.check("closed", CLOSED + 1e-6)
    ledger.check("fixed", math.nan)
    with pytest.raises(LedgerError) as error:
        ledger.report()
    told = str(error.value)
    assert "3 of the 3 numbers" in told
    assert "closed: here 1.73205180757, expected 1.73205080757" in told
    assert "fixed: here nan, expected 35.2, which is not finite" in told
    assert "always: expected but never checked" in told


def test_other_parameters():
    ledger = Ledger("demo", **DEFAULTS | {"r": 1.0})
    ledger.check("closed", math.sqrt((8 + 2) * (8 + 1)) / 8)
    ledger.check("fixed", 1000.0)
    ledger.check("always", 0)
    assert statuses(ledger) == {
        "closed": MATCH,
        "fixed": NOT_COMPARED,
        "always": MATCH,
    }
    ledger.report()


def test_closed_forms_that_fail_under_other_parameters_are_shown_and_recorded(capsys):
    ledger = Ledger("demo", **DEFAULTS | {"r": 1.0})
    ledger.check("closed", CLOSED)
    assert set(statuses(ledger).values()) == {MISMATCH}
    ledger.report()
    table = capsys.readouterr().out
    assert table.count(MISMATCH) == 1
    assert table.count(NEVER_CHECKED) == 2


def test_the_parameters_come_from_the_notebook_by_their_names_in_the_file():
    ledger = Ledger("demo", DEFAULTS | {"unrelated": 1})
    assert ledger.parameters == DEFAULTS
    assert ledger.default
    with pytest.raises(LedgerError, match="holds for"):
        Ledger("demo", {"n_x": 3})


@pytest.mark.parametrize("formula", ["1 / k_y", "log(k_y)", "(-k_x) ** 0.5 / k_y", "(k_y - 1) ** 0.5"])
def test_undefined_formula(write, formula):
    numbers = {"x": {"formula": formula, "tolerance": "exact", "source": "closed form"}}
    write(numbers)
    ledger = Ledger("demo", **DEFAULTS | {"k_y": 0})
    ledger.check("x", math.nan)
    assert statuses(ledger) == {"x": UNDEFINED}
    ledger.report()


def test_not_finite_at_the_defaults_fails(write):
    write({"x": {"formula": "1 / 0", "tolerance": "exact", "source": "closed form"}})
    ledger = Ledger("demo", **DEFAULTS)
    ledger.check("x", math.nan)
    with pytest.raises(LedgerError, match="not finite"):
        ledger.report()


def test_not_finite_fails_where_it_holds_for_any_parameters():
    ledger = Ledger("demo", **DEFAULTS | {"r": 1.0})
    ledger.check("always", math.nan)
    assert statuses(ledger) == {"always": NOT_FINITE}


@pytest.mark.parametrize(
    ("tolerance", "expected", "inside", "outside"),
    [
        ("exact", 5.0, 5 + 4e-9, 5 + 6e-9),
        ("exact", 0.0, 9e-10, 1.1e-9),
        ("exact", 1e-6, 1e-6 + 9e-16, 1e-6 + 2e-15),
        ("solver", 0.0, 1.9e-6, 2.1e-6),
        ("rerun", -2.0, -2 - 1.9e-5, -2 - 2.1e-5),
        ("recorded", 2.0, 2 + 1.9e-6, 2 + 2.1e-6),
        ("count", 3, 3, 3.0001),
        ("printed", 100.0, 100 + 9e-7, 100 + 1.1e-6),
        ("printed", 0.0, 9e-13, 1.1e-12),
        ("recorded_asymptote", -2.0, -2.0019, -2.0021),
        ("rise_time", 10.0, 12.4, 12.6),
        ("settled", 10.0, 10.09, 10.11),
        ("sampled", 0.5, 0.539, 0.541),
        ("asymptotic", 10.0, 10.4, 10.6),
        ("at_most", 10.0, -50.0, 10.1),
        ("at_least", 10.0, 50.0, 9.9),
    ],
)
def test_every_tolerance(write, tolerance, expected, inside, outside):
    error = {"sampled": {"standard_error": 0.01}, "solver": {"rtol": 1e-11, "atol": 1e-11}}
    for here, status in ((expected, "match"), (inside, "match"), (outside, MISMATCH)):
        row = one(write, here, tolerance=tolerance, value=expected, **error.get(tolerance, {}))
        assert row["status"] == status


def test_every_tolerance_is_tested():
    kinds = test_every_tolerance.pytestmark[0].args[1]
    assert {kind for kind, *_ in kinds} == set(TOLERANCES)


def test_arrays_deviate_as_much_as_their_worst_number(write):
    row = one(write, np.array([[1.0, 2.5], [3, 4]]), value=[[1, 2], [3, 4]], tolerance="rise_time")
    assert row["deviation"] == pytest.approx(1.0)
    assert one(write, [1.0, 2.0], value=[1, 2, 3])["status"] == MISMATCH
    assert one(write, 1.0, value=[1])["status"] == MISMATCH


def test_each_number_of_an_array_can_have_its_own_standard_error(write):
    given = {"value": [1.0, 1.0], "tolerance": "sampled", "standard_error": [0.1, 0.001]}
    assert one(write, [1.3, 1.003], **given)["status"] == MATCH
    assert one(write, [1.3, 1.005], **given)["status"] == MISMATCH


def test_formulas_in_a_list(write):
    write({"x": {"formula": ["P", "comb(n_x, 2)"], "tolerance": "count", "source": "closed form"}})
    ledger = Ledger("demo", **DEFAULTS)
    ledger.check("x", np.array([8, 3]))
    ledger.report()


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.int64(1), 1),
        (Fraction(1), 1.0),
        (True, True),
        (np.ones(1)[0], 1.0),
        ([Fraction(1)], [1.0]),
    ],
)
def test_values_become_plain(write, value, plain):
    write(entry(value=[1]) if isinstance(plain, list) else entry())
    ledger = Ledger("demo", **DEFAULTS)
    ledger.check("x", value)
    result = ledger._rows["x"]["here"]
    assert result == plain
    assert type(result) is type(plain)


def test_a_tensor_becomes_plain(write):
    torch = pytest.importorskip("torch")
    write(entry(value=[1, 1]))
    ledger = Ledger("demo", **DEFAULTS)
    ledger.check("x", torch.ones(2))
    assert ledger._rows["x"]["here"] == [1.0, 1.0]


@pytest.mark.parametrize("value", ["1", None, {"a": 1}, 1j, [], np.array(["a"]), object()])
def test_what_is_no_number_is_refused(write, value):
    write(entry())
    with pytest.raises(LedgerError, match="'x'"):
        Ledger("demo", **DEFAULTS).check("x", value)


def test_unknown_number_names_the_file_and_its_neighbours():
    with pytest.raises(LedgerError, match=r"'fixd' \(near it: fixed\).*demo\.yml with its source"):
        Ledger("demo", **DEFAULTS).check("fixd", 1)


def test_a_number_is_checked_once():
    ledger = Ledger("demo", **DEFAULTS)
    ledger.check("always", 0)
    with pytest.raises(LedgerError, match="checked once"):
        ledger.check("always", 0)


def test_parameters_are_those_of_the_file():
    with pytest.raises(LedgerError, match="holds for"):
        Ledger("demo", n_x=3)
    assert not Ledger("demo", **DEFAULTS | {"widths": [1, 3]}).default
    assert Ledger("demo", **DEFAULTS | {"widths": (1, 2), "n_x": np.int64(3)}).default


def test_a_chapter_without_a_file():
    with pytest.raises(LedgerError, match=r"nowhere\.yml does not exist"):
        Ledger("nowhere")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tolerance": "roughly"}, "'roughly' is not one of exact"),
        ({"source": " "}, "source is missing"),
        ({"formula": "P"}, "exactly one of value and formula"),
        ({"colour": "red"}, r"unknown keys \['colour'\]"),
        ({"tolerance": "sampled"}, "needs standard_error"),
        ({"standard_error": 0.1}, "has no standard_error"),
        ({"tolerance": "sampled", "standard_error": 0}, "positive"),
        ({"tolerance": "sampled", "standard_error": [0.1]}, "another shape"),
        ({"tolerance": "solver", "rtol": 1e-9}, "needs atol"),
        ({"source": "the finding, its sign"}, "no claim is the source"),
        ({"source": "closed form; the chapter's claim"}, "no claim is the source"),
        ({"source": "somebody said so"}, "say the kind"),
        ({"tolerance": "at_most", "source": "second route"}, "one-sided"),
        ({"of": "y"}, "no number of this file"),
        ({"of": "x"}, "no number of this file"),
        ({"kind": "hearsay"}, "'hearsay' is not one of closed form"),
        ({"kind": "limit"}, "when it was set"),
        ({"kind": "closed form", "set": "after"}, "nothing else"),
        ({"kind": "limit", "set": "later"}, "before or after"),
        ({"value": "1e-3"}, "write 1.0e-3"),
        ({"value": []}, "not finite numbers"),
        ({"value": math.nan}, "not finite numbers"),
    ],
)
def test_a_wrong_entry_is_refused(write, changes, told):
    write(entry(**changes))
    with pytest.raises(LedgerError, match=told):
        Ledger("demo", **DEFAULTS)


@pytest.mark.parametrize("formula", ["n_z + 1", "sin(1)", "1 +", "'a' + 1"])
def test_a_wrong_formula_is_refused(write, formula):
    write({"x": {"formula": formula, "tolerance": "exact", "source": "closed form"}})
    with pytest.raises(LedgerError, match="it may use"):
        Ledger("demo", **DEFAULTS).check("x", 1.0)


@pytest.mark.parametrize("text", ["[]", "numbers: {}", "numbers: {x: 1}", "chapter: x"])
def test_a_wrong_file_is_refused(tmp_path, text):
    (tmp_path / "demo.yml").write_text(text, encoding="utf-8")
    with pytest.raises(LedgerError):
        Ledger("demo")


def test_a_name_given_twice_is_refused(tmp_path):
    line = "  x: {value: 1, tolerance: exact, source: closed form}\n"
    (tmp_path / "demo.yml").write_text(f"numbers:\n{line}{line}", encoding="utf-8")
    with pytest.raises(LedgerError, match="twice"):
        Ledger("demo")


def test_entries_can_share_what_they_have_in_common(tmp_path):
    text = """numbers:
      x: &common {value: 1, tolerance: exact, source: closed form}
      y: {<<: *common, value: 2}
    """
    (tmp_path / "demo.yml").write_text(text, encoding="utf-8")
    ledger = Ledger("demo")
    ledger.check("x", 1)
    ledger.check("y", 2)
    ledger.report()


def test_a_second_entry_compares_the_same_number_with_its_limit(write):
    limit = {"of": "x", "value": 0.5, "tolerance": "at_most", "kind": "limit", "set": "before", "source": "s"}
    write(entry() | {"x_limit": limit})
    ledger = Ledger("demo", **DEFAULTS)
    ledger.check("x", 1.0)
    assert statuses(ledger) == {"x": MATCH, "x_limit": MISMATCH}
    assert ledger._rows["x_limit"]["here"] == 1.0
    with pytest.raises(LedgerError, match="when 'x' is checked"):
        Ledger("demo", **DEFAULTS).check("x_limit", 1.0)


@pytest.mark.parametrize(
    ("before", "after", "holds"),
    [('{"a": 1.2345}', '{"a": 1.2346}', False), ('{"a": 1.2345}', '{ "a":\n1.2345}', True)],
)
def test_a_record_in_which_a_digit_changes_stops_the_report(tmp_path, monkeypatch, before, after, holds):
    monkeypatch.setenv("BOOK_RESULTS", str(tmp_path))
    record = tmp_path / "run.json"
    record.write_text(before, encoding="utf-8")
    content = {"records": {"run.json": fingerprint(record)}, "numbers": entry()}
    (tmp_path / "demo.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    record.write_text(after, encoding="utf-8")
    ledger = Ledger("demo")
    ledger.check("x", 1.0)
    if holds:
        ledger.report()
    else:
        with pytest.raises(LedgerError, match=r"results/run\.json: here"):
            ledger.report()


def test_a_record_that_is_missing_stops_the_report(tmp_path, monkeypatch):
    monkeypatch.setenv("BOOK_RESULTS", str(tmp_path))
    content = {"records": {"run.json": "0" * 12}, "numbers": entry()}
    (tmp_path / "demo.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    ledger = Ledger("demo")
    ledger.check("x", 1.0)
    with pytest.raises(LedgerError, match="no file"):
        ledger.report()


ROW = {"name": "x", "here": 1.0, "expected": [1.0] * 5, "tolerance": "exact", "kind": None}
ROW |= {"status": MATCH, "source": "<a & b>", "deviation": math.inf}


@pytest.mark.parametrize(
    ("statuses", "summary", "opened"),
    [
        ([MATCH], "1 number, all match", False),
        ([MATCH] * 3, "3 numbers, all match", False),
        ([MATCH, MISMATCH, MATCH], "3 numbers: 2 match; 1 MISMATCH", True),
        ([MATCH, NOT_COMPARED], f"2 numbers: 1 match; 1 {NOT_COMPARED}", False),
    ],
)
def test_the_table_is_folded_under_its_sum_unless_a_number_failed(statuses, summary, opened):
    page = as_html([ROW | {"status": status} for status in statuses])
    assert f"<summary>{summary}</summary>" in page
    assert ('<details class="numbers" open>' in page) == opened
    assert page.count("<tr") == 1 + len(statuses)


def test_html_is_escaped():
    page = as_html([ROW | {"expected": [1.0] * 6}])
    assert "&lt;a &amp; b&gt;" in page
    assert "∞ × exact" in page
    assert "[1, 1, 1, … (6 numbers)]" in page


def test_a_short_list_is_shown_whole_and_a_large_number_by_its_power():
    assert show([1, 2, 3, 4, 5]) == "[1, 2, 3, 4, 5]"
    assert show(63963095040000000, 6) == "6.39631e+16"
    assert show(999999, 6) == "999999"


@pytest.mark.parametrize(
    ("kind", "when", "source", "told"),
    [
        ("closed form", None, "closed form, three rows", "closed form: three rows"),
        ("closed form", None, "theorem of this chapter", "closed form: theorem of this chapter"),
        ("own record", None, "record of a run of ours", "own record: a run of ours"),
        ("limit", "after", "limit of a tenth", "limit, set after the record was seen: a tenth"),
        ("limit", "before", "limit, the bar", "limit, set before the record was seen: the bar"),
        (None, None, "whoever", "whoever"),
    ],
)
def test_a_source_begins_with_its_kind_and_says_it_once(kind, when, source, told):
    assert cells(ROW | {"kind": kind, "set": when, "source": source})[-1] == told


@pytest.mark.parametrize(
    ("machine", "written_"),
    [
        ("1.6e-04", "1.6\u202f·\u202f10⁻⁴"),
        ("1e-04", "10⁻⁴"),
        ("-2.5e-17", "−2.5\u202f·\u202f10⁻¹⁷"),
        ("6e+16", "6\u202f·\u202f10¹⁶"),
        ("0e+00", "0"),
        ("-0.13", "−0.13"),
        ("8.6%", "8.6\u202f%"),
        ("dense", "dense"),
    ],
)
def test_numbers_in_a_text_are_written_as_one_writes_them(machine, written_):
    assert written(machine) == written_
