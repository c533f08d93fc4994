"""The page "Library": every module that it names can be read, and docstrings stay plain text."""

import importlib
import inspect
import io
import re

import pytest
from docutils.core import publish_doctree

from lib.book.docstrings import plain, sign
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


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("P = 2**n_x, so 0..2**n_x.", "P\u00a0=\u00a02<sup>n_x</sup>, so 0..2<sup>n_x</sup>."),
        ("W Σ^{yx} and Σ^x.", "W Σ<sup>yx</sup> and Σ<sup>x</sup>."),
        ("ρ^{p−1}/P e^{−2λt/τ}", "ρ<sup>p−1</sup>/P e<sup>−2λt/τ</sup>"),
        ("(r/P)^{1/(p−1)}: |w|^(p−1)", "(r/P)<sup>1/(p−1)</sup>: |w|<sup>p−1</sup>"),
        ("|w|^p/p, (WWᵀ)^½", "|w|<sup>p</sup>/p, (WWᵀ)<sup>½</sup>"),
        ("what n_x >= 1 and a <= b", "what n_x\u00a0≥\u00a01 and a\u00a0≤\u00a0b"),
        ("as 1 < p < ∞, r = ρ", "as 1\u00a0<\u00a0p\u00a0<\u00a0∞, r\u00a0=\u00a0ρ"),
        ("learning_rate = ε, 1 = (τ/2λ)ln x", "learning_rate = ε, 1 = (τ/2λ)ln x"),
        ("`2**n_x >= 1`, Σ^x_", "<code>2**n_x >= 1</code>, Σ<sup>x_</sup>"),
        ("*args, **kwargs, a*b*c", "*args, **kwargs, a*b*c"),
        ("at https://a.org/b_c (there)", "at <a>https://a.org/b_c</a> (there)"),
    ],
)
def test_formulas_in_prose_are_set(written, read):
    messages = io.StringIO()
    document = publish_doctree("\n".join(plain(written)), settings_overrides={"warning_stream": messages})
    tags = {"superscript": "sup", "literal": "code", "reference": "a", "#text": None}
    parts = ((tags[node.tagname], node.astext()) for node in document[0].children)
    assert "".join(f"<{tag}>{text}</{tag}>" if tag else text for tag, text in parts) == read
    assert not messages.getvalue()


def signed(what, signature, returned=None):
    return sign(None, what, "name", None, None, signature, returned)


def test_a_signature_names_types_without_their_package():
    found = signed("function", "(x: np.ndarray | ~numpy.typing.A = 'np')", "numpy.ndarray")
    assert found == ("(x: ndarray | ~numpy.typing.A = 'np')", "ndarray")
    assert signed("data", None) == (None, None)


@pytest.mark.parametrize("signature", ["(*args, **kwargs)", "(*args: ~typing.Any, **kwargs: ~typing.Any)"])
def test_a_class_without_arguments_of_its_own_shows_none(signature):
    assert signed("class", signature) == ("", None)
    assert signed("function", signature) == (signature, None)
    assert signed("class", "(x: int, *args, **kwargs)")[0] == "(x: int, *args, **kwargs)"


def test_every_part_of_the_page_begins_with_links_to_its_modules():
    page = library_page()
    linked = re.findall(r"{py:mod}`[^<`]+ <([^>]+)>`", page)
    assert linked == MODULES
    assert " ·" not in page
    assert "{ref}`genindex`" in page


def test_every_class_of_the_page_is_described():
    for name in MODULES:
        for key, value in vars(importlib.import_module(name)).items():
            if inspect.isclass(value) and value.__module__ == name and not key.startswith("_"):
                assert value.__doc__, f"{name}.{key}"
                assert not value.__doc__.startswith(f"{key}("), f"{name}.{key} has only what Python wrote"
