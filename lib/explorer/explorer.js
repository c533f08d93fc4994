/* The closed forms of lib/theory.py, and what draws them. Parameters have the names they have there. */
(() => {
  "use strict";
  const root = document.getElementById("explorer-root");
  const settings = JSON.parse(root.querySelector(".settings").textContent);
  const { sliders, choices, colours, dashes, signs } = settings;
  const POINTS = 241;
  const QUADRANTS = ["comp_to_comp", "noncomp_to_comp", "comp_to_noncomp", "noncomp_to_noncomp"];

  // Theory. Classes 1, 2, 3 are the entries 0, 1, 2; a class without modes has multiplicity 0 and strength NaN.

  const weights = (p) => ({ P: 2 ** p.n_x, a: p.k_x * p.r * p.r, b: p.k_y * p.r * p.r });
  const parts = (p) => [{ ...p, k_y: 0 }, { ...p, n_y: 0 }]; // the datasets of the split network's modules

  function modes(p) {
    if (p.architecture === "split") {
      const [comp, rest] = parts(p).map((part) => modes({ ...part, architecture: "dense" }));
      return [comp[0], rest[1], rest[2]];
    }
    const { P, a, b } = weights(p);
    const multiplicity = [p.n_y, p.k_y > 0 ? p.n_x - p.n_y : 0, p.k_x > 0 && p.k_y > 0 ? P - p.n_x : 0];
    const value = [(P + a) * (P + b), (P + a) * b, a * b].map((square) => Math.sqrt(square) / P);
    const variance = [P + a, P + a, a].map((weight) => weight / P);
    return value.map((singular_value, i) => ({
      multiplicity: multiplicity[i],
      singular_value,
      input_variance: variance[i],
      asymptote: singular_value / variance[i],
    }));
  }

  const pace = (p, mode) => // of the approach to the asymptote, per epoch
    2 ** p.n_x * p.learning_rate * (p.depth === "deep" ? 2 * mode.singular_value : mode.input_variance);

  function strength(p, mode, time) {
    if (mode.multiplicity === 0) return NaN;
    const decay = Math.exp(-pace(p, mode) * time);
    return p.depth === "deep"
      ? mode.asymptote / (1 - (1 - mode.asymptote / p.initial) * decay)
      : mode.asymptote * (1 - decay) + p.initial * decay;
  }

  function quadrants(p, strengths) {
    if (p.architecture === "split") {
      const [comp, rest] = parts(p).map((part) => quadrants({ ...part, architecture: "dense" }, strengths));
      return [comp[0], comp[1], rest[2], rest[3]];
    }
    const { P, a, b } = weights(p);
    const present = modes(p).map((mode) => mode.multiplicity > 0);
    const [one, two, three] = strengths.map((s, i) => (present[i] ? s * s : 0));
    const [first, second] = [(p.n_y * one) / ((P + a) * (P + b)), ((p.n_x - p.n_y) * two) / (P + a)];
    return [
      P * P * first,
      P * a * first,
      P * b * first + P * second,
      a * b * first + a * second + (P - p.n_x) * three,
    ].map(Math.sqrt);
  }

  function bound(p) { // the learning rate below which gradient descent is stable at the solution
    const { P, a } = weights(p);
    if (p.depth === "shallow") return 2 / (P + a);
    if (p.architecture === "split") {
      const made = parts(p).filter((part) => part.n_y > 0 || part.k_y > 0);
      return Math.min(...made.map((part) => bound({ ...part, architecture: "dense" })));
    }
    const present = modes(p).filter((mode) => mode.multiplicity > 0);
    const highest = Math.max(...present.map((mode) => mode.asymptote));
    return 2 / (P * Math.max(...present.map((mode) => mode.input_variance * (mode.asymptote + highest))));
  }

  function epochs(p, present) { // from 0 until every class is within 1 % of its asymptote
    const settle = (mode) => {
      const gap = p.depth === "deep" ? mode.asymptote / p.initial - 1 : p.initial / mode.asymptote - 1;
      return Math.log(Math.max(Math.abs(gap), 0.1) / 0.01) / pace(p, mode);
    };
    const end = Number((1.1 * Math.max(...present.map(settle))).toPrecision(2));
    const share = Array.from({ length: POINTS }, (_, i) => i / (POINTS - 1));
    return p.time === "linear" ? share.map((s) => s * end) : share.map((s) => end * 1e-4 ** (1 - s));
  }

  function matrix(p, features, copies) { // X or Y: its size, and its entries other than 0 as [row, column, value]
    const P = 2 ** p.n_x, entries = [];
    for (let column = 0; column < P; column++) {
      for (let row = 0; row < features; row++)
        entries.push([row, column, (column >> (p.n_x - 1 - row)) & 1 ? -1 : 1]);
      for (let copy = 0; copy < copies; copy++) entries.push([features + copy * P + column, column, p.r]);
    }
    return { rows: features + copies * P, columns: P, features, entries };
  }

  function compute(parameters) {
    const p = { ...defaults(), ...parameters };
    const classes = modes(p), times = epochs(p, classes.filter((mode) => mode.multiplicity > 0));
    const strengths = classes.map((mode) => times.map((time) => strength(p, mode, time)));
    const course = times.map((_, t) => quadrants(p, strengths.map((curve) => curve[t])));
    const norms = QUADRANTS.map((_, i) => course.map((now) => now[i]));
    const ratio = norms[1].map((unwanted, t) => unwanted / norms[0][t]);
    return {
      modes: classes, times, strengths, ratio,
      norms: Object.fromEntries(QUADRANTS.map((name, i) => [name, norms[i]])),
      learning_rate_bound: bound(p),
      X: matrix(p, p.n_x, p.k_x),
      Y: matrix(p, p.n_y, p.k_y),
    };
  }

  // Parameters: their defaults, what the address says, and what is possible.

  const defaults = () => Object.fromEntries([
    ...Object.entries(sliders).map(([name, slider]) => [name, slider.default]),
    ...Object.entries(choices).map(([name, options]) => [name, options[0]]),
  ]);
  const brief = (value) => { // three digits
    const [digits, power] = value.toExponential(2).split("e");
    return value === 0 || (power >= -3 && power < 6) ? String(Number(value.toPrecision(3))) : `${Number(digits)}e${Number(power)}`;
  };

  function clamp(wanted) { // possible parameters, and in words what had to be changed
    const p = defaults(), notes = [];
    for (const [name, value] of Object.entries(wanted)) {
      if (name in choices) {
        if (choices[name].includes(value)) p[name] = value;
        else notes.push(`${name} = ${value} is unknown; choose ${choices[name].join(" or ")}. ${p[name]} is used.`);
      } else if (name in sliders) {
        const { limits: [low, high], whole } = sliders[name], number = value === "" ? NaN : Number(value);
        const rule = `${whole ? "a whole number" : "a number"} from ${brief(low)} to ${brief(high)}`;
        if (Number.isFinite(number)) p[name] = Math.min(high, Math.max(low, whole ? Math.round(number) : number));
        if (p[name] !== number) notes.push(`${name} = ${value} is not ${rule}; ${brief(p[name])} is used.`);
      } else notes.push(`${name} is no parameter of the explorer; it is ignored.`);
    }
    if (p.n_y > p.n_x) {
      notes.push(`n_y = ${p.n_y} is above n_x = ${p.n_x}, but compositional outputs copy inputs; n_y = ${p.n_x} is used.`);
      p.n_y = p.n_x;
    }
    if (p.n_y === 0 && p.k_y === 0) {
      notes.push("n_y = 0 and k_y = 0 leave no output; k_y = 1 is used.");
      p.k_y = 1;
    }
    const most = bound(p);
    if (p.learning_rate >= most) {
      const used = Number((0.99 * most).toPrecision(3));
      notes.push(`The learning rate ${brief(p.learning_rate)} is not below ${brief(most)}, where gradient descent ` +
        `stops being stable at the solution; ${used} is used.`);
      p.learning_rate = used;
    }
    return { parameters: p, notes };
  }

  const address = (p) => "#" + new URLSearchParams(p);
  const addressed = () => // anything else behind # is a place on the page
    location.hash.includes("=") ? Object.fromEntries(new URLSearchParams(location.hash.slice(1))) : null;

  // Drawing: plain SVG, black on nothing; the style sheet turns it over in dark mode, as it does all figures.

  const text = (x, y, content, more = "") => `<text x="${x}" y="${y}" ${more}>${content}</text>`;
  const symbol = (letter, index) => `${letter}<tspan dy="3" font-size="8">${index}</tspan>`;
  const BOX = { left: 44, right: 416, top: 10, bottom: 196, width: 420, height: 232 };

  function ticks(end) { // round numbers, about four
    const power = 10 ** Math.floor(Math.log10(end / 4));
    const step = power * [1, 2, 5, 10].find((factor) => end / (power * factor) <= 5);
    return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, i) => i * step);
  }

  function plot(name, title, times, curves, logarithmic, least = 1e-9) {
    const { left, right, top, bottom, width, height } = BOX;
    const finite = curves.flat().filter(Number.isFinite), end = times[times.length - 1];
    const high = 1.05 * Math.max(least, ...finite);
    const x = (t) => left + (right - left) * (logarithmic ? 1 + Math.log10(t / end) / 4 : t / end);
    const y = (value) => bottom - ((bottom - top) * value) / high;
    const decades = [0, 1, 2, 3, 4].map((i) => 10 ** (Math.floor(Math.log10(end)) - i)).filter((t) => t >= end * 1e-4);
    const grid = (d) => `<path d="${d}" stroke="#e0e0e0"/>`;
    const parts = (logarithmic ? decades : ticks(end)).map((t) =>
      grid(`M${x(t)} ${top}V${bottom}`) + text(x(t), bottom + 16, brief(t), 'text-anchor="middle"'));
    parts.push(...ticks(high).map((v) => grid(`M${left} ${y(v)}H${right}`) + text(left - 6, y(v) + 4, brief(v), 'text-anchor="end"')));
    parts.push(`<path d="M${left} ${top}V${bottom}H${right}" stroke="#333" fill="none"/>`);
    parts.push(text((left + right) / 2, bottom + 32, "time (epochs)", 'text-anchor="middle"'));
    curves.forEach((curve, i) => {
      if (!curve.some(Number.isFinite)) return;
      const points = curve.map((value, t) => `${x(times[t]).toFixed(1)} ${y(value).toFixed(1)}`);
      parts.push(`<path class="curve" d="M${points.join("L")}" fill="none" stroke="${colours[name][i]}" ` +
        `stroke-width="2.5" stroke-dasharray="${dashes[i]}"/>`);
    });
    show(name, title, width, height, parts);
  }

  function drawMatrix(name, letter, title, { rows, columns, features, entries }, copies, r) {
    const [gutter, width, height] = [34, 420, 300];
    const cell = Math.min((width - gutter - 2) / columns, (height - 4) / rows, 22);
    const shade = (sign, size) => {
      const chosen = entries.filter(([, , value]) => Math.sign(value) === sign && Math.abs(value) === size);
      const d = chosen.map(([row, column]) => `M${column} ${row}h1v1h-1z`).join("");
      return `<path d="${d}" fill="${signs[sign > 0 ? 0 : 1]}" fill-opacity="${size / Math.max(1, r)}"/>`;
    };
    const squares = [...new Set(entries.map(([, , value]) => value))].map((v) => shade(Math.sign(v), Math.abs(v)));
    const edges = [0, features, ...Array.from({ length: copies }, (_, j) => features + (j + 1) * columns)];
    const lines = edges.map((row) => `M0 ${row}H${columns}`).join("") + `M0 0V${rows}M${columns} 0V${rows}`;
    const inside = `<g transform="translate(${gutter} 2) scale(${cell})">${squares.join("")}` +
      `<path d="${lines}" stroke="#000" fill="none" vector-effect="non-scaling-stroke"/></g>`;
    const place = (index, from, to) => text(2, 6 + (cell * (from + to)) / 2, symbol(index, letter));
    const labels = [features ? place("Ω", 0, features) : "", copies ? place("Γ", features, rows) : ""];
    const used = Math.ceil(rows * cell) + 6;
    show(name, title, width, Math.max(used, 24), [inside, ...labels]);
  }

  function show(name, title, width, height, parts) {
    const svg = document.getElementById(`explorer-plot-${name}`);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-label", title);
    svg.innerHTML = parts.join("");
  }

  function draw(p, result) {
    const { times, strengths, ratio, X, Y } = result, norms = Object.values(result.norms);
    const last = (curve) => curve[curve.length - 1], ends = (curve) => (Number.isFinite(last(curve)) ? brief(last(curve)) : "absent");
    const until = `from 0 to ${brief(last(times))} epochs`, log = p.time === "logarithmic";
    plot("strengths", `Strengths ${until}. They end at: ` +
      strengths.map((curve, i) => `class ${i + 1} ${ends(curve)}`).join(", "), times, strengths, log);
    plot("norms", `Quadrant norms ${until}. They end at: ` +
      norms.map((curve, i) => `${QUADRANTS[i].replaceAll("_", " ")} ${ends(curve)}`).join(", "), times, norms, log);
    plot("ratio", `The coupling ratio ${until}: ${ends(ratio)}, at all times the same`, times, [ratio], log, 1);
    for (const [name, letter, M, copies] of [["X", "x", X, p.k_x], ["Y", "y", Y, p.k_y]])
      drawMatrix(name, letter, `${name}: ${M.features} rows of features of plus or minus 1 over ${copies} identity ` +
        `blocks of scale ${brief(p.r)}; ${M.rows} rows, ${M.columns} columns`, M, copies, p.r);
    root.querySelector("tbody").innerHTML = result.modes.map((mode, i) =>
      `<tr><th scope="row">${i + 1}</th><td>${mode.multiplicity}</td>` +
      ["singular_value", "input_variance", "asymptote"].map((key) =>
        `<td>${mode.multiplicity ? brief(mode[key]) : "–"}</td>`).join("") + "</tr>").join("");
    const share = 1 / (1 + last(ratio) ** 2);
    root.querySelector(".summary").textContent = p.n_y
      ? `Coupling ratio ${brief(last(ratio))}, at every moment: ${brief(100 * share)} % of the squared map to the ` +
        "compositional output reads compositional inputs."
      : "There is no compositional output, so no coupling ratio.";
  }

  // The page.

  const form = root.querySelector("form"), api = { compute, clamp, defaults };

  function update(wanted, { write = false } = {}) {
    const { parameters: p, notes } = clamp(wanted);
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
    draw(p, api.result);
    if (write) history.replaceState(null, "", address(p));
  }

  function moved(event) {
    const { name, value } = event.target;
    const exact = sliders[name]?.logarithmic ? Number((10 ** value).toPrecision(2)) : value;
    update({ ...api.parameters, [name]: exact }, { write: event.type === "change" });
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
  window.addEventListener("hashchange", () => addressed() && update(addressed()));
  window.explorer = api;
  update(addressed() ?? {});
})();
