"""Large datasets: too few hidden units, systematic in effect, and what decides about held-out examples."""

from fractions import Fraction

import numpy as np

from lib.datasets import Dataset
from lib.theory import modes


def greedy_strengths(dataset: Dataset, weights: tuple) -> np.ndarray:
    """The strength π₀ from which each mode of a deep network grows when hidden units may be too few.

    Each class starts from its part Z = (W₁V + W₂ᵀU)/2 of the weights, less the hidden directions that the
    classes before it have taken; the π₀ are the largest eigenvalues of ZᵀZ. No more than h modes have one.

    weights: (W₁ (h, inputs), W₂ (outputs, h)) of one network. Returns (largest number of modes found, 3), nan
    where a class has fewer. Source: chapter 8; an approximation for small weights and well separated λ.
    """
    W1, W2 = weights
    m, omega = modes(dataset), dataset.compositional_inputs
    P, n_x, n_y = dataset.P, dataset.n_x, dataset.n_y
    H = W1[:, :n_x] @ omega + dataset.r * W1[:, n_x:].reshape(len(W1), dataset.k_x, P).sum(axis=1)
    T = W2.T[:, :n_y] @ omega[:n_y] + dataset.r * W2.T[:, n_y:].reshape(len(W1), dataset.k_y, P).sum(axis=1)
    free, found = np.eye(len(W1)), [np.array([])] * 3
    for kind in np.flatnonzero(m.multiplicity):
        input_norm = np.sqrt(P * m.input_variance[kind])
        Z = (H / input_norm + T / (P * m.singular_value[kind] / input_norm)) / 2
        single = Z @ omega.T / np.sqrt(P)
        part = (single[:, :n_y], single[:, n_y:], Z - single @ omega / np.sqrt(P))[kind]
        taken, size, _ = np.linalg.svd(free @ part, full_matrices=False)
        grown = min(m.multiplicity[kind], round(np.trace(free)))
        found[kind] = size[:grown] ** 2
        free = free - taken[:, :grown] @ taken[:, :grown].T
    start = np.full((max(map(len, found)), 3), np.nan)
    for kind, values in enumerate(found):
        start[: len(values), kind] = values
    return start


def examples_for_level(a: float, level: float) -> Fraction:
    """The number of examples from which compositional inputs make at least this share of the output.

    The share is P/(P + a), so P >= a s/(1 − s); exact for the decimal fraction that `level` shows.
    Raises ValueError for a level outside 0..1 or a negative a. Source: chapter 8.
    """
    share = Fraction(str(level))
    if not 0 < share < 1:
        raise ValueError(f"level = {level!r} must lie between 0 and 1, both excluded")
    if not (np.isfinite(a) and a >= 0):
        raise ValueError(f"a = {a!r} is not finite and at least 0; a = k_x r²")
    return Fraction(a) * share / (1 - share)


def features_for_level(a: float, level: float) -> int:
    """The smallest n_x >= 1 whose full dataset of 2**n_x examples reaches the level of examples_for_level."""
    needed = examples_for_level(a, level)
    return max(1, (-(-needed.numerator // needed.denominator) - 1).bit_length() if needed > 0 else 1)


def held_out_error(patterns: np.ndarray, a: float) -> np.ndarray:
    """Mean squared error on all examples that were not trained on, one value a compositional feature.

    patterns: (n_x, m), the distinct patterns trained on, m < P. A network trained to the end from small
    weights maps them by S(S + aI)⁺ with S = patterns patternsᵀ (chapter 6). The held-out patterns ω have
    Σ ωωᵀ = P I − S, so that none of them is enumerated. Source: chapter 8.
    """
    n_x, m = patterns.shape
    S, identity = patterns @ patterns.T, np.eye(n_x)
    missing = identity - S @ np.linalg.pinv(S + a * identity, hermitian=True)
    return np.einsum("ij,jk,ik->i", missing, 2.0**n_x * identity - S, missing) / (2**n_x - m)
