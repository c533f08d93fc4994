"""How an executed notebook is read: the argument and its output first, the comparisons folded below."""

import pytest

from lib.book.notebooks import fold, parts, raised

COMPUTES = """values = [run(n) for n in sizes]

ledger.check(
    "values", values
)
for name in ("a", "b"):
    ledger.check(name, values)
pd.DataFrame(values)"""


def code(source, *tags, outputs=("a table",)):
    return {
        "cell_type": "code",
        "id": "x",
        "metadata": {"tags": [*tags]},
        "source": source,
        "outputs": outputs,
    }


def test_comparisons_leave_the_cell_that_computes():
    cell = code(COMPUTES)
    argument, checks = parts(cell)
    assert argument["source"] == "values = [run(n) for n in sizes]\n\npd.DataFrame(values)"
    assert argument["outputs"] == ("a table",)
    assert checks["source"] == "\n".join(COMPUTES.splitlines()[2:7])
    assert checks["outputs"] == []
    assert checks["id"] != argument["id"]
    fold(argument)
    fold(checks)
    assert argument["metadata"]["tags"] == []
    assert checks["metadata"]["tags"] == ["hide-input"]
    assert checks["metadata"]["mystnb"]["code_prompt_show"] == "Checks of these numbers"


LOOPS = """values = run()
for name, value in values.items():
    size = len(value)
    ledger.check(name, size)
for name, value in values.items():
    last = value[-1]
    ledger.check(name, last)
print(last)
total = sum(values)
total + 1"""


def test_a_loop_of_comparisons_leaves_it_too_unless_what_it_finds_is_used():
    argument, checks = parts(code(LOOPS))
    assert checks["source"] == "\n".join(LOOPS.splitlines()[1:4])
    assert argument["source"] == "\n".join([LOOPS.splitlines()[0], *LOOPS.splitlines()[4:]])


@pytest.mark.parametrize(
    "source",
    [
        "rows = {}\nfor n in sizes:\n    rows[n] = run(n)\n    ledger.check(n, rows[n])\npd.DataFrame(rows)",
        "rows = []\nfor n in sizes:\n    rows.append(n)\n    ledger.check(n, rows[-1])\nrows",
        "ledger.check('first', mean)\nmean = again()\nother = mean + 1\nmean",
        "ledger.check('first', rows)\nrows.append(2)\nother = 1\nrows",
    ],
)
def test_what_fills_a_table_or_reads_a_name_that_changes_stays_in_its_place(source):
    assert parts(code(source)) == [code(source)]


def test_the_names_of_a_comprehension_are_its_own():
    argument, checks = parts(code("a = run()\nledger.check('a', [n for n in a])\nb = [n for n in a]\nsum(b)"))
    assert checks["source"].startswith("ledger")
    assert "ledger" not in argument["source"]


def test_an_exponent_is_raised():
    assert [str(node) for node in raised("6.2\u202f·\u202f10⁻⁵")] == [
        "6.2\u202f·\u202f10",
        "<superscript>−5</superscript>",
    ]
    assert [str(node) for node in raised("0.25")] == ["0.25"]


def test_all_other_cells_stay_whole():
    for cell in (
        code("a = 1\na"),
        code(COMPUTES, "hide-input"),
        code('ledger.check("a", 1)'),
        code("%time f()\nledger.check('a', 1)"),
        {"cell_type": "markdown", "metadata": {}, "source": 'ledger.check("a", 1)'},
    ):
        assert parts(cell) == [cell]
