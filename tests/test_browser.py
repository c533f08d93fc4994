"""The built pages in a real browser, every other host blocked: what a reader meets, with and without eyes."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from bs4 import BeautifulSoup

from tests.browser import HTML, tab

WIDTHS = (1440, 768, 375)  # the phone last: it is audited as well
AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"

MATHEMATICS = """() => ({
  formulae: document.querySelectorAll(".math").length,
  bare: [...document.querySelectorAll(".math")]
    .filter(e => !e.querySelector("mjx-container")).map(e => e.textContent),
  faulty: [...document.querySelectorAll("mjx-merror, [data-mjx-error]")].map(e => e.textContent)})"""
FIGURES = """async () => {
  const images = [...document.querySelectorAll(".bd-article img, .bd-article svg[role=img]:not([aria-hidden=true])")]
    .filter(e => e.checkVisibility()); // of two drawings the page shows one
  const found = [];
  for (const image of images) {
    image.scrollIntoView();
    if (image.decode) await image.decode().catch(() => {});
    const box = image.getBoundingClientRect();
    found.push({
      source: image.getAttribute("src") ?? image.id,
      alt: image.getAttribute("alt") ?? image.getAttribute("aria-label") ?? "",
      size: Math.min(box.width, box.height, image.naturalWidth ?? Infinity)});
  }
  window.scrollTo(0, 0);
  return found;
}"""
OVERFLOW = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const clipped = e => e.parentElement &&
    (getComputedStyle(e.parentElement).overflowX !== "visible" || clipped(e.parentElement));
  return [...document.querySelectorAll("body *")]
    .filter(e => e.getBoundingClientRect().right > width + 1 && !clipped(e))
    .map(e => `${e.tagName}.${e.className}: ${Math.round(e.getBoundingClientRect().right)}`).slice(0, 5);
}"""
AUDIT = """async (rules) => (await axe.run({resultTypes: ["violations"], ...(rules && {runOnly: rules})})).violations
  .filter(v => ["serious", "critical"].includes(v.impact))
  .flatMap(v => v.nodes.map(n => `${v.id}: ${n.target} ${n.any[0]?.message ?? ""}`))"""
STRUCTURE = """() => ({
  language: document.documentElement.lang, title: document.title,
  mains: document.querySelectorAll("main, [role=main]").length,
  navigations: document.querySelectorAll("nav, [role=navigation]").length,
  headings: [...document.querySelectorAll("h1")].filter(e => e.checkVisibility()).length})"""
FOCUS = """() => {
  if (document.activeElement === document.body) return null;
  const e = document.activeElement.closest(".sd-card") ?? document.activeElement;
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  const ring = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  const within = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const seen = within && style.opacity > 0 && box.width > 0;
  return {what: `${e.tagName} ${e.id || e.className} ${e.textContent.trim().slice(0, 30)}`, ring, seen};
}"""


@dataclass
class Visit:
    """What was found on one page."""

    faults: list
    mathematics: dict
    figures: list
    structure: dict
    overflow: dict
    audits: dict


def pages() -> list[str]:
    """Every page of the built book by its path, but for index.html: it only leads on to the first."""
    files = [path for path in HTML.rglob("*.html") if "_static" not in path.parts]
    return sorted(str(path.relative_to(HTML)) for path in files if path != HTML / "index.html")


@pytest.fixture(scope="session")
def visits(book, browser) -> dict[str, Visit]:
    """Every page, opened once."""
    return {name: visit(browser, f"{book}/{name}") for name in pages()}


def visit(browser, address: str) -> Visit:
    with tab(browser, color_scheme="light") as opened:
        page = opened.go(address)
        found = Visit(
            opened.faults,
            page.evaluate(MATHEMATICS),
            page.evaluate(FIGURES),
            page.evaluate(STRUCTURE),
            overflow={},
            audits={},
        )
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found.audits["light"] = page.evaluate(AUDIT)
        page.emulate_media(color_scheme="dark")
        page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
        found.audits["dark"] = page.evaluate(AUDIT, ["color-contrast"])  # nothing else changes
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            found.overflow[width] = page.evaluate(OVERFLOW)
        page.wait_for_timeout(600)  # the theme then looks which boxes scroll
        found.audits["phone"] = page.evaluate(AUDIT, ["scrollable-region-focusable"])
        return found


def amiss(visits: dict[str, Visit], what) -> dict:
    """The pages on which `what` finds something."""
    return {name: found for name, visit in visits.items() if (found := what(visit))}


def test_every_page_loads_without_an_error_or_a_request_that_fails(visits):
    assert {"intro.html", "report.html", "explorer.html", "chapters/01_datasets.html"} <= set(visits)
    assert amiss(visits, lambda visit: visit.faults) == {}


def test_the_mathematics_is_typeset(visits):
    assert visits["chapters/01_datasets.html"].mathematics["formulae"] > 50
    assert amiss(visits, lambda visit: visit.mathematics["bare"] + visit.mathematics["faulty"]) == {}


def test_every_figure_says_what_it_shows_and_has_a_size(visits):
    def wanting(visit):
        return [
            figure
            for figure in visit.figures
            if len(figure["alt"]) < 20 or figure["alt"].endswith((".svg", ".png")) or figure["size"] < 20
        ]

    assert visits["chapters/01_datasets.html"].figures
    assert amiss(visits, wanting) == {}


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_the_screen(visits, width):
    assert amiss(visits, lambda visit: visit.overflow[width]) == {}


@pytest.mark.parametrize("view", ["light", "dark", "phone"])
def test_the_accessibility_audit_finds_nothing_serious(visits, view):
    assert amiss(visits, lambda visit: visit.audits[view]) == {}


def test_a_screen_reader_finds_its_way(visits):
    def wanting(visit):
        found = visit.structure
        return not (
            found["language"] == "en"
            and found["title"]
            and found["mains"] == found["headings"] == 1
            and found["navigations"]
        )

    ours = {name: visit for name, visit in visits.items() if name not in ("search.html", "genindex.html")}
    assert amiss(ours, wanting) == {}


def test_internal_links_and_anchors_resolve(book):
    soups = {
        name: BeautifulSoup((HTML / name).read_text(encoding="utf-8"), "html.parser") for name in pages()
    }
    anchors = {name: {tag["id"] for tag in soup.find_all(id=True)} for name, soup in soups.items()}
    broken, followed = set(), 0
    for name, soup in soups.items():
        for tag in soup.find_all(["a", "img", "link", "script"]):
            path, fragment = urldefrag(tag.get("href") or tag.get("src") or "")
            if "://" in path or path.startswith(("mailto:", "data:", "javascript:")) or not path + fragment:
                continue
            target = (HTML / name).parent / unquote(path.split("?")[0]) if path else HTML / name
            followed += 1
            if not target.resolve().is_file():
                broken.add((name, path))
            elif fragment and "=" not in fragment:  # with =, it is a view of the explorer
                page = str(target.resolve().relative_to(HTML))
                if unquote(fragment) not in anchors[page]:
                    broken.add((name, f"{path}#{fragment}"))
    assert followed > 500
    assert broken == set()


@pytest.mark.parametrize(
    ("query", "page"),
    [("ridge", "06_motivation"), ("singular value", "01_datasets"), ("explorer", "explorer")],
)
def test_the_search_answers(book, browser, query, page):
    with tab(browser) as opened:
        opened.go(f"{book}/search.html?q={query.replace(' ', '+')}")
        results = opened.page.locator("#search-results ul.search li a")
        results.first.wait_for()
        done = "document.querySelector('#search-results h2').innerText"
        opened.page.wait_for_function(f"!/Searching|Preparing/.test({done})")
        assert any(page in (link.get_attribute("href") or "") for link in results.all())
        assert opened.faults == []


@pytest.mark.parametrize("query", ["balanced", "eigenvalues", "identity block"])
def test_what_the_search_shows_is_text_and_no_source_of_a_formula(book, browser, query):
    with tab(browser) as opened:
        opened.go(f"{book}/search.html?q={query.replace(' ', '+')}")
        done = "document.querySelector('#search-results h2').innerText"
        opened.page.wait_for_function(f"!/Searching|Preparing/.test({done})")
        opened.page.wait_for_load_state("networkidle")  # each hit loads its page for what it shows of it
        shown = opened.page.locator("#search-results").inner_text()
        assert opened.page.locator("#search-results p.context").count() > 10
        assert shown.count(" … ") > 10  # where formulas were
        assert ".ipynb" not in shown  # nor the names of buttons
        assert re.findall(r".{20}(?:\\[A-Za-z(\[]|\$).{20}", shown) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["intro.html", "explorer.html", "chapters/03_dynamics.html"])
def test_the_keyboard_reaches_everything_and_one_sees_where_it_is(book, browser, name, scheme):
    with tab(browser, color_scheme=scheme) as opened:
        page, visited = opened.go(f"{book}/{name}"), []
        for _ in range(60):
            page.keyboard.press("Tab")
            if (place := page.evaluate(FOCUS)) is None:
                break
            visited.append(place)
        assert "Skip to main content" in visited[0]["what"]
        assert len(visited) > 20
        assert [place for place in visited if not (place["ring"] and place["seen"])] == []


def test_the_book_is_read_from_the_disk_as_well(book, browser):
    with tab(browser) as opened:
        opened.page.goto((HTML / "index.html").as_uri())
        page = opened.page
        page.wait_for_url("**/intro.html")
        page.locator(".gallery .sd-card").nth(1).click()  # the first has few formulas
        page.wait_for_url("**/chapters/*.html")
        page.wait_for_function("document.querySelectorAll('mjx-container').length > 50")
        # Chromium preloads no font from a disk, and says so; the pages load them when they need them.
        assert [fault for fault in opened.faults if "font" not in fault and "ERR_FAILED" not in fault] == []
        assert page.evaluate("[...document.fonts].some(font => font.status === 'error')") is False
