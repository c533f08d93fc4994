"""The built pages on a phone, on a desk, in the dark: figures, formulas, captions, numbers, ways to a formula."""

import re

import pytest
from bs4 import BeautifulSoup
from pictures import axes, faint, ground, texts

from lib import grounds
from lib.book.notebooks import measures
from lib.book.slides import page_of as slides_page
from lib.book.slides import slides_of
from tests.browser import HTML, tab

LEAST_LETTERING = 9.0  # CSS pixels
EDGES = """() => {
  const own = e => ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
  const scrolls = e => e && e !== document.body && (own(e) || scrolls(e.parentElement));
  const wide = document.documentElement.clientWidth + 1, lost = [];
  for (const formula of document.querySelectorAll(".bd-article mjx-container")) {
    if (!formula.checkVisibility()) continue;
    const parts = [formula, ...formula.querySelectorAll("mjx-mi, mjx-mo, mjx-mn")];
    const right = Math.max(...parts.map(e => e.getBoundingClientRect().right));
    if (right > wide && !scrolls(formula)) lost.push(`${formula.textContent.slice(0, 40)}: ${Math.round(right)}`);
  }
  return lost;
}"""
SIZES = """() => [...new Set([...document.querySelectorAll(".bd-article :is(p, div.math) mjx-container")]
  .filter(e => e.checkVisibility() && !e.closest("figcaption, table, h1, h2, h3, .sd-card, .admonition-title"))
  .map(e => Math.round(10 * parseFloat(getComputedStyle(e).fontSize)) / 10))]"""
SHOWN = """() => [...document.querySelectorAll(".bd-article figure .picture img")].filter(e => e.checkVisibility())
  .map(e => ({source: e.getAttribute("src").split("/").pop(), width: e.getBoundingClientRect().width,
              given: [e.getAttribute("width"), e.getAttribute("height")]}))"""
CHAPTERS = sorted(path.name for path in (HTML / "chapters").glob("*.html"))
WITH_TABLES = [n for n in CHAPTERS if "dataframe" in (HTML / "chapters" / n).read_text(encoding="utf-8")]
THREE = [name for name in CHAPTERS if name.startswith(("01_", "03_", "05_"))]


def page_of(book, browser, name, width, scheme="light"):
    opened = tab(browser, width=width, color_scheme=scheme)
    found = opened.__enter__()
    page = found.go(f"{book}/chapters/{name}")
    page.wait_for_function("document.documentElement.dataset.formulas === 'fit'")
    return opened, page


@pytest.fixture
def visit(book, browser):
    """Open a chapter: visit(name, width, scheme) -> page."""
    opened = []

    def open_(name, width=375, scheme="light"):
        context, page = page_of(book, browser, name, width, scheme)
        opened.append(context)
        return page

    yield open_
    for context in opened:
        context.__exit__(None, None, None)


def figures():
    """The figures of the book as files, light and dark."""
    return sorted(path for path in (HTML / "_images").glob("*.svg") if not path.stem.endswith("-dark"))


def test_every_figure_is_drawn_on_both_grounds_and_its_lines_stand_out():
    found = figures()
    assert len(found) > 30
    for light in found:
        dark = light.with_name(f"{light.stem}-dark.svg")
        texts = [path.read_text(encoding="utf-8") for path in (light, dark)]
        assert [ground(text) for text in texts] == [grounds.LIGHT, grounds.DARK], light.name
        assert [faint(text) for text in texts] == [[], []], light.name


def test_no_tick_of_a_figure_lies_between_two_counts():
    """Half an epoch, 2.5 modes: an axis that counts has whole numbers, or powers of ten from 1 on."""
    counts = re.compile(r"\b(epochs?|steps?|examples|modes?|features|networks|copies)\b")
    counted = 0
    for path in figures():
        for label, ticks in axes(path.read_text(encoding="utf-8")):
            if counts.search(label) and "per step" not in label:
                counted += 1
                between = [tick for tick in ticks if re.fullmatch(r"\d*\.\d+|.*10\^\{-\d+\}.*", tick)]
                assert not between, (path.name, label, between)
    assert counted > 20


def test_no_name_of_the_code_is_written_in_a_figure():
    code = re.compile(r"\w+_\w+|\b(sgd|adam|muon|l1|comp|noncomp)\b")
    for path in figures():
        words = [re.sub(r"\$.*?\$", "", text) for text in texts(path.read_text(encoding="utf-8"))]
        assert len(words) > 5, path.name
        assert not [text for text in words if code.search(text)], path.name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_shows_the_drawing_that_fits(visit, scheme):
    page = visit("03_dynamics.html", 1440, scheme)
    shown = [figure["source"] for figure in page.evaluate(SHOWN)]
    assert len(shown) >= 3
    assert all(name.endswith("-dark.svg") == (scheme == "dark") for name in shown)
    ground_of_page = page.evaluate("getComputedStyle(document.body).backgroundColor")
    expected = grounds.DARK if scheme == "dark" else grounds.LIGHT
    assert ground_of_page == "rgb({}, {}, {})".format(*(int(expected[i : i + 2], 16) for i in (1, 3, 5)))


@pytest.mark.parametrize("name", CHAPTERS)
def test_no_formula_is_cut_off_on_a_phone(visit, name):
    page = visit(name)
    assert page.evaluate(EDGES) == []


@pytest.mark.parametrize("name", THREE)
def test_formulas_have_one_size(visit, name):
    assert len(visit(name).evaluate(SIZES)) == 1


@pytest.mark.parametrize("name", CHAPTERS)
def test_lettering_can_be_read_on_a_phone_and_nothing_jumps(visit, name):
    shown = visit(name).evaluate(SHOWN)
    assert bool(shown) == bool(soup(name).select(".bd-article figure"))
    for figure in shown:
        width, height, lettering = measures(HTML / "_images" / figure["source"].replace("-dark", ""))
        assert figure["given"] == [f"{width:.0f}", f"{height:.0f}"]
        assert lettering * figure["width"] / width >= LEAST_LETTERING - 0.05, figure


@pytest.mark.parametrize("way", ["mouse", "key", "finger"])
def test_a_figure_opens_at_full_size(book, browser, way):
    with tab(browser, width=375, has_touch=True) as found:
        page = found.go(f"{book}/chapters/03_dynamics.html")
        page.wait_for_function("document.documentElement.dataset.formulas === 'fit'")
        link = page.locator("figure a.enlarge:visible").first
        if way == "key":
            link.focus()
            page.keyboard.press("Enter")
        else:
            link.click() if way == "mouse" else link.tap()
        picture = page.locator("dialog.viewer[open] img")
        picture.wait_for()
        assert picture.bounding_box()["width"] >= float(picture.get_attribute("width")) - 1
        larger = page.get_by_role("button", name="Larger")
        before = picture.bounding_box()["width"]
        larger.tap() if way == "finger" else larger.click()
        assert picture.bounding_box()["width"] > before
        assert larger.evaluate("e => getComputedStyle(e).maskImage") == "none"
        page.evaluate("document.activeElement.blur()")  # the keys work wherever the focus is
        page.keyboard.press("Escape")
        page.locator("dialog.viewer").wait_for(state="hidden")
        page.wait_for_function("e => e === document.activeElement", arg=link.element_handle())
        assert found.faults == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_figure_opens_and_gives_the_focus_back(visit, name):
    page = visit(name)
    viewer = page.locator("dialog.viewer")
    links = page.locator("figure a.enlarge:visible").all()
    assert bool(links) == bool(soup(name).select(".bd-article figure"))
    for link in links:
        link.focus()
        page.keyboard.press("Enter")
        picture = viewer.locator("img")
        picture.wait_for()
        assert picture.get_attribute("src") == link.get_attribute("href")
        assert picture.bounding_box()["width"] >= float(picture.get_attribute("width")) - 1
        viewer.get_by_role("button", name="Close").click()
        viewer.wait_for(state="hidden")
        page.wait_for_function("e => e === document.activeElement", arg=link.element_handle())


STRAY = """() => [...document.querySelectorAll(".bd-article p span.math")].flatMap(e => {
  const formula = e.querySelector("mjx-container"), next = e.nextSibling;
  const before = e.previousSibling ?? (e.parentElement.matches(".kept") ? e.parentElement.previousSibling : null);
  if (!formula.checkVisibility()) return [];
  const boxes = [...formula.querySelectorAll("mjx-mi, mjx-mo, mjx-mn")].map(p => p.getBoundingClientRect());
  const place = (node, from, to) => {
    const range = document.createRange();
    range.setStart(node, from);
    range.setEnd(node, to);
    return range.getBoundingClientRect();
  };
  const alone = next?.nodeType === 3 && /^[.,;:!?-]/.test(next.data) &&
    place(next, 0, 1).top > Math.max(...boxes.map(b => b.bottom)) + 2;
  const open = before?.nodeType === 3 && /[(]$/.test(before.data) &&
    place(before, before.length - 1, before.length).bottom < Math.min(...boxes.map(b => b.top)) - 2;
  return alone || open ? [e.closest("p").textContent.slice(0, 60)] : [];
})"""
TORN = """() => [...document.querySelectorAll(".bd-article mjx-container.breaks mjx-math")].filter(e => {
  const parts = [...e.querySelectorAll(":scope > *, .outer > *")].filter(p => p.tagName !== "WBR");
  const number = p => p?.tagName === "MJX-MN" || p?.firstElementChild?.tagName === "MJX-MN";
  return parts.some((p, i) => p.querySelector(".mjx-c22C5") && number(parts[i - 1]) && number(parts[i + 1]) &&
    parts[i + 1].getBoundingClientRect().top > parts[i - 1].getBoundingClientRect().bottom);
}).map(e => e.closest("p, li, figcaption")?.textContent.slice(0, 60))"""


def in_columns(page, question):
    """What a question finds in columns of many widths: where lines end is chance, and changes with the fonts."""
    found = {}
    for width in range(320, 720, 10):
        page.evaluate("width => { document.querySelector('.bd-article').style.width = `${width}px` }", width)
        found[width] = page.evaluate(question)
    return {width: places for width, places in found.items() if places}


@pytest.mark.parametrize("name", ["00_opening", "01_datasets", "14_oddity"])
def test_no_stop_begins_a_line_and_no_bracket_ends_one(visit, name):
    assert in_columns(visit(f"{name}.html", 768), STRAY) == {}


@pytest.mark.parametrize("name", ["13_masks", "20_bound"])
def test_no_formula_breaks_before_a_comma(visit, name):
    broken = """() => [...document.querySelectorAll(".bd-article mjx-container.breaks wbr + mjx-mo")]
      .filter(sign => sign.querySelector(".mjx-c2C, .mjx-c3B"))
      .map(sign => sign.closest("p")?.textContent.slice(0, 60))"""
    assert visit(f"{name}.html", 375).evaluate(broken) == []


@pytest.mark.parametrize("name", ["05_modules", "18_prediction"])
def test_no_power_of_ten_is_torn_from_its_factor(visit, name):
    assert in_columns(visit(f"{name}.html", 768), TORN) == {}


@pytest.mark.parametrize("name", ["01_datasets.html", "05_modules.html", "18_prediction.html"])
def test_what_scrolls_sideways_takes_the_focus_and_fades_until_its_end(visit, name):
    page = visit(name)
    silent = """async () => {
      const scrolls = e => e.scrollWidth > e.clientWidth + 1
        && ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
      const boxes = [...document.querySelectorAll(".bd-article *")].filter(e => e.checkVisibility() && scrolls(e));
      const fades = e => getComputedStyle(e).maskImage !== "none", faults = [];
      for (const e of boxes.filter(e => !e.matches(".picture.beyond"))) {
        if (!fades(e) || e.tabIndex !== 0) faults.push(`silent: ${e.textContent.slice(0, 40)}`);
        e.scrollLeft = e.scrollWidth;
        await new Promise(done => setTimeout(done, 100));
        if (fades(e)) faults.push(`fades at its end: ${e.textContent.slice(0, 40)}`);
      }
      return [boxes.length, faults];
    }"""
    count, faults = page.evaluate(silent)
    assert count > 5
    assert faults == []


def test_long_names_break_after_an_underscore_only(visit):
    broken = """() => [".bd-article figcaption .std-ref", ".ledger td:not(:nth-child(2), :nth-child(3))"]
      .flatMap(names => [...document.querySelectorAll(names)])
      .filter(e => e.checkVisibility()).flatMap(e => {
        const found = [], texts = document.createTreeWalker(e, NodeFilter.SHOW_TEXT), range = document.createRange();
        let last = null;
        while (texts.nextNode()) for (let i = 0; i < texts.currentNode.length; i++) {
          range.setStart(texts.currentNode, i);
          range.setEnd(texts.currentNode, i + 1);
          const letter = texts.currentNode.data[i], top = range.getBoundingClientRect().top;
          if (last && /[a-z]/i.test(letter) && /[a-z]/i.test(last.letter) && top > last.top + 5)
            found.push(e.textContent);
          last = { letter, top };
        }
        return found;
      })"""
    for width in (375, 1440):
        page = visit("04_coupling.html", width)
        page.evaluate("document.querySelectorAll('details.numbers').forEach(e => { e.open = true; })")
        assert page.evaluate(broken) == [], width


@pytest.mark.parametrize(("name", "width"), [("intro", 768), ("chapters/11_steps", 375), ("glossary", 375)])
def test_nothing_unseen_takes_a_line_of_a_heading_and_the_ways_on_stay_on_the_page(
    book, browser, name, width
):
    empty = """() => [...document.querySelectorAll(".bd-article :is(h1, h2, h3)")].filter(e => {
      const range = document.createRange();
      range.setStartBefore(e.firstChild);
      range.setEndBefore(e.querySelector(".headerlink"));
      const below = e.getBoundingClientRect().bottom - range.getBoundingClientRect().bottom;
      return below > 0.8 * parseFloat(getComputedStyle(e).fontSize);
    }).map(e => e.textContent)"""
    beyond = """() => [...document.querySelectorAll(".prev-next-area *")].map(e => e.getBoundingClientRect())
      .filter(b => b.left < 0 || b.right > document.documentElement.clientWidth).length"""
    with tab(browser, width=width) as found:
        page = found.go(f"{book}/{name}.html")
        assert page.evaluate(empty) == []
        assert page.evaluate(beyond) == 0


def test_every_figure_has_a_slide_with_its_caption_and_nothing_of_markdown():
    for name in CHAPTERS:
        page = HTML / "chapters" / name
        made = slides_of(page)
        drawn = soup(name).select("figure img.for-light")
        assert len(made) == len(drawn)
        for text in made:
            slide = BeautifulSoup(text, "html.parser")
            assert (HTML / slide.img["src"]).is_file()
            assert len(slide.p.text) > 40
            for formula in slide.select(".math"):
                formula.decompose()
            assert not re.search(r"[`{$]|Checked numbers", slide.p.text), text


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (1024, 768)])
def test_a_slide_fits_on_its_screen_and_the_first_leads_to_each_chapter(book, browser, size):
    texts = [text for name in CHAPTERS for text in slides_of(HTML / "chapters" / name)]
    fits = """() => [...document.querySelectorAll("section")].filter(e => {
      const box = e.getBoundingClientRect(), inside = [...e.children].map(p => p.getBoundingClientRect());
      return Math.round(box.height) !== innerHeight || e.scrollWidth > e.clientWidth + 1
        || Math.max(...inside.map(p => p.bottom)) > box.bottom || Math.max(...inside.map(p => p.right)) > box.right;
    }).map(e => e.id || "first")"""
    with tab(browser, width=size[0]) as found:
        address = f"{book}/slides-of-test.html"
        made = slides_page("The book", texts)
        found.page.route(address, lambda route: route.fulfill(body=made, content_type="text/html"))
        found.page.set_viewport_size({"width": size[0], "height": size[1]})
        page = found.go(address)
        page.wait_for_function("[...document.images].every(e => e.complete && e.naturalWidth)")
        assert page.locator("section").count() == len(texts) + 1
        assert page.evaluate(fits) == []
        names = page.locator("section:first-of-type li a").all_inner_texts()
        titles = page.locator("section h2").all_inner_texts()
        assert names == list(dict.fromkeys(titles))
        page.keyboard.press("ArrowRight")
        page.wait_for_function("scrollY === innerHeight")
        page.get_by_role("link", name=names[3]).click()
        here = (
            "[...document.querySelectorAll('section')].find(e => Math.abs(e.getBoundingClientRect().top) < 2)"
        )
        page.wait_for_function(f"{here}?.querySelector('h2')?.innerText === {names[3]!r}")
        assert found.faults == []


def test_a_page_printed_in_the_dark_has_its_title_and_white_paper(visit):
    page = visit("04_coupling.html", 1440, "dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".bd-article h1").is_visible()
    dim = """() => [...document.querySelectorAll(".bd-article :is(p, pre, pre span, td)")]
      .filter(e => e.checkVisibility()).map(e => getComputedStyle(e).color.match(/\\d+/g).slice(0, 3))
      .filter(colour => colour.every(part => part > 150)).length"""
    assert page.evaluate(dim) == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("name", ["report", "explorer", "chapters/03_dynamics"])
def test_the_button_of_the_contents_is_there_where_a_page_has_some(book, browser, name):
    with tab(browser, width=375) as found:
        page = found.go(f"{book}/{name}.html")
        assert page.locator(".secondary-toggle").is_visible() == (
            page.locator(".bd-sidebar-secondary").count() > 0
        )


def test_contents_and_index_name_chapters_by_title_and_no_module_twice():
    for name in ("parameters", "report"):
        page = BeautifulSoup((HTML / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
        assert not [
            link.text for link in page.select("nav a") if link.text.strip().startswith("chapters/")
        ], name
    index = (HTML / "genindex.html").read_text(encoding="utf-8")
    assert "lib.linear.theory" in index
    assert "module-lib." not in index


def test_short_formulas_do_not_break_and_long_ones_go_on_at_the_edge(visit):
    broken = """() => [...document.querySelectorAll(".bd-article mjx-container.breaks mjx-math")].flatMap(math => {
      const em = parseFloat(getComputedStyle(math).fontSize);
      const width = [...math.getClientRects()].reduce((sum, line) => sum + line.width, 0);
      return [...math.querySelectorAll("wbr")].map(w => [w.previousElementSibling, w.nextElementSibling])
        .filter(([a, b]) => b.getBoundingClientRect().top > a.getBoundingClientRect().bottom)
        .map(([a, b]) => [parseFloat(getComputedStyle(b).marginLeft), width / em]); })"""
    found = in_columns(visit("04_coupling.html", 768), broken)
    lines = [line for lines in found.values() for line in lines]
    assert len(lines) > 20
    assert {indent for indent, _ in lines} == {0}
    assert min(width for _, width in lines) > 8.9


BROKEN_INSIDE = """() => [...document.querySelectorAll(".bd-article mjx-container.breaks")].filter(formula => {
  const row = (e) => { // what stands in the outermost row, written or spoken
    let found = [...e.children];
    while (found.length === 1 && /^(mjx-)?(mrow|texatom|mstyle)$/i.test(found[0].tagName))
      found = [...found[0].children];
    return found;
  };
  const bare = (e) => /^(msup|msub|msubsup)$/i.test(e.tagName) || (/^mrow$/i.test(e.tagName) && e.children.length === 1)
    ? bare(e.firstElementChild) : e;
  const spoken = row(formula.querySelector("mjx-assistive-mml math")).map(e => bare(e).textContent);
  const written = row(formula.querySelector("mjx-math"));
  let depth = 0, place = 0, inside = 0;
  for (const e of written) {
    if (e.tagName === "WBR") inside += depth > 0;
    else {
      depth += "([{".includes(spoken[place]) - ")]}".includes(spoken[place]);
      place += 1;
    }
  }
  depth = 0;
  const relation = spoken.some((text, i) => {
    depth += "([{".includes(text) - ")]}".includes(text);
    return depth === 0 && text === "=" && i > 3 && i < spoken.length - 4;
  });
  return inside && relation;
}).map(formula => formula.querySelector("mjx-assistive-mml").textContent)"""


@pytest.mark.parametrize(
    "name", ["03_dynamics.html", "06_motivation.html", "09_cmnist.html", "11_steps.html"]
)
def test_a_formula_with_a_relation_does_not_break_inside_a_bracket(visit, name):
    assert visit(name, 375).evaluate(BROKEN_INSIDE) == []


def test_the_open_page_stands_in_sight_in_the_side_bar(book, browser):
    with tab(browser, width=1440) as found:
        page = found.go(f"{book}/intro.html")
        page.evaluate("sessionStorage.setItem('sidebar-scroll-top', 0)")
        page.evaluate(
            "window.addEventListener('beforeunload', () => sessionStorage.setItem('sidebar-scroll-top', 0))"
        )
        page = found.go(f"{book}/bibliography.html")
        page.wait_for_timeout(300)
        top, bottom = page.evaluate(
            """() => {
              const entry = document.querySelector(".bd-sidebar-primary li.current.active > a");
              const box = entry.getBoundingClientRect();
              return [box.top, box.bottom]; }"""
        )
        assert 0 <= top < bottom <= page.viewport_size["height"]


@pytest.mark.parametrize("width", [375, 768, 1440])
def test_no_file_of_the_figure_map_is_torn(book, browser, width):
    torn = """() => [...document.querySelectorAll('td[data-label="file"] code')].filter(code =>
      code.getClientRects().length > 1 || code.getBoundingClientRect().right > innerWidth)
      .map(code => code.textContent)"""
    with tab(browser, width=width) as found:
        page = found.go(f"{book}/figure_map.html")
        assert page.locator('td[data-label="file"] code').count() > 50
        assert page.evaluate(torn) == []


def test_captions_are_text_and_theorems_are_quiet(visit):
    page = visit("04_coupling.html", 1440)
    caption, body = page.evaluate(
        """() => [".bd-article figcaption", ".bd-article section > p"].map(s => {
          const style = getComputedStyle(document.querySelector(s));
          return [style.fontWeight, style.color]; })"""
    )
    assert caption == ["400", body[1]]
    boxes = page.evaluate(
        """() => [...document.querySelectorAll("div.proof.admonition:has(> p.admonition-title)")].map(e => {
          const title = e.querySelector("p.admonition-title");
          return [getComputedStyle(e).backgroundColor, getComputedStyle(title).backgroundColor,
            getComputedStyle(title, "::before").content, getComputedStyle(title, "::after").content].join(" | "); })"""
    )
    assert len(boxes) > 4
    quiet, proved = "rgba(0, 0, 0, 0) | rgba(0, 0, 0, 0) | none | ", '" formulas\xa0proved\xa0symbolically"'
    assert set(boxes) <= {f"{quiet}none", f"{quiet}{proved}"}


def soup(name):
    return BeautifulSoup((HTML / "chapters" / name).read_text(encoding="utf-8"), "html.parser")


def number(page) -> str:
    found = page.select_one(".bd-article h1 .section-number")
    return found.text.strip(". ") if found else ""


@pytest.mark.parametrize("name", [name for name in CHAPTERS if not name.startswith(("00_", "15_"))])
def test_everything_is_numbered_by_chapter(name):
    page = soup(name)
    assert re.fullmatch(r"\d+", number(page))
    labels = [tag.text.split()[-1] for tag in page.select(".bd-article .caption-number")]
    assert labels
    assert all(label.startswith(f"{number(page)}.") for label in labels)
    current = page.select_one(".bd-sidebar li.current > a")
    assert current.text.strip().startswith(f"{number(page)}. ")


def test_a_link_to_a_chapter_has_its_number_and_says_its_title():
    pages = {name: soup(name) for name in CHAPTERS}
    links = 0
    for name, page in pages.items():
        for link in page.select(".bd-article a.reference.internal"):
            words = re.fullmatch(r"(?:chapters?\s)?(\d+)", link.text.strip(), re.IGNORECASE)
            target = link["href"].split("#")[0].split("/")[-1]
            if not words or target not in pages:
                continue
            links += 1
            title = pages[target].select_one(".bd-article h1").find(string=True, recursive=False).strip()
            assert words[1] == number(pages[target]), (name, link)
            assert link["title"] == f"{words[1]}. {title}"
    assert links > 20


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_numbers_of_a_chapter_are_a_line_that_opens_and_are_all_on_paper(visit, name):
    page = visit(name, 1440)
    folded, table = page.locator("details.numbers"), page.locator("details.numbers .ledger table")
    rows = table.locator("tbody tr").count()
    assert folded.locator("summary").inner_text() == f"{rows} numbers, all match"
    assert rows > 5
    assert not table.is_visible()
    page.emulate_media(media="print")
    assert table.is_visible()
    assert table.bounding_box()["height"] > 15 * rows
    page.emulate_media(media="screen")
    folded.locator("summary").click()
    assert table.is_visible()


@pytest.mark.parametrize("name", CHAPTERS)
def test_numbers_in_the_text_are_written_as_one_writes_them(name):
    pasted = [tag.text for tag in soup(name).select(".bd-article .pasted-text")]
    assert pasted
    assert not [text for text in pasted if re.search(r"\de[-+]?\d|^-", text)]


@pytest.mark.parametrize("name", CHAPTERS)
def test_on_a_desk_no_code_scrolls_and_folded_code_says_what_it_is(visit, name):
    wide = """() => [...document.querySelectorAll(".bd-article .highlight pre")]
      .filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.slice(0, 60))"""
    assert visit(name, 1440).evaluate(wide) == []
    assert not re.search(r"# (fmt: skip|noqa)", soup(name).select_one(".bd-article").text)
    for section in soup(name).select(".bd-article section"):
        said = [tag.text.strip() for tag in section.select(":scope > .cell details.hide > summary")]
        assert not [text for text in said if text in ("The code", "Show code cell source")]


def test_set_up_parameters_and_checks_are_folded():
    for name in CHAPTERS:
        page = soup(name)
        shown = [
            block.text
            for block in page.select(".bd-article div.cell_input pre")
            if not block.find_parent("details")
        ]
        assert not [text for text in shown if re.search(r"^(import|from) ", text)], name
        assert not [text for text in shown if re.search(r"^ledger\.", text, re.MULTILINE)], name


def test_from_a_figure_to_its_formula_in_two_clicks(visit):
    page = visit("03_dynamics.html", 1440)
    cell = page.locator("div.cell:has(#fig-dynamics-order)")
    cell.locator("details.hide > summary").click()
    cell.locator("a.sphinx-codeautolink-a", has_text="deep_trajectory").first.click()
    page.wait_for_url("**/library.html#*deep_trajectory")
    signature = page.locator('[id$="deep_trajectory"]').first
    assert "dataset" in signature.inner_text()


def test_the_report_is_sifted_by_chapter_kind_of_source_tolerance_and_words(book, browser):
    with tab(browser) as found:
        page = found.go(f"{book}/report.html")
        shown = (
            "[...document.querySelectorAll('.ledger.wide tbody tr')].filter(e => e.checkVisibility()).length"
        )
        everything = page.evaluate(shown)
        assert everything > 500
        form = page.locator("form.sift")
        form.locator("select[name=chapter]").select_option(index=1)
        some = page.evaluate(shown)
        assert 5 < some < everything / 3
        assert f"{some} of" in form.inner_text()
        form.locator("select[name=chapter]").select_option(index=0)
        form.locator("input[name=text]").fill("closed form")
        assert 5 < page.evaluate(shown) < everything
        form.locator("input[name=text]").fill("")
        worth = page.locator(".stacks:has(th:text-is('kind of source')) tbody tr").all_inner_texts()
        counted = {kind: int(both) + int(one) for kind, both, one, *_ in (row.split("\t") for row in worth)}
        kinds = form.locator("select[name=source] option").all_inner_texts()[1:]
        assert set(kinds) == {kind for kind, count in counted.items() if count} - {"all"}
        for kind in kinds:
            form.locator("select[name=source]").select_option(kind)
            assert page.evaluate(shown) == counted[kind], kind
        form.locator("select[name=source]").select_option(index=0)
        form.locator("select[name=tolerance]").select_option("sampled")
        assert 5 < page.evaluate(shown) < everything / 3
        form.locator("select[name=tolerance]").select_option(index=0)
        page.evaluate("document.querySelector('#kinds-of-tolerance').scrollIntoView()")
        page.wait_for_timeout(100)
        box = form.bounding_box()
        assert box["y"] + box["height"] < 60  # it filters none of what comes now
        assert found.faults == []


@pytest.mark.parametrize("width", [375, 768, 1440])
def test_no_number_of_the_report_is_torn(book, browser, width):
    torn = """() => [...document.querySelectorAll(".ledger td")].flatMap(cell => {
      if (!["here", "expected", "deviation"].includes(cell.dataset.label)) return [];
      const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), found = [];
      const number = /(?:[≤≥]\\u00a0)?[−\\d.][^\\s,\\[\\]]*/g;
      while (texts.nextNode()) for (const piece of texts.currentNode.data.matchAll(number)) {
        const range = document.createRange();
        range.setStart(texts.currentNode, piece.index);
        range.setEnd(texts.currentNode, piece.index + piece[0].length);
        if (range.getClientRects().length > 1) found.push(piece[0]);
      }
      return found;
    })"""
    with tab(browser, width=width) as found:
        page = found.go(f"{book}/report.html")
        page.wait_for_function("document.documentElement.dataset.formulas === 'fit'")
        assert page.evaluate(torn) == []
        split = """() => [...document.querySelectorAll(".stacks td:first-child code")].filter(code =>
          code.getClientRects().length > 1).map(code => code.textContent)"""
        assert width < 700 or page.evaluate(split) == []


@pytest.mark.parametrize("width", [375, 768, 1440])
def test_no_column_of_the_checked_numbers_is_cut_off(book, browser, width):
    cut = """() => [...document.querySelectorAll(".ledger td, .ledger th")].filter(e => e.checkVisibility())
      .filter(e => e.tagName === "TD" || getComputedStyle(e.closest("thead")).position !== "absolute")
      .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1
        || e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.slice(0, 40))"""
    scrolls = """() => [...document.querySelectorAll(".ledger, :is(.ledger, .stacks) .pst-scrollable-table-container")]
      .filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).length"""
    for name in ("report.html", "figure_map.html", "teaching.html", "chapters/03_dynamics.html"):
        with tab(browser, width=width) as found:
            page = found.go(f"{book}/{name}")
            page.wait_for_function("document.documentElement.dataset.formulas === 'fit'")
            page.evaluate("document.querySelectorAll('details.numbers').forEach(e => { e.open = true; })")
            assert page.evaluate(cut) == [], name
            assert page.evaluate(scrolls) == 0, name


@pytest.mark.parametrize("name", ["teaching.html", "report.html", "parameters.html"])
def test_a_stacked_cell_has_room_for_its_head(book, browser, name):
    cramped = """() => [...document.querySelectorAll(".stacks td[data-label]")].filter((cell) => {
        const head = getComputedStyle(cell, "::before");
        if (head.content === "none" || !cell.checkVisibility()) return false;
        const alike = document.createElement("div");
        alike.textContent = cell.dataset.label;
        const { whiteSpace, width, font } = head;
        Object.assign(alike.style, { position: "absolute", whiteSpace, width, font });
        cell.append(alike);
        const tight = cell.clientHeight + 1 < alike.offsetHeight;
        alike.remove();
        return tight;
      }).map((cell) => cell.dataset.label)"""
    with tab(browser, width=375) as found:
        page = found.go(f"{book}/{name}")
        page.wait_for_function("document.documentElement.dataset.formulas === 'fit'")
        assert page.locator(".stacks td[data-label]").count() > 0
        assert page.evaluate(cramped) == []


@pytest.mark.parametrize("width", [375, 768])
def test_a_number_stands_beside_what_was_expected_of_it(visit, width):
    page = visit("03_dynamics.html", width)
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    row = page.locator(".ledger tbody tr").first
    places = {
        label: row.locator(f'td[data-label="{label}"]').bounding_box() for label in ("here", "expected")
    }
    assert abs(places["here"]["y"] - places["expected"]["y"]) < 2
    assert places["here"]["x"] + places["here"]["width"] <= places["expected"]["x"] + 1


@pytest.mark.parametrize("name", ["claims.html", "errata.html"])
def test_so_are_those_of_claims_and_errata(name):
    page = BeautifulSoup((HTML / name).read_text(encoding="utf-8"), "html.parser").select_one(".bd-article")
    assert re.search("[0-9.]+\u202f·\u202f10⁻[⁰¹²³⁴⁵⁶⁷⁸⁹]+", page.text)
    assert not re.search(r"\d\.\d+e[+-]\d", page.text)


@pytest.mark.parametrize("name", CHAPTERS)
def test_exercises_are_counted_from_one(name):
    titles = [title.text for title in soup(name).select(".exercise > .admonition-title .caption-number")]
    assert titles
    assert [int(title.split()[-1].split(".")[-1]) for title in titles] == list(range(1, len(titles) + 1))


@pytest.mark.parametrize("name", WITH_TABLES)
def test_on_a_desk_no_table_of_a_chapter_scrolls(visit, name):
    page = visit(name, 1440)
    wide = """() => [...document.querySelectorAll(".bd-article table.dataframe")].filter(e => e.checkVisibility())
      .filter(e => e.offsetWidth > e.closest(".cell_output").clientWidth + 1).map(e => e.textContent.slice(0, 60))"""
    assert page.locator(".bd-article table.dataframe").count()
    assert page.evaluate(wide) == []


def test_claims_errata_and_figures_lead_to_the_row_of_their_number():
    report = BeautifulSoup((HTML / "report.html").read_text(encoding="utf-8"), "html.parser")
    anchors = {tag["id"] for tag in report.select("td [id^=number-]")}
    assert len(anchors) > 500
    for name in ("claims.html", "errata.html", "figure_map.html", "chapters/04_coupling.html"):
        page = BeautifulSoup((HTML / name).read_text(encoding="utf-8"), "html.parser")
        links = [link["href"].split("#")[1] for link in page.select('a[href*="report.html#number-"]')]
        assert len(links) > 3, name
        assert set(links) <= anchors, name
