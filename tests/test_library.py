"""The page "Library": every module that it names can be read, and docstrings stay plain text."""

import importlib
import re

import pytest

from lib.book.docstrings import plain
from lib.book.pages.library import library_page

MODULES = re.findall(r"automodule:: (\S+)", library_page())


@pytest.mark.parametrize("name", MODULES)
def test_every_module_of_the_library_can_be_imported(name):
    assert importlib.import_module(name).__doc__


def test_the_library_has_its_rooms():
    assert {"lib.linear.theory", "lib.checks.ledger", "lib.plotting"} <= set(MODULES)


def test_a_docstring_keeps_its_signs_and_its_code():
    lines = plain("The norm ‖x‖ of W*, a|b and x_ with `code_` in it,\n    over two lines.\n\nNext.")
    assert lines[0] == r"The norm ‖x‖ of W\*, a\|b and x\_ with \ ``code_``\  in it, over two lines."
    assert lines[2] == "Next."


def test_formulas_one_below_the_other_stay_so():
    lines = plain("Two steps:\n\n    W = 1      one\n    V = W*     two\n\nNext.")
    assert lines[2:6] == [".. code-block:: text", "", "   W = 1      one", "   V = W*     two"]
    assert lines[6:8] == ["", "Next."]
