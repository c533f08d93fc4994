"""How an executed notebook is read: the argument and its output first, the comparisons folded below."""

from lib.book.notebooks import apart, fold

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
    argument, checks = apart(cell)
    kept = COMPUTES.replace('ledger.check(\n    "values", values\n)\n', "")
    assert argument["source"] == kept
    assert argument["outputs"] == ("a table",)
    assert checks["source"] == 'ledger.check(\n    "values", values\n)'
    assert checks["outputs"] == []
    assert checks["id"] != argument["id"]
    fold(argument)
    fold(checks)
    assert argument["metadata"]["tags"] == []
    assert checks["metadata"]["tags"] == ["hide-input"]
    assert checks["metadata"]["mystnb"]["code_prompt_show"] == "Checks of these numbers"


def test_all_other_cells_stay_whole():
    for cell in (
        code("a = 1\na"),
        code(COMPUTES, "hide-input"),
        code('ledger.check("a", 1)'),
        code("%time f()\nledger.check('a', 1)"),
        {"cell_type": "markdown", "metadata": {}, "source": 'ledger.check("a", 1)'},
    ):
        assert apart(cell) == [cell]
