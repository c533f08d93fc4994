"""Remedies that a dense network has against its memory: decay, ℓ1 and dropout, on all inputs or on the identity.

Each adds to the summed loss ½‖Y − WX‖² a penalty on the map W, with a strength β:

    decay      (β/2) Σ w²
    l1         β Σ |w|
    dropout    (β/2) Σ ‖x_j‖² w²

where ‖x_j‖² is an input's sum of squares over the examples; with `identity` before the name, the same over the
identity inputs alone. Dropout, with what is left scaled up to keep the mean, has on average the penalty whose β is
the odds of being dropped.
"""

from dataclasses import dataclass

import numpy as np

from lib.linear.datasets import Dataset
from lib.linear.modules import block_norms
from lib.validation import check_choice, check_count, check_positive

KINDS = ("decay", "l1", "dropout")
REMEDIES = KINDS + tuple(f"identity {kind}" for kind in KINDS)


@dataclass(frozen=True)
class Outcome:
    """The map's ratio and the training errors, each a share of what a map of zeros leaves."""

    ratio: float  # ‖Γ_x→Ω_y‖/‖Ω_x→Ω_y‖
    comp_error: float
    noncomp_error: float  # nan without identity outputs, and where no closed form is known


def expected(dataset: Dataset, remedy: str, strength: float) -> Outcome:
    """Where a shallow network ends under a remedy, in closed form.

    Raises ValueError for an unknown remedy, a strength that is not finite and positive, a dataset without
    compositional output or identity input, and for l1 on all inputs with r = P. Source: the geometry chapter.
    """
    _check(dataset, remedy, strength)
    P, r, a, k_x = dataset.P, dataset.r, dataset.a, dataset.k_x
    if remedy == "identity l1":
        return Outcome(0.0, 0.0, np.nan)
    if remedy == "l1":
        if r == P:
            raise ValueError(f"l1 with r = P = {P}: rule and memory cost the same; take another r")
        left = min(1.0, strength / max(P, r))
        ratio = np.nan if left == 1 else 0.0 if r < P else np.inf
        return Outcome(ratio, left**2, np.nan)
    scale_rule, scale_memory = (P, r**2) if "dropout" in remedy else (1.0, 1.0)
    on_rule = 0.0 if "identity" in remedy else strength * scale_rule
    on_memory = strength * scale_memory
    forgotten = (on_memory / (a + on_memory)) ** 2
    if on_rule == 0:
        ratio, error = 0.0, 0.0
    else:
        error = 1 / (1 + P / on_rule + a / on_memory)
        ratio = np.sqrt(k_x * P) * (r / on_memory) / (P / on_rule)
    missed = (dataset.n_x * error**2 + (P - dataset.n_x) * forgotten) / P
    return Outcome(float(ratio), error**2, missed if dataset.k_y else np.nan)


def train(
    dataset: Dataset,
    remedy: str,
    strength: float,
    *,
    steps: int,
    hidden: int | None = None,
    init_std: float = 0.05,
    seed: int = 0,
) -> Outcome:
    """Gradient descent on the penalised loss, with a proximal step for ℓ1; dense matrices, for small datasets.

    A shallow network from zero, or with `hidden` a deep one from N(0, init_std²) whose penalty is still on the map,
    as dropout's is; ℓ1 is for shallow ones. Steps are the longest that are surely stable (shallow), or a fifth of
    1/(Pλ₁ + penalty) (deep). Raises ValueError as `expected`.
    """
    _check(dataset, remedy, strength)
    check_count("steps", steps)
    X, Y, n_x = dataset.X, dataset.Y, dataset.n_x
    on = np.ones(dataset.inputs)
    if "identity" in remedy:
        on[:n_x] = 0
    if "dropout" in remedy:
        on = on * (X**2).sum(axis=1)
    sparse = remedy.endswith("l1")
    quadratic = 0.0 if sparse else strength * on
    curvature = dataset.P + dataset.a + np.max(quadratic)
    if hidden is None:
        W, rate = np.zeros((len(Y), len(X))), 1 / curvature
        for _ in range(steps):
            W = W + rate * ((Y - W @ X) @ X.T - quadratic * W)
            if sparse:
                W = np.sign(W) * np.maximum(np.abs(W) - rate * strength * on, 0)
    else:
        if sparse:
            raise ValueError(f"remedy = {remedy!r} is for shallow networks; leave hidden out")
        check_count("hidden", hidden)
        rng = np.random.default_rng(seed)
        W1, W2 = (rng.normal(0, init_std, shape) for shape in ((hidden, len(X)), (len(Y), hidden)))
        rate = 0.2 / (curvature * np.sqrt((dataset.P + dataset.b) / (dataset.P + dataset.a)))
        for _ in range(steps):
            W = W2 @ W1
            down = (Y - W @ X) @ X.T - quadratic * W
            W1, W2 = W1 + rate * W2.T @ down, W2 + rate * down @ W1.T
        W = W2 @ W1
    norms = block_norms(dataset, W)
    errors = [np.sum((Y - W @ X)[rows] ** 2) for rows in (slice(dataset.n_y), slice(dataset.n_y, None))]
    powers = dataset.P * dataset.n_y, dataset.P * dataset.b
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = norms.noncomp_to_comp / norms.comp_to_comp
        shares = [np.float64(error) / power for error, power in zip(errors, powers)]
    return Outcome(float(ratio), *map(float, shares))


def _check(dataset: Dataset, remedy: str, strength: float) -> None:
    check_choice("remedy", remedy, REMEDIES)
    check_positive("strength", strength)
    if dataset.n_y == 0 or dataset.k_x == 0:
        raise ValueError("a remedy needs a compositional output and an identity input: n_y > 0 and k_x > 0")
