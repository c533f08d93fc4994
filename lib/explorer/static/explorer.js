/* The page "Explorer": its controls, its address, its plots. */
(() => {
  "use strict";
  const root = document.getElementById("explorer-root");
  const settings = JSON.parse(root.querySelector(".settings").textContent);
  const { sliders, choices, dashes, labels } = settings;
  const { compute, QUADRANTS } = window.bookTheory, { rows } = window.bookGeometry, { brief, matrix, plot } = window.bookDrawing;
  const { defaults, clamp } = window.bookParameters(settings);
  const form = root.querySelector("form"), views = root.querySelector(".views");
  const api = { clamp, defaults, compute: (p) => compute({ ...defaults(), ...p }), held_out_error: window.bookTheory.held_out_error, shares: window.bookTheory.shares, rule_weight: window.bookGeometry.rule_weight };
  const svg = (name) => document.getElementById(`explorer-plot-${name}`);

  const address = (p) => "#" + new URLSearchParams(p);
  const addressed = () => { // settings stand behind # or ?; anything else behind # is a place on the page
    const given = [location.hash.slice(1), location.search.slice(1)].find((text) => text.includes("="));
    return given ? Object.fromEntries(new URLSearchParams(given)) : null;
  };

  function draw(p, result) {
    const { times, strengths, ratio, X, Y } = result, norms = Object.values(result.norms);
    const last = (curve) => curve[curve.length - 1];
    const missing = rows(p) ? "not known in this geometry" : "absent";
    const ends = (curve) => (Number.isFinite(last(curve)) ? brief(last(curve)) : missing);
    const until = `from 0 to ${brief(last(times))} epochs`;
    const course = (name, title, curves, least) => plot(svg(name), {
      title, x: times, xlog: p.time === "logarithmic", least,
      empty: name === "ratio" ? "no compositional output, no ratio" : "no closed form here: see norms and ratio",
      curves: curves.map((y, i) => ({ y, colour: `${name}-${i}`, dash: dashes[i], label: labels[name][i] ?? "ratio" })),
    });
    course("strengths", `Strengths ${until}. They end at: ` +
      strengths.map((curve, i) => `class ${i + 1} ${ends(curve)}`).join(", "), strengths);
    course("norms", `Quadrant norms ${until}. They end at: ` +
      norms.map((curve, i) => `${QUADRANTS[i].replaceAll("_", " ")} ${ends(curve)}`).join(", "), norms);
    course("ratio", `The coupling ratio ${until}: ${ends(ratio)}, at all times the same`, [ratio], 1);
    for (const [name, letter, M, copies] of [["X", "x", X, p.k_x], ["Y", "y", Y, p.k_y]])
      matrix(svg(name), letter, `${name}: ${M.features} rows of features of plus or minus 1 over ${copies} identity ` +
        `blocks of scale ${brief(p.r)}; ${M.rows} rows, ${M.columns} columns`, M, copies, p.r);
    root.querySelector("tbody").innerHTML = result.modes.map((mode, i) =>
      `<tr><th scope="row">${i + 1}</th><td>${mode.multiplicity}</td>` +
      ["singular_value", "input_variance", "asymptote"].map((key) =>
        `<td>${mode.multiplicity ? brief(mode[key]) : "–"}</td>`).join("") + "</tr>").join("");
    const share = 1 / (1 + last(ratio) ** 2);
    root.querySelector(".summary").textContent = p.n_y
      ? `Coupling ratio ${brief(last(ratio))}, at every moment: ${brief(100 * share)} % of the squared map to the ` +
        "compositional output reads compositional inputs. In the end the rule has " +
        `${brief(100 * result.rule_weight)} % of the prediction, the identity inputs the rest.`
      : "There is no compositional output, so no coupling ratio.";
  }

  function update(wanted, { write = false } = {}) {
    const before = api.parameters, { parameters: p, notes, about } = clamp(wanted);
    api.parameters = p;
    api.result = compute(p);
    for (const [name, { logarithmic }] of Object.entries(sliders)) {
      const input = form.elements[name];
      input.value = logarithmic ? Math.log10(p[name]) : p[name];
      input.setAttribute("aria-valuetext", brief(p[name]));
      root.querySelector(`output[for="${input.id}"]`).textContent = brief(p[name]);
    }
    for (const name of Object.keys(choices)) form.elements[name].value = p[name];
    root.querySelector(".notes").textContent = notes.join(" ");
    for (const control of form.querySelectorAll(".control")) { // what was adjusted is said where it was
      const own = notes.filter((_, i) => about[i] === control.dataset.name);
      control.querySelector(".note").textContent = own.join(" ");
      control.classList.toggle("changed", Boolean(before) && before[control.dataset.name] !== p[control.dataset.name]);
    }
    draw(p, api.result);
    if (write) history.replaceState(null, "", location.pathname + address(p));
  }

  function moved(event) {
    const { name, value } = event.target;
    const exact = sliders[name]?.logarithmic ? Number((10 ** value).toPrecision(2)) : value;
    update({ ...api.parameters, [name]: exact }, { write: event.type === "change" });
  }

  function visit() { // a link to a view: go there, so that one sees what it changes
    if (!addressed()) return;
    update(addressed());
    root.scrollIntoView({ block: "start" });
  }

  async function copy(button) {
    const link = location.href.split(/[?#]/)[0] + address(api.parameters), said = root.querySelector(".copied");
    history.replaceState(null, "", location.pathname + address(api.parameters));
    try {
      await navigator.clipboard.writeText(link);
      said.textContent = "Copied.";
    } catch {
      said.textContent = `It stands in the address line: ${link}`;
    }
  }

  function choose(name) { // on a narrow screen one plot stays in sight
    views.dataset.shown = name;
    for (const button of root.querySelectorAll(".chooser button")) button.setAttribute("aria-pressed", button.value === name);
  }

  // The theme follows headings while the reader scrolls, and takes every #... for one.
  document.body.removeAttribute("data-bs-spy");
  form.addEventListener("input", moved);
  form.addEventListener("change", moved);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    update({}, { write: true });
  });
  root.querySelector(".copy").addEventListener("click", copy);
  root.querySelector(".chooser").addEventListener("click", ({ target }) => target.value && choose(target.value));
  window.addEventListener("hashchange", visit);
  window.explorer = api;
  choose("strengths");
  update(addressed() ?? {});
})();
