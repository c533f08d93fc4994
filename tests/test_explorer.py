"""The explorer in a real browser: its controls moved, its numbers compared with lib.linear.theory."""

import json
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import numpy as np
import pytest
from bs4 import BeautifulSoup

from lib import explorer
from lib.explorer import moving
from lib.linear import flows, generalisation, modules, optimisers, stability, theory
from lib.linear.datasets import Dataset
from tests.browser import HTML, tab

SETTINGS = 240
TOLERANCE = 1e-9  # relative
DATASET = ("n_x", "n_y", "k_x", "k_y", "r")
DEGENERATE = [  # n_x, n_y, k_x, k_y, r
    (1, 1, 0, 0, 1.0),
    (1, 0, 0, 1, 0.1),
    (3, 0, 3, 1, 1.0),
    (3, 3, 3, 1, 1.0),
    (3, 1, 0, 1, 1.0),
    (3, 1, 3, 0, 1.0),
    (8, 8, 8, 8, 4.0),
    (8, 4, 1, 1, 0.1),
    (1, 1, 8, 8, 4.0),
]

WHOLE = ("gradient", "muon")  # geometries in which every block of the map has a closed form
GEOMETRIES = {"gradient": 2.0, "muon": 2.0, "1.1": 1.1, "1.5": 1.5, "3": 3.0, "sign": np.inf}
KEYS = {
    "geometry": "ArrowDown",
    "depth": "s",
    "architecture": "ArrowDown",
    "time": "ArrowDown",
    "learning_rate": "ArrowLeft",
}

MOVE = """(wanted) => {
  for (const [name, value] of Object.entries(wanted)) {
    const control = document.querySelector(`#explorer-${name}`);
    if (control.value === value) continue;
    control.value = value;
    for (const type of ["input", "change"]) control.dispatchEvent(new Event(type, {bubbles: true}));
  }
  const {parameters, result} = window.explorer, root = document.querySelector(".explorer .views");
  return JSON.stringify({parameters, result, notes: document.querySelector(".explorer .notes").textContent,
    hash: location.hash, broken: /NaN|undefined|Infinity/.test(root.innerHTML),
    curves: root.querySelectorAll("#explorer-plot-strengths .curve").length});
}"""


@pytest.fixture(scope="module")
def opened(book, browser):
    with tab(browser) as found:
        found.go(f"{book}/explorer.html")
        yield found
        assert found.faults == []


def view(book, browser, fragment):
    """What the page makes of an address."""
    with tab(browser) as found:
        page = found.go(f"{book}/explorer.html#{fragment}")
        assert found.faults == []
        return moved(page, {})


def moved(page, controls) -> dict:
    """Move controls, by name; return the state of the page. A number that is none comes back as None."""
    return json.loads(page.evaluate(MOVE, controls))


def positions(slider) -> np.ndarray:
    """Where a slider can stand; of one without a step, some of its places."""
    step = 0.05 if slider.logarithmic else slider.step
    steps = round((slider.high - slider.low) / step)
    return np.round(slider.low + step * np.arange(steps + 1), 10)


def settings() -> list[dict]:
    """Possible parameters, drawn from the positions of the controls; each degenerate dataset in each network.

    Geometries other than gradient descent's and Muon's have the shallow network and a compositional output.
    """
    rng = np.random.default_rng(6)
    sliders = {
        slider.name: slider for slider in (*explorer.DATASET, *explorer.NETWORK) if hasattr(slider, "step")
    }
    networks = [
        (d, a, t) for d in ("deep", "shallow") for a in ("dense", "split") for t in ("linear", "logarithmic")
    ]
    drawn = [(data, network, "gradient") for data in DEGENERATE for network in networks]
    drawn += [(data, networks[i % 8], name) for data in DEGENERATE for i, name in enumerate(GEOMETRIES)]
    while len(drawn) < SETTINGS:
        n_x = int(rng.integers(1, 9))
        n_y, k_x, k_y = int(rng.integers(0, n_x + 1)), int(rng.integers(0, 9)), int(rng.integers(0, 9))
        if n_y or k_y:
            data = (n_x, n_y, k_x, k_y, float(rng.choice(positions(sliders["r"]))))
            network, geometry = networks[rng.integers(len(networks))], str(rng.choice(list(GEOMETRIES)))
            drawn.append((data, network, geometry))
    chosen = []
    for data, (depth, architecture, time), geometry in drawn:
        if geometry not in WHOLE:
            if data[1] == 0:
                continue
            depth = "shallow"
        limit = bound(Dataset(*data), depth, architecture, geometry)
        rates = [float(f"{10**p:.2g}") for p in positions(sliders["learning_rate"])]
        chosen.append(
            dict(zip(DATASET, data))
            | {"geometry": geometry}
            | {"depth": depth, "architecture": architecture, "time": time}
            | {"learning_rate": float(rng.choice([rate for rate in rates if rate < 0.98 * limit]))}
            | {"initial": float(f"{10 ** rng.choice(positions(sliders['initial'])):.2g}")}
        )
    return chosen


def bound(data, depth, architecture, geometry="gradient"):
    if geometry == "sign":
        return optimisers.rule_weight(data, np.inf)
    if geometry == "muon":
        m = (theory.split_modes if architecture == "split" else theory.modes)(data)
        return m.asymptote[m.multiplicity > 0].min() ** (0.5 if depth == "deep" else 1)
    if geometry != "gradient":
        return optimisers.mirror_bound(data, GEOMETRIES[geometry])
    split = depth == "deep" and architecture == "split"  # shallow modules see the inputs of the dense network
    return stability.learning_rate_bound(data, "split" if split else depth)


def predicted(parameters, times) -> dict:
    """The same quantities from lib.linear.theory."""
    data = Dataset(*(parameters[name] for name in DATASET))
    network, geometry = (parameters["depth"], parameters["architecture"]), parameters["geometry"]
    dense = network[1] == "dense"
    modes = (theory.modes if dense else theory.split_modes)(data)
    if geometry in WHOLE:
        strengths = trajectory(
            data, network, geometry, times, parameters["initial"], parameters["learning_rate"]
        )
        norms = (theory.quadrant_norms if dense else theory.split_quadrant_norms)(data, strengths)
    else:
        strengths, norms = rows(data, dense, GEOMETRIES[geometry], times, parameters["learning_rate"])
    present = modes.multiplicity > 0
    with np.errstate(invalid="ignore"):
        ratio = norms.noncomp_to_comp / norms.comp_to_comp
    return {
        "strengths": strengths.T,
        "ratio": ratio,
        "rule_weight": optimisers.rule_weight(data, GEOMETRIES[geometry]) if data.n_y else np.nan,
        "bound": bound(data, *network, geometry),
        "multiplicity": modes.multiplicity,
        **{name: getattr(modes, name)[present] for name in ("singular_value", "input_variance", "asymptote")},
        **vars(norms),
        "X": data.X,
        "Y": data.Y,
    }


def trajectory(data, network, geometry, times, initial, learning_rate):
    """The strengths where every class has a closed form."""
    if geometry == "muon":
        modes = (theory.split_modes if network[1] == "split" else theory.modes)(data)
        return flows.muon_trajectory(modes, times, initial, learning_rate, network[0] == "deep")
    return {
        ("deep", "dense"): theory.deep_trajectory,
        ("deep", "split"): theory.split_trajectory,
        ("shallow", "dense"): theory.shallow_trajectory,
        ("shallow", "split"): theory.split_shallow_trajectory,
    }[network](data, times, initial, learning_rate)


def rows(data, dense, p, times, learning_rate):
    """Strengths and norms where only the rows of the compositional outputs have a closed form."""
    course = flows.rule_course(data, p, times, learning_rate)
    unknown = np.full(len(times), np.nan)
    rule = np.sqrt(data.n_y) * course
    norms = theory.QuadrantNorms(rule, flows.coupling_ratio(data, p) * rule, unknown, unknown)
    strengths = np.full((len(times), 3), np.nan)
    if data.k_y == 0 or not dense:
        first = theory.split_modes(data).asymptote[0]
        strengths[:, 0] = first * course / optimisers.rule_weight(data, p)
    return strengths, norms


def shown(result) -> dict:
    """What the page computed, in the same form."""
    modes = result["modes"]
    present = [mode for mode in modes if mode["multiplicity"]]
    return {
        "strengths": np.array(result["strengths"], dtype=float),
        "ratio": np.array(result["ratio"], dtype=float),
        "rule_weight": np.array(result["rule_weight"], dtype=float),
        "bound": result["learning_rate_bound"],
        "multiplicity": np.array([mode["multiplicity"] for mode in modes]),
        **{
            name: np.array([mode[name] for mode in present])
            for name in ("singular_value", "input_variance", "asymptote")
        },
        **{name: np.array(values, dtype=float) for name, values in result["norms"].items()},
        **{name: dense(result[name]) for name in ("X", "Y")},
    }


def dense(matrix) -> np.ndarray:
    full = np.zeros((matrix["rows"], matrix["columns"]))
    for row, column, value in matrix["entries"]:
        full[row, column] = value
    return full


def deviation(parameters, result) -> float:
    """The largest relative deviation of the page's numbers from lib.linear.theory's; infinite where one is missing."""
    ours, theirs = predicted(parameters, result["times"]), shown(result)
    assert set(ours) == set(theirs)
    worst = 0.0
    for name in ours:
        expected, found = np.asarray(ours[name], dtype=float), np.asarray(theirs[name], dtype=float)
        if expected.shape != found.shape or (np.isnan(expected) != np.isnan(found)).any():
            return np.inf
        gap = np.abs(found - expected)[~np.isnan(expected)]
        scale = np.abs(expected)[~np.isnan(expected)]
        worst = max(worst, np.divide(gap, scale, where=gap > 0, out=np.zeros_like(gap)).max(initial=0))
    return worst


def controls(parameters) -> dict:
    """Where the controls stand for these parameters."""
    logarithmic = ("learning_rate", "initial")
    move = lambda name, value: f"{np.log10(value):.2f}" if name in logarithmic else str(value)  # noqa: E731
    return {name: move(name, value) for name, value in parameters.items()}


def test_the_page_computes_what_the_theory_says_wherever_the_controls_are_moved(opened):
    worst = 0.0
    chosen = settings()
    assert len(chosen) >= 200
    for wanted in chosen:
        found = moved(opened.page, controls(wanted))
        rounded = {
            name: pytest.approx(value, rel=0.06) for name, value in wanted.items() if name == "learning_rate"
        }
        assert found["parameters"] == wanted | rounded
        assert found["notes"] == ""
        assert not found["broken"]
        drawn = [mode["multiplicity"] for mode in found["result"]["modes"]]
        if wanted["geometry"] not in WHOLE:
            drawn = [wanted["architecture"] == "split" or wanted["k_y"] == 0]
        assert found["curves"] == np.count_nonzero(drawn)
        gap = deviation(found["parameters"], found["result"])
        assert gap < TOLERANCE, wanted
        worst = max(worst, gap)
    print(f"largest relative deviation in {len(chosen)} settings: {worst:.1e}")


@pytest.mark.parametrize("geometry", ["gradient", "muon", "1.5"])
def test_the_comparison_notices_a_small_difference(opened, geometry):
    usual = {"n_x": 3, "n_y": 1, "k_x": 2, "k_y": 1, "r": 0.7, "geometry": geometry, "depth": "shallow"}
    usual |= {"architecture": "dense", "time": "linear", "learning_rate": 0.01, "initial": 1e-3}
    found = moved(opened.page, controls(usual))
    assert deviation(found["parameters"], found["result"]) < TOLERANCE
    for name in ("r", "learning_rate", *(["initial"] if geometry in WHOLE else [])):
        other = found["parameters"] | {name: found["parameters"][name] * (1 + 1e-6)}
        assert deviation(other, found["result"]) > TOLERANCE
    other = {"gradient": "1.5", "muon": "gradient", "1.5": "sign"}[geometry]
    assert deviation(found["parameters"] | {"geometry": other}, found["result"]) > TOLERANCE


@pytest.mark.parametrize(
    ("fragment", "used", "note"),
    [
        ("n_x=2&n_y=5", {"n_x": 2, "n_y": 2}, "n_y = 5 is above n_x = 2"),
        ("n_y=0&k_y=0", {"n_y": 0, "k_y": 1}, "leave no output"),
        ("n_x=99", {"n_x": 8}, "n_x = 99 is not a whole number from 1 to 8; 8 is used"),
        ("k_x=1.5", {"k_x": 2}, "k_x = 1.5 is not a whole number"),
        ("r=0", {"r": 0.1}, "r = 0 is not a number from 0.1 to 4"),
        ("n_x=many", {"n_x": 3}, "n_x = many is not"),
        ("r=", {"r": 1}, "r =  is not a number"),
        ("depth=medium", {"depth": "deep"}, "choose deep or shallow"),
        ("geometry=2", {"geometry": "gradient"}, "geometry = 2 is unknown; choose gradient or muon or 1.1"),
        ("geometry=sign&depth=deep", {"geometry": "sign", "depth": "shallow"}, "only shallow networks"),
        (
            "geometry=3&n_y=0",
            {"geometry": "gradient", "depth": "deep"},
            "n_y = 0 leaves no compositional output",
        ),
        ("colour=red", {}, "colour is no parameter"),
    ],
)
def test_what_is_not_possible_is_adjusted_and_said(book, browser, fragment, used, note):
    found = view(book, browser, fragment)
    assert found["parameters"] | used == found["parameters"]
    assert note in found["notes"]
    assert deviation(found["parameters"], found["result"]) < TOLERANCE


@pytest.mark.parametrize("architecture", ["dense", "split"])
@pytest.mark.parametrize("depth", ["deep", "shallow"])
def test_a_learning_rate_beyond_the_bound_is_lowered_to_just_below(book, browser, depth, architecture):
    wanted = {"n_x": 4, "learning_rate": 0.9, "depth": depth, "architecture": architecture}
    found = view(book, browser, urlencode(wanted))
    limit = bound(replace(Dataset(), n_x=4), depth, architecture)
    assert 0.98 * limit < found["parameters"]["learning_rate"] < limit
    assert "The learning rate 0.9 is not below" in found["notes"]


@pytest.mark.parametrize("geometry", ["muon", "1.5", "sign"])
def test_so_it_is_in_another_geometry(book, browser, geometry):
    wanted = {"learning_rate": 1.0, "geometry": geometry, "depth": "shallow"}
    found = view(book, browser, urlencode(wanted))
    limit = bound(Dataset(), "shallow", "dense", geometry)
    assert 0.98 * limit < found["parameters"]["learning_rate"] < limit
    why = "stops being stable" if geometry == "1.5" else "one step is the whole way"
    assert why in found["notes"]


def test_the_address_holds_the_view(book, browser, opened):
    first = moved(opened.page, controls(settings()[100]))
    again = view(book, browser, first["hash"][1:])
    assert again["parameters"] == first["parameters"]
    assert again["result"]["strengths"][0] == first["result"]["strengths"][0]
    elsewhere = view(book, browser, "things-to-try")
    assert (elsewhere["parameters"]["n_x"], elsewhere["hash"]) == (3, "#things-to-try")


def test_the_keyboard_moves_every_control(book, browser):
    with tab(browser) as found:
        page = found.go(f"{book}/explorer.html")
        names = [control.name for control in (*explorer.DATASET, *explorer.NETWORK)]
        for name in names:
            control = page.locator(f"#explorer-{name}")
            before = page.evaluate("window.explorer.parameters")[name]
            control.focus()
            page.keyboard.press(KEYS.get(name, "ArrowRight"))
            assert page.evaluate("window.explorer.parameters")[name] != before, name
            if name in ("n_x", "k_x", "r"):
                text = page.locator(f"output[for=explorer-{name}]").inner_text()
                assert text == control.get_attribute("aria-valuetext")
        assert {name for name, _ in parse_qsl(page.evaluate("location.hash.slice(1)"))} == set(names)
        page.get_by_role("button", name="Back to the defaults").press("Enter")
        assert page.evaluate("window.explorer.parameters") == page.evaluate("window.explorer.defaults()")


def test_every_control_has_a_name_that_says_what_it_is(opened):
    for control in (*explorer.DATASET, *explorer.NETWORK):
        role = "slider" if isinstance(control, explorer.Slider) else "combobox"
        assert opened.page.get_by_role(role, name=control.meaning).count() == 1


def test_the_views_that_the_book_links_to_are_possible(book, opened):
    links = set()
    for path in HTML.rglob("*.html"):
        for tag in BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").find_all("a", href=True):
            page, _, fragment = tag["href"].partition("#")
            if "=" in fragment and (
                page.endswith("explorer.html") or (not page and path.name == "explorer.html")
            ):
                links.add(fragment)
    assert len(links) >= 5
    for fragment in links:
        assert opened.page.evaluate("p => window.explorer.clamp(p).notes", dict(parse_qsl(fragment))) == [], (
            fragment
        )


def test_the_page_asks_no_one_and_is_small():
    scripts = {path.name: path.read_text(encoding="utf-8") for path in explorer.STATIC.iterdir()}
    page = explorer.html() + "".join(text for name, text in scripts.items() if name != "moving.js")
    assert "://" not in page + scripts["moving.js"]
    assert len(page.encode()) < 48_000


def test_held_out_errors_and_shares_are_those_of_the_library(opened):
    rng = np.random.default_rng(3)
    for _ in range(60):
        n_x, a = int(rng.integers(2, 9)), float(rng.choice([0, 0.25, 1, 4, 9]))
        m = int(rng.integers(1, 2**n_x))
        chosen = rng.choice(2**n_x, m, replace=False)
        patterns = np.where(chosen & (1 << np.arange(n_x))[:, None], -1.0, 1.0)
        expected = generalisation.held_out_error(patterns, a).mean()
        found = opened.page.evaluate(
            "([n, e, a]) => window.explorer.held_out_error(n, e, a)", [n_x, chosen.tolist(), a]
        )
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
        data = Dataset(
            n_x, int(rng.integers(1, n_x + 1)), int(rng.integers(1, 4)), int(rng.integers(0, 4)), 0.7
        )
        seen, answered = int(rng.integers(0, data.k_x + 1)), int(rng.integers(0, data.k_y + 1))
        power = float(rng.choice([1.0, 1.2, 2.0, 5.0, 1e9]))
        found = opened.page.evaluate(
            "([p, q]) => window.explorer.rule_weight(p, q)",
            [{"n_x": data.n_x, "k_x": data.k_x, "r": 0.7}, power],
        )
        assert found == pytest.approx(optimisers.rule_weight(data, power), rel=1e-9)
        if n_x > 5:
            continue
        inputs, outputs = modules.input_rows(data, seen), modules.output_rows(data, answered)
        norms = modules.block_norms(data, modules.least_squares_map(data, inputs, outputs))
        expected = [theory.compositional_share(norms), norms.comp_to_comp**2 / np.sum(norms.stack() ** 2)]
        given = {"n_x": data.n_x, "n_y": data.n_y, "r": data.r}
        found = opened.page.evaluate(
            "([p, i, o]) => window.explorer.shares(p, i, o)", [given, seen, answered]
        )
        assert found == pytest.approx(expected, rel=1e-9)


def test_settings_may_stand_behind_a_question_mark(book, browser):
    with tab(browser) as found:
        page = found.go(f"{book}/explorer.html?k_x=8&architecture=split")
        used = moved(page, {})["parameters"]
        assert (used["k_x"], used["architecture"]) == (8, "split")


def test_a_note_stands_beside_what_it_is_about(book, browser):
    with tab(browser) as found:
        page = found.go(f"{book}/explorer.html#n_x=2&n_y=5")
        assert "n_y = 5 is above" in page.locator('.control[data-name="n_y"] .note').inner_text()
        assert page.locator('.control[data-name="r"] .note').inner_text() == ""


@pytest.mark.parametrize("name", ["n_x", "r", "learning_rate", "time"])
def test_on_a_phone_the_plot_stays_in_sight_of_every_control(book, browser, name):
    with tab(browser, width=375) as found:
        page = found.go(f"{book}/explorer.html")
        control = page.locator(f"#explorer-{name}")
        control.evaluate("e => e.scrollIntoView({block: 'end'})")
        plot = page.locator("#explorer-plot-strengths").bounding_box()
        place = control.bounding_box()
        assert plot["y"] >= 0
        assert plot["y"] + plot["height"] <= place["y"] + 1
        assert place["y"] + place["height"] <= 901


@pytest.mark.parametrize("width", [375, 1440])
def test_a_link_to_a_view_leads_to_what_it_changes(book, browser, width):
    with tab(browser, width=width) as found:
        page = found.go(f"{book}/explorer.html")
        page.locator('a[href*="k_x=8"]').first.click()
        page.wait_for_function("window.explorer.parameters.k_x === 8")
        box = page.locator("#explorer-plot-strengths").bounding_box()
        assert -1 <= box["y"] < 500
        assert "changed" in page.locator('.control[data-name="k_x"]').get_attribute("class")


def test_values_are_read_off_under_the_pointer_and_by_keys(book, browser):
    with tab(browser) as found:
        page = found.go(f"{book}/explorer.html")
        plot = page.locator("#explorer-plot-strengths")
        plot.hover()
        values = page.locator(".view-strengths .values")
        first = values.inner_text()
        assert "class 1" in first
        plot.focus()
        page.keyboard.press("End")
        ends = page.evaluate("window.explorer.result.strengths.map(c => c[c.length - 1].toPrecision(3))")
        assert values.inner_text() != first
        assert all(str(float(end)) in values.inner_text() for end in ends)


def test_values_under_the_pointer_are_right_where_the_screen_is_low(book, browser):
    """A plot that is too high for its box is drawn narrower: the pointer reads the time that stands under it."""
    with tab(browser, width=667) as found:
        page = found.go(f"{book}/explorer.html")
        page.set_viewport_size({"width": 667, "height": 375})
        page.locator("#explorer-n_y").evaluate("e => e.scrollIntoView({block: 'end'})")
        ticks = page.evaluate("""() => [...document.querySelectorAll("#explorer-plot-strengths text")]
          .filter(e => e.textContent === "100").map(e => e.getBoundingClientRect()).map(b => b.x + b.width / 2)""")
        box = page.locator("#explorer-plot-strengths").bounding_box()
        page.mouse.move(ticks[0], box["y"] + box["height"] / 2)
        time = float(page.locator(".view-strengths .values").inner_text().split()[1].rstrip(":"))
        assert time == pytest.approx(100, abs=3)


def test_the_link_to_a_view_is_copied(book, browser):
    with tab(browser, permissions=["clipboard-read", "clipboard-write"]) as found:
        page = found.go(f"{book}/explorer.html#k_x=5")
        page.get_by_role("button", name="Copy the link").click()
        page.wait_for_function("document.querySelector('.copied').textContent")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert "k_x=5" in copied
        assert copied.startswith(f"{book}/explorer.html#")


def test_by_finger_on_a_small_phone(book, browser):
    """A slider is moved, a thing to try is tried, values are read off and the plot is changed, all in sight."""
    with tab(browser, width=375, has_touch=True) as found:
        page = found.go(f"{book}/explorer.html")
        page.set_viewport_size({"width": 375, "height": 667})
        slider = page.locator("#explorer-k_x")
        slider.evaluate("e => e.scrollIntoView({block: 'end'})")
        place = slider.bounding_box()
        page.touchscreen.tap(place["x"] + 0.95 * place["width"], place["y"] + place["height"] / 2)
        assert page.evaluate("window.explorer.parameters.k_x") >= 7
        plot = page.locator("#explorer-plot-strengths")
        assert plot.bounding_box()["y"] >= 0
        page.locator('.bd-article p a[href="#things-to-try"]').tap()
        page.locator('a[href*="architecture=split"]').first.tap()
        page.wait_for_function("window.explorer.parameters.architecture === 'split'")
        box = plot.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] < 667
        values = page.locator(".view-strengths .values")
        page.touchscreen.tap(box["x"] + 0.3 * box["width"], box["y"] + box["height"] / 2)
        early = values.inner_text()
        page.touchscreen.tap(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
        assert "class 1" in early
        assert values.inner_text() != early
        page.get_by_role("button", name="ratio").tap()
        assert page.locator("#explorer-plot-ratio").is_visible()
        assert found.faults == []


@pytest.mark.parametrize("width", [375, 768, 1200, 1440])
def test_lettering_of_the_plots_can_be_read(book, browser, width):
    small = """() => [...document.querySelectorAll(".explorer .view > svg")].filter(e => e.checkVisibility())
      .flatMap(svg => [...svg.querySelectorAll("text, tspan")].map(e => [
        parseFloat(getComputedStyle(e).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width,
        svg.id, e.textContent]))
      .filter(([size]) => size < 8.9)"""
    with tab(browser, width=width) as found:
        page = found.go(f"{book}/explorer.html")
        assert page.locator(".explorer .view > svg text").count() > 10
        assert page.evaluate(small) == []


def figures_in_the_book() -> dict[str, str]:
    """Labels of the figures that can be moved, with their pages."""
    return {
        label: path.name
        for path in (HTML / "chapters").glob("*.html")
        for label in moving.FIGURES
        if f'id="{label}-moving"' in path.read_text(encoding="utf-8")
    }


def test_at_least_six_figures_are_moved_where_they_stand(book, browser):
    pages = figures_in_the_book()
    assert set(pages) == set(moving.FIGURES)
    assert len(pages) >= 6
    for label, page in pages.items():
        with tab(browser, width=375) as found:
            found.go(f"{book}/chapters/{page}")
            box = found.page.locator(f"#{label}-moving")
            box.locator("summary").click()
            drawing = box.locator(".view > svg")
            drawing.locator(".curve, rect").first.wait_for()
            assert drawing.bounding_box()["width"] > 250, label
            assert (
                box.locator(".legend li").count()
                == box.locator('.legend li > svg[height="8"] > path').count()
            )
            before = drawing.inner_html()
            slider = box.locator('input[name="r"]')
            slider.focus()
            for _ in range(8):
                found.page.keyboard.press("ArrowRight")
            assert drawing.inner_html() != before, label
            assert "NaN" not in drawing.inner_html()
            assert found.faults == []
