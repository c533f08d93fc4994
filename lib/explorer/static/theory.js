/* The closed forms of lib.linear, a second time: so that pages need no kernel. tests/test_explorer.py compares the two.
   Parameters have the names that they have there. */
window.bookTheory = (() => {
  "use strict";
  const POINTS = 241;
  const geometry = window.bookGeometry;
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
    if (p.geometry === "muon") return muon(p, mode, p.learning_rate * time);
    const decay = Math.exp(-pace(p, mode) * time);
    return p.depth === "deep"
      ? mode.asymptote / (1 - (1 - mode.asymptote / p.initial) * decay)
      : mode.asymptote * (1 - decay) + p.initial * decay;
  }

  function muon(p, mode, way) { // π, or in a deep network its root, moves as far in every mode
    const root = p.depth === "deep" ? Math.sqrt : (x) => x, [from, to] = [root(p.initial), root(mode.asymptote)];
    const now = to > from ? Math.min(to, from + way) : Math.max(to, from - way);
    return p.depth === "deep" ? now * now : now;
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

  function bound(p) { // the learning rate below which learning is stable, or takes more than one step
    const { P, a } = weights(p);
    if (geometry.rows(p)) return geometry.longest(p, geometry.power(p));
    if (p.geometry === "muon") {
      const nearest = Math.min(...modes(p).filter((mode) => mode.multiplicity > 0).map((mode) => mode.asymptote));
      return p.depth === "deep" ? Math.sqrt(nearest) : nearest;
    }
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
      if (geometry.rows(p)) return geometry.arrival(p, geometry.power(p));
      if (p.geometry === "muon") {
        const root = p.depth === "deep" ? Math.sqrt : (x) => x;
        return Math.max(Math.abs(root(mode.asymptote) - root(p.initial)), 0.1 * root(mode.asymptote)) / p.learning_rate;
      }
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

  function whole(p, classes, times) { // every block of the map
    const strengths = classes.map((mode) => times.map((time) => strength(p, mode, time)));
    const course = times.map((_, t) => quadrants(p, strengths.map((curve) => curve[t])));
    return { strengths, norms: QUADRANTS.map((_, i) => course.map((now) => now[i])) };
  }

  function rows(p, classes, times) { // a shallow network's compositional outputs, whose rows keep their form
    const power = geometry.power(p), rule = Math.sqrt(p.n_y) * geometry.rule_weight(p, power);
    const alone = p.architecture === "split" || p.k_y === 0; // then class 1 is theirs
    const share = times.map((time) => geometry.share(p, power, time)), unknown = times.map(() => NaN);
    const wanted = share.map((u) => rule * u), ratio = geometry.coupling_ratio(p, power);
    return {
      strengths: [alone ? share.map((u) => classes[0].asymptote * u) : unknown, unknown, unknown],
      norms: [wanted, wanted.map((norm) => ratio * norm), unknown, unknown],
    };
  }

  function compute(parameters) {
    const p = parameters;
    const classes = modes(p), times = epochs(p, classes.filter((mode) => mode.multiplicity > 0));
    const { strengths, norms } = geometry.rows(p) ? rows(p, classes, times) : whole(p, classes, times);
    const ratio = norms[1].map((unwanted, t) => unwanted / norms[0][t]);
    return {
      modes: classes, times, strengths, ratio,
      rule_weight: p.n_y ? geometry.rule_weight(p, geometry.power(p)) : NaN,
      norms: Object.fromEntries(QUADRANTS.map((name, i) => [name, norms[i]])),
      learning_rate_bound: bound(p),
      X: matrix(p, p.n_x, p.k_x),
      Y: matrix(p, p.n_y, p.k_y),
    };
  }

  // Modules that see only a part (chapter "modules"): whole copies of the identity block, c_in and c_out of them.

  function shares(p, c_in, c_out) { // of the wanted quadrant: in the rows of the compositional outputs, in the whole map
    const P = 2 ** p.n_x, A = c_in * p.r * p.r, B = c_out * p.r * p.r;
    const memory = A ? ((P + A) ** 2 * (P - p.n_x) * B) / A : 0;
    return [P / (P + A), (p.n_y * P * P) / ((p.n_y * P + p.n_x * B) * (P + A) + memory)];
  }

  // Training on some of the examples (chapters "motivation" and "scale"): ridge regression with penalty a.

  function eigenvalues(matrix) { // of a symmetric matrix, by Jacobi's rotations
    const A = matrix.map((row) => [...row]), n = A.length;
    for (let sweep = 0; sweep < 60; sweep++) {
      let off = 0;
      for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) {
        off += A[i][j] * A[i][j];
        if (Math.abs(A[i][j]) < 1e-14) continue;
        const angle = 0.5 * Math.atan2(2 * A[i][j], A[j][j] - A[i][i]), [c, s] = [Math.cos(angle), Math.sin(angle)];
        for (let k = 0; k < n; k++) [A[k][i], A[k][j]] = [c * A[k][i] - s * A[k][j], s * A[k][i] + c * A[k][j]];
        for (let k = 0; k < n; k++) [A[i][k], A[j][k]] = [c * A[i][k] - s * A[j][k], s * A[i][k] + c * A[j][k]];
      }
      if (off < 1e-22) break;
    }
    return A.map((row, i) => row[i]);
  }

  function held_out_error(n_x, examples, a) { // per held-out example and feature; examples: numbers below 2^n_x
    const P = 2 ** n_x, m = examples.length, sign = (e, i) => ((e >> i) & 1 ? -1 : 1);
    const S = Array.from({ length: n_x }, (_, i) => Array.from({ length: n_x }, (_, j) =>
      examples.reduce((sum, e) => sum + sign(e, i) * sign(e, j), 0)));
    const missed = eigenvalues(S).map((s) => {
      const left = s > 1e-9 * P ? a / (s + a) : 1; // for a = 0 the inverse is the pseudoinverse
      return left * left * (P - s);
    });
    return missed.reduce((sum, x) => sum + x, 0) / (n_x * (P - m));
  }

  function drawn(P, m, random) { // m different numbers below P
    const pool = Array.from({ length: P }, (_, i) => i);
    for (let i = 0; i < m; i++) {
      const j = i + Math.floor(random() * (P - i));
      [pool[i], pool[j]] = [pool[j], pool[i]];
    }
    return pool.slice(0, m);
  }

  function generator(seed) { // mulberry32: small, and the same everywhere
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }

  function held_out_course(n_x, a, { draws = 20, seed = 1 } = {}) { // over sizes of the training set
    const P = 2 ** n_x, random = generator(seed), sizes = [];
    for (let m = 1; m < P; m = P <= 32 ? m + 1 : Math.max(m + 1, Math.round(m * 1.3))) sizes.push(m);
    const errors = sizes.map((m) => Array.from({ length: draws }, () => held_out_error(n_x, drawn(P, m, random), a)));
    return {
      sizes,
      mean: errors.map((e) => e.reduce((x, y) => x + y, 0) / draws),
      low: errors.map((e) => Math.min(...e)),
      high: errors.map((e) => Math.max(...e)),
      bound: sizes.map((m) => (a / (m + a)) ** 2),
    };
  }

  return { QUADRANTS, bound, compute, held_out_course, held_out_error, modes, shares };
})();
