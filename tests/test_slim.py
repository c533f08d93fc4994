"""Pages without marks that nothing reads: what is seen, linked and pointed to stays."""

import pytest
from bs4 import BeautifulSoup

from lib.book.pdf import PLACE
from lib.book.slim import like_text, slim

CSS = """
html[data-theme="light"] .highlight { background: #fefefe; color: #080808 }
html[data-theme="light"] .highlight .n { color: #080808 } /* Name */
html[data-theme="light"] .highlight .p { color: #080808 } /* Punctuation */
html[data-theme="light"] .highlight .k { color: #6730C5 } /* Keyword */
html[data-theme="dark"] .highlight { background: #2b2b2b; color: #F8F8F2 }
html[data-theme="dark"] .highlight .n { color: #F8F8F2 } /* Name */
html[data-theme="dark"] .highlight .p { color: #FFD900 } /* Punctuation */
html[data-theme="dark"] .highlight .k { color: #DCC6E0 } /* Keyword */
"""
PAGE = """<table><tr class="row-odd"><td class="text-left"><p>one <em>word</em></p></td>
<td><p>two</p><p>three</p></td></tr></table>
<pre><span class="k">for</span>
<a class="sphinx-codeautolink-a" href="x#lib.a.b" title="lib.a.b"><span class="n">b</span></a>
<span class="p">(</span>1 &lt; 2</pre>
<code class="docutils literal notranslate" id="here"><span class="pre">a</span> <span class="pre">b</span></code>
<a href="#other" title="says more">it</a>"""


def test_only_what_looks_like_text_on_both_grounds_is_plain():
    assert like_text(CSS) == {"n"}
    assert like_text(CSS.replace("#FFD900", "#F8F8F2")) == {"n", "p"}


def test_marks_go_and_everything_else_stays():
    made = slim(PAGE, {"n"})
    before, after = (BeautifulSoup(text, "html.parser") for text in (PAGE, made))
    assert after.get_text().split() == before.get_text().split()
    assert after.pre.get_text() == before.pre.get_text()
    assert [tag["id"] for tag in after.find_all(id=True)] == ["here"]
    assert [tag["href"] for tag in after.find_all("a")] == [tag["href"] for tag in before.find_all("a")]
    for mark in ('class="n"', 'class="pre"', 'class="row-', "docutils literal", 'title="lib.a.b"'):
        assert mark in PAGE
        assert mark not in made
    for kept in ('<span class="k">for</span>', '<span class="p">(</span>', 'title="says more"', "&lt;"):
        assert kept in made
    cells = [str(cell) for cell in after.find_all("td")]
    assert cells == ['<td class="text-left">one <em>word</em></td>', "<td><p>two</p><p>three</p></td>"]


def test_lines_lose_their_indent_and_remarks_but_code_and_the_place_of_the_pdf_stay():
    code = "<pre>for i:\n\n    <!-- kept -->\n    i</pre>"
    script = "<script>\n  let a = 1;\n</script>"
    page = f"<div>\n\n    <p>one\n    two</p>  <!-- a\n remark -->\n  {code}\n  {script}\n  {PLACE}\n</div>"
    made = slim(page, set())
    assert made == f"<div>\n<p>one\ntwo</p>\n{code}\n{script}\n{PLACE}\n</div>"


@pytest.mark.parametrize("page", ["", "<p>plain</p>", PAGE])
def test_a_slim_page_stays_as_it_is(page):
    assert slim(slim(page, {"n"}), {"n"}) == slim(page, {"n"})


def test_a_number_stays_on_the_line_of_its_word():
    page = """<p>See <a class="reference internal" href="a#b"><span class="std std-ref">Lemma 1.3</span></a>,
chapter <a class="reference internal" href="c"><span class="std std-ref">4</span></a> and
(<a href="#d">Jarvis <em>et al.</em>, 2023</a>).</p>
<p class="admonition-title">Solution to<a class="reference internal" href="#ex"> Exercise 1.1</a></p>
<pre>Lemma 1, et al.</pre>"""
    made = slim(page, set())
    for together in ("Lemma\u00a01.3", "chapter\u00a0<a", "et\u00a0al."):
        assert together in made
    assert 'Solution to <a class="reference internal" href="#ex">Exercise\u00a01.1</a>' in made
    assert "<pre>Lemma 1, et al.</pre>" in made


def test_a_fold_that_says_the_same_open_and_closed_says_it_once():
    page = '<p class="collapsed admonition-title">{}</p>\n<p class="expanded admonition-title">{}</p>'
    assert slim(page.format("Set-up", "Set-up"), set()) == '<p class="admonition-title">Set-up</p>'
    assert slim(page.format("Show", "Hide"), set()).count("<p") == 2


def test_boxes_of_one_kind_do_not_share_a_name():
    page = '<div class="proof admonition" id="proof"><section id="proof-content"><p id="own">x</p></section></div>'
    made = slim(2 * page, set())
    assert "proof-content" not in made
    assert 'id="proof"' not in made
    assert made.count('id="own"') == 2


@pytest.mark.parametrize(
    ("cell", "seen"),
    [
        ("-0.412", "−0.412"),
        ("≤\u00a0-0.3", "≤\u00a0−0.3"),
        ("[-0.5, 1e-05, -2]", "[−0.5, 1e−05, −2]"),
        ("2026-11-29", "2026-11-29"),
        ("≤\u00a0[-7e-15, 2]", "≤\u00a0[−7e−15, 2]"),
        ("4.4e-07 × exact", "4.4e−07 × exact"),
        ("well-known", "well-known"),
    ],
)
def test_a_minus_in_a_cell_of_numbers_has_its_own_sign(cell, seen):
    assert slim(f"<td>{cell}</td>", set()) == f"<td>{seen}</td>"


def test_an_option_of_a_command_is_not_torn_at_its_hyphen():
    code = '<code><span class="pre">python</span> <span class="pre">-m</span> <span class="pre">a-b</span></code>'
    assert slim(code, set()) == '<code>python <span class="pre">-m</span> a-b</code>'
