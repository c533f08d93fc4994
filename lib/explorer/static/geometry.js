/* The closed forms of lib.linear.optimisers and flows, a second time: other geometries than gradient descent's. */
window.bookGeometry = (() => {
  "use strict";

  const power = ({ geometry = "gradient" }) => // the p of Σ|w|^p; Muon's map is gradient descent's
    ({ gradient: 2, muon: 2, sign: Infinity })[geometry] ?? Number(geometry);
  const rows = ({ geometry = "gradient" }) => geometry !== "gradient" && geometry !== "muon"; // only compositional outputs known

  function rule_weight(p, power) { // on its own feature, of the map of least Σ|w|^p
    if (p.k_x === 0) return 1;
    const P = 2 ** p.n_x;
    if (power === 1) return P === p.r ? NaN : Number(p.r < P);
    return 1 / (1 + Math.exp(Math.log(p.k_x * p.r) - Math.log(P / p.r) / (power - 1)));
  }

  const coupling_ratio = (p, power) => Math.sqrt(p.k_x * 2 ** p.n_x) * (p.r / 2 ** p.n_x) ** (1 / (power - 1));

  function digamma(x) {
    let shift = 0;
    for (; x < 9; x++) shift -= 1 / x;
    const y = 1 / (x * x);
    return shift + Math.log(x) - 1 / (2 * x) - y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y / 132))));
  }

  function way(c, logit) { // ln of u^c F(1, c; c + 1; u), for the share u with these odds: when it is reached
    const u = 1 / (1 + Math.exp(-logit)), left = 1 / (1 + Math.exp(logit));
    let sum = 0;
    if (u <= 0.5) for (let k = 0, term = 1; k < 60; k++, term *= u) sum += (c * term) / (c + k);
    else { // around u = 1
      let term = c, [one, other] = [digamma(1), digamma(c)];
      for (let n = 0; n < 160; n++) {
        sum += term * (one - other - Math.log(left));
        one += 1 / (n + 1);
        other += 1 / (c + n);
        term *= (left * (c + n)) / (n + 1);
      }
    }
    return c * Math.log(u) + Math.log(sum);
  }

  const scale = (p, power) => (power - 1) * Math.log(rule_weight(p, power)) - Math.log(2 ** p.n_x * p.learning_rate);

  function share(p, power, time) { // of the rule's way, in steps from zero
    if (power === Infinity) return Math.min(1, (p.learning_rate * time) / rule_weight(p, power));
    if (time === 0) return 0;
    const wanted = Math.log(time) - scale(p, power);
    let [low, high] = [-700, 36];
    for (let halving = 0; halving < 64; halving++) {
      const middle = (low + high) / 2;
      if (way(power - 1, middle) < wanted) low = middle;
      else high = middle;
    }
    return 1 / (1 + Math.exp(-low));
  }

  const arrival = (p, power) => // when 99 % of the way are done
    power === Infinity ? rule_weight(p, power) / p.learning_rate : Math.exp(way(power - 1, Math.log(99)) + scale(p, power));

  const longest = (p, power) => // learning rate: stable at the end, or not past the end in a single step
    power === Infinity ? rule_weight(p, power) : (2 * (power - 1) * rule_weight(p, power) ** (power - 1)) / 2 ** p.n_x;

  return { arrival, coupling_ratio, longest, power, rows, rule_weight, share };
})();
