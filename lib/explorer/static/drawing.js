/* Plots as plain SVG. Colours are custom properties of the style sheet, which has them for both grounds. */
window.bookDrawing = (() => {
  "use strict";

  const brief = (value) => { // three digits
    if (!Number.isFinite(value)) return "–";
    const [digits, power] = value.toExponential(2).split("e");
    if (value === 0 || (power >= -3 && power < 6)) return String(Number(value.toPrecision(3)));
    const ten = "10" + [...String(Number(power))].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]).join("");
    return Number(digits) === 1 ? ten : `${Number(digits)}\u202f·\u202f${ten}`;
  };
  const text = (x, y, content, more = "") => `<text x="${x}" y="${y}" ${more}>${content}</text>`;
  const upright = (x, y, content) => `<text transform="translate(${x} ${y}) rotate(-90)" text-anchor="middle">${content}</text>`;
  const BOX = { left: 60, right: 404, top: 10, bottom: 196, width: 420, height: 234 };

  function ticks(end) { // round numbers, about four
    const power = 10 ** Math.floor(Math.log10(end / 4));
    const step = power * [1, 2, 5, 10].find((factor) => end / (power * factor) <= 5);
    return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, i) => i * step);
  }

  function axis(low, high, from, to, logarithmic) { // where a value stands, and the round values
    if (!logarithmic) return { at: (v) => from + ((to - from) * (v - low)) / (high - low), marks: ticks(high).filter((v) => v >= low) };
    const [a, b] = [Math.log10(low), Math.log10(high)];
    const powers = Array.from({ length: Math.floor(b + 1e-9) - Math.floor(a) + 1 }, (_, i) => 10 ** (Math.floor(a) + i));
    const marks = powers.flatMap((power) => (b - a < 2 ? [power, 2 * power, 5 * power] : [power])).filter((v) => v >= low * (1 - 1e-9) && v <= high * (1 + 1e-9));
    return { at: (v) => from + ((to - from) * (Math.log10(Math.max(v, low)) - a)) / (b - a), marks };
  }

  /* x: values along the axis; curves: [{y, colour, dash, label, band: [low, high]}]; colour: the name of a property. */
  function plot(svg, { title, x, curves, xlabel = "time (epochs)", ylabel = "", xlog = false, ylog = false, least = 1e-9, low = 0, empty = "" }) {
    const { right, top, bottom, width, height } = BOX, left = ylabel ? BOX.left : BOX.left - 14;
    const finite = curves.flatMap(({ y, band }) => [...y, ...(band ? band[1] : [])]).filter(Number.isFinite);
    const end = x[x.length - 1], high = (ylog ? 1 : 1.05) * Math.max(finite.length ? least : 1, ...finite);
    const across = axis(xlog ? x.find((v) => v > 0) : 0, end, left, right, xlog), up = axis(ylog ? low : 0, high, bottom, top, ylog);
    const grid = (d) => `<path d="${d}" stroke="var(--grid)"/>`;
    const parts = across.marks.map((v) => grid(`M${across.at(v)} ${top}V${bottom}`) + text(across.at(v), bottom + 17, brief(v), 'text-anchor="middle"'));
    parts.push(...up.marks.map((v) => grid(`M${left} ${up.at(v)}H${right}`) + text(left - 6, up.at(v) + 4, brief(v), 'text-anchor="end"')));
    parts.push(`<path d="M${left} ${top}V${bottom}H${right}" stroke="currentColor" fill="none"/>`);
    parts.push(text((left + right) / 2, bottom + 34, xlabel, 'text-anchor="middle"'), upright(12, (top + bottom) / 2, ylabel));
    const point = (v, i) => `${across.at(x[i]).toFixed(1)} ${up.at(v).toFixed(1)}`;
    for (const { y, colour, dash = "", band } of curves) {
      if (!y.some(Number.isFinite)) continue;
      if (band) {
        const edge = [...band[0].map(point), ...band[1].map(point).reverse()];
        parts.push(`<path d="M${edge.join("L")}Z" fill="var(--${colour})" fill-opacity="0.2"/>`);
      }
      parts.push(`<path class="curve" d="M${y.flatMap((v, i) => (Number.isFinite(v) ? point(v, i) : [])).join("L")}" fill="none" stroke="var(--${colour})" stroke-width="2.5" stroke-dasharray="${dash}"/>`);
    }
    if (!finite.length) parts.push(text((left + right) / 2, (top + bottom) / 2, empty, 'text-anchor="middle"'));
    parts.push('<g class="reading"></g>');
    put(svg, title, width, height, parts);
    svg.reading = { x, curves, across, up, xlabel };
    read(svg);
  }

  /* Values under the pointer, or where the arrow keys have moved the line to. */
  function read(svg) {
    if (svg.reread) return svg.reread();
    svg.setAttribute("tabindex", "0");
    const out = document.createElement("p");
    out.className = "values";
    out.setAttribute("aria-live", "polite");
    svg.after(out);
    let place = svg.reading.x.length - 1;
    const show = (index) => {
      const { x, curves, across, up, xlabel } = svg.reading, { top, bottom } = BOX;
      place = Math.min(x.length - 1, Math.max(0, index));
      const here = across.at(x[place]);
      const dots = curves.filter(({ y }) => Number.isFinite(y[place])).map(({ y, colour }) =>
        `<circle cx="${here}" cy="${up.at(y[place])}" r="3.5" fill="var(--${colour})"/>`);
      svg.querySelector(".reading").innerHTML = `<path d="M${here} ${top}V${bottom}" stroke="currentColor" stroke-dasharray="2 2"/>${dots.join("")}`;
      out.innerHTML = `${xlabel.replace(/ \(.*/, "")} ${brief(x[place])}: ` + curves.map(({ y, label }) => `<span class="kept">${label} <b>${brief(y[place])}</b></span>`).join(", ");
    };
    svg.reread = () => show(place);
    show(place);
    const pointed = (event) => {
      const { x, across } = svg.reading, drawn = svg.getScreenCTM().inverse(); // a low screen makes the drawing narrower than its box
      const wanted = new DOMPoint(event.clientX, event.clientY).matrixTransform(drawn).x;
      show(x.reduce((best, v, i) => (Math.abs(across.at(v) - wanted) < Math.abs(across.at(x[best]) - wanted) ? i : best), 0));
    };
    svg.addEventListener("pointermove", pointed);
    svg.addEventListener("pointerdown", pointed);
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: 20, PageDown: -20, Home: -1e9, End: 1e9 }[event.key];
      if (!step) return;
      event.preventDefault();
      show(place + step);
    });
  }

  /* X or Y: its blocks, red positive and blue negative. */
  function matrix(svg, letter, title, { rows, columns, features, entries }, copies, r) {
    const [gutter, width, height] = [34, 420, 300];
    const cell = Math.min((width - gutter - 2) / columns, (height - 4) / rows, 22);
    const shade = (sign, size) => {
      const chosen = entries.filter(([, , value]) => Math.sign(value) === sign && Math.abs(value) === size);
      const d = chosen.map(([row, column]) => `M${column} ${row}h1v1h-1z`).join("");
      return `<path d="${d}" fill="var(--sign-${sign > 0 ? 0 : 1})" fill-opacity="${size / Math.max(1, r)}"/>`;
    };
    const squares = [...new Set(entries.map(([, , value]) => value))].map((v) => shade(Math.sign(v), Math.abs(v)));
    const edges = [0, features, ...Array.from({ length: copies }, (_, j) => features + (j + 1) * columns)];
    const lines = edges.map((row) => `M0 ${row}H${columns}`).join("") + `M0 0V${rows}M${columns} 0V${rows}`;
    const inside = `<g transform="translate(${gutter} 2) scale(${cell})">${squares.join("")}` +
      `<path d="${lines}" stroke="currentColor" fill="none" vector-effect="non-scaling-stroke"/></g>`;
    const symbol = (index) => `${index}<tspan dy="3" font-size="12">${letter}</tspan>`;
    const place = (index, from, to) => text(2, 6 + (cell * (from + to)) / 2, symbol(index));
    const labels = [features ? place("Ω", 0, features) : "", copies ? place("Γ", features, rows) : ""];
    put(svg, title, width, Math.max(Math.ceil(rows * cell) + 6, 24), [inside, ...labels]);
  }

  /* A table of shares from 0 to 1 as tiles that say their value. */
  function tiles(svg, title, values, xlabel, ylabel) {
    const [left, top, width] = [60, 8, 420], rows = values.length, columns = values[0].length;
    const wide = (width - left - 6) / columns, high = Math.min(44, 200 / rows);
    const parts = values.flatMap((row, j) => row.map((value, i) => {
      const [x, y] = [left + i * wide, top + (rows - 1 - j) * high];
      return `<rect x="${x}" y="${y}" width="${wide}" height="${high}" fill="var(--value)" fill-opacity="${value}" stroke="var(--grid)"/>` +
        text(x + wide / 2, y + high / 2 + 4, value.toFixed(2), `text-anchor="middle"${value > 0.55 ? ' fill="var(--on-value)"' : ""}`);
    }));
    const foot = top + rows * high;
    for (let i = 0; i < columns; i++) parts.push(text(left + (i + 0.5) * wide, foot + 16, i, 'text-anchor="middle"'));
    for (let j = 0; j < rows; j++) parts.push(text(left - 8, foot - (j + 0.5) * high + 4, j, 'text-anchor="end"'));
    parts.push(text(left + (columns * wide) / 2, foot + 34, xlabel, 'text-anchor="middle"'));
    parts.push(upright(14, Math.max(top + (rows * high) / 2, 64), ylabel));
    put(svg, title, width, Math.max(foot + 42, 140), parts);
  }

  function put(svg, title, width, height, parts) {
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-label", title);
    svg.innerHTML = parts.join("");
  }

  return { brief, matrix, plot, tiles };
})();
