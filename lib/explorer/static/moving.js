/* Figures of the chapters that can be moved where they stand. Each is opened by the reader, and computed then. */
(() => {
  "use strict";
  const { compute, held_out_course, shares } = window.bookTheory, { rule_weight } = window.bookGeometry, { brief, plot, tiles } = window.bookDrawing;
  const colours = (name, curves, labels, dashes) =>
    curves.map((y, i) => ({ y, colour: `${name}-${i}`, dash: dashes[i], label: labels[i] }));

  const DRAW = {
    strengths(svg, p, { labels, dashes }) {
      const { times, strengths, modes } = compute(p);
      plot(svg, { title: `Strengths of the mode classes, up to ${modes.map((m) => brief(m.asymptote)).join(", ")}`, x: times, ylabel: "strength", curves: colours("strengths", strengths, labels.strengths, dashes) });
    },
    norms(svg, p, { labels, dashes }) {
      const { times, norms } = compute(p);
      plot(svg, { title: "Quadrant norms over training", x: times, ylabel: "norm", curves: colours("norms", Object.values(norms), labels.norms, dashes) });
    },
    coupling(svg, p, { labels, dashes }) {
      const { times, norms } = compute(p), chosen = [norms.comp_to_comp, norms.noncomp_to_comp];
      plot(svg, { title: "The two norms of the compositional output, and their ratio", x: times, least: 1, ylabel: "norm, or ratio of norms", curves: [
        ...colours("norms", chosen, labels.norms, dashes),
        { y: chosen[1].map((y, t) => y / chosen[0][t]), colour: "ratio-0", dash: "2 3", label: "ratio" }] });
    },
    shares(svg, p) {
      const values = Array.from({ length: p.k_y + 1 }, (_, out) =>
        Array.from({ length: p.k_x + 1 }, (_, inward) => shares(p, inward, out)[1]));
      tiles(svg, "Share of the wanted quadrant in a module's whole map, by the copies it sees", values, "copies among the inputs", "among the outputs");
    },
    geometry(svg, p) {
      const powers = Array.from({ length: 150 }, (_, i) => 10 ** (0.02 + (0.98 * i) / 149));
      const flat = (value, colour, dash, label) => ({ y: powers.map(() => value), colour, dash, label });
      plot(svg, { title: "Weight of the rule by the geometry p", x: powers, xlog: true, least: 1, xlabel: "p", ylabel: "weight of the rule", curves: [
        { y: powers.map((power) => rule_weight(p, power)), colour: "strengths-0", label: "ρ" },
        flat(rule_weight(p, 2), "strengths-1", "9 4", "gradient descent (p = 2)"),
        flat(rule_weight(p, Infinity), "strengths-2", "2 3", "sign descent (p = ∞)")] });
    },
    held_out(svg, p) {
      const a = p.k_x * p.r * p.r, { sizes, mean, low, high, bound } = held_out_course(p.n_x, a);
      const least = Math.min(...bound.filter((v) => v > 0), 1e-1);
      const curves = [{ y: mean, band: [low, high], colour: "strengths-0", label: "mean of 20 training sets" }];
      if (a > 0) curves.push({ y: bound, colour: "ratio-0", dash: "9 4", label: "bound" });
      const logarithmic = p.n_x > 5;
      plot(svg, { title: `Error per held-out example, for a = ${brief(a)}`, x: sizes, xlog: logarithmic, ylog: logarithmic && a > 0, low: least, least: 1, xlabel: "training examples", ylabel: "error per example", curves });
    },
  };

  function start(box) {
    const settings = JSON.parse(box.querySelector(".settings").textContent);
    const { sliders, fixed, draw } = settings, { clamp } = window.bookParameters({ sliders, choices: {} });
    const inputs = [...box.querySelectorAll("input")], svg = box.querySelector(".view > svg");
    const update = () => {
      const wanted = Object.fromEntries(inputs.map(({ name, value }) =>
        [name, sliders[name].logarithmic ? Number((10 ** value).toPrecision(2)) : Number(value)]));
      const { parameters, notes } = clamp(wanted), p = { ...fixed, ...parameters };
      for (const input of inputs) {
        const { logarithmic } = sliders[input.name];
        input.value = logarithmic ? Math.log10(p[input.name]) : p[input.name];
        input.setAttribute("aria-valuetext", brief(p[input.name]));
        input.previousElementSibling.textContent = brief(p[input.name]);
      }
      box.querySelector(".note").textContent = notes.join(" ");
      box.parameters = p;
      DRAW[draw](svg, p, settings);
    };
    inputs.forEach((input) => input.addEventListener("input", update));
    update();
  }

  /* Once, unless the reader wants no motion or takes over: the first slider goes from one end to its place. */
  function demonstrate(box) {
    const input = box.querySelector("input");
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const goal = Number(input.value), begin = performance.now();
    let stopped = false;
    box.addEventListener("pointerdown", () => { stopped = true; }, { once: true });
    box.addEventListener("keydown", () => { stopped = true; }, { once: true });
    const step = (now) => {
      if (stopped) return;
      const share = Math.min(1, (now - begin) / 4000), place = 0.7 * Number(input.max) * Math.sin(Math.PI * share) + goal * share;
      input.value = share < 1 ? Math.min(Number(input.max), place) : goal;
      input.dispatchEvent(new Event("input"));
      if (share < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  for (const box of document.querySelectorAll("details.moving")) {
    if (box.open) {
      start(box);
      demonstrate(box);
    } else box.addEventListener("toggle", () => start(box), { once: true });
  }
})();
