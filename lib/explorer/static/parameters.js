/* Parameters: their defaults, and what is possible. settings: {sliders, choices}, as lib.explorer tells them. */
window.bookParameters = ({ sliders, choices }) => {
  const { bound } = window.bookTheory, { rows } = window.bookGeometry, { brief } = window.bookDrawing;

  const defaults = () => Object.fromEntries([
    ...Object.entries(sliders).map(([name, slider]) => [name, slider.default]),
    ...Object.entries(choices).map(([name, options]) => [name, options[0]]),
  ]);

  /* Possible parameters; and in words what had to be changed, with the name of the parameter that it is about. */
  function clamp(wanted) {
    const p = defaults(), notes = [], about = [];
    const note = (name, words) => { notes.push(words); about.push(name); };
    for (const [name, value] of Object.entries(wanted)) {
      if (name in choices) {
        if (choices[name].includes(value)) p[name] = value;
        else note(name, `${name} = ${value} is unknown; choose ${choices[name].join(" or ")}. ${p[name]} is used.`);
      } else if (name in sliders) {
        const { limits: [low, high], whole } = sliders[name], number = value === "" ? NaN : Number(value);
        const rule = `${whole ? "a whole number" : "a number"} from ${brief(low)} to ${brief(high)}`;
        if (Number.isFinite(number)) p[name] = Math.min(high, Math.max(low, whole ? Math.round(number) : number));
        if (p[name] !== number) note(name, `${name} = ${value} is not ${rule}; ${brief(p[name])} is used.`);
      } else note(name, `${name} is no parameter of the explorer; it is ignored.`);
    }
    if (p.n_y > p.n_x) {
      note("n_y", `n_y = ${p.n_y} is above n_x = ${p.n_x}, but compositional outputs copy inputs; n_y = ${p.n_x} is used.`);
      p.n_y = p.n_x;
    }
    if (p.n_y === 0 && p.k_y === 0) {
      note("k_y", "n_y = 0 and k_y = 0 leave no output; k_y = 1 is used.");
      p.k_y = 1;
    }
    if (rows(p) && p.n_y === 0) {
      note("geometry", "n_y = 0 leaves no compositional output, the only one whose course is known there; gradient is used.");
      p.geometry = "gradient";
    }
    if (rows(p) && p.depth === "deep") {
      note("depth", "In this geometry only shallow networks have a course in closed form; shallow is used.");
      p.depth = "shallow";
    }
    const most = bound(p), stable = p.geometry !== "muon" && p.geometry !== "sign";
    if (p.learning_rate >= most) {
      const used = Number((0.99 * most).toPrecision(3));
      note("learning_rate", `The learning rate ${brief(p.learning_rate)} is not below ${brief(most)}, where ` +
        `${stable ? "learning stops being stable at the solution" : "one step is the whole way"}; ${used} is used.`);
      p.learning_rate = used;
    }
    return { parameters: p, notes, about };
  }

  return { defaults, clamp };
};
