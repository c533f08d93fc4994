"""Large datasets: too few hidden units, systematic in effect, and what decides about held-out examples."""

from fractions import Fraction

import numpy as np

from lib.linear.datasets import Dataset
from lib.linear.generalisation import feature_errors
from lib.linear.theory import modes
from lib.linear.weights import class_parts


def greedy_strengths(dataset: Dataset, weights: tuple) -> np.ndarray:
    """The strength π₀ from which each mode of a deep network grows when hidden units may be too few.

    As networks.initial_strengths, but each class starts from its part of the weights less the hidden directions
    that the classes before it have taken; no more than h modes have a start.

    Returns (seeds, at most h, 3), nan where a class has fewer modes that grow. Source: chapter 8; an
    approximation for small weights and well separated λ.
    """
    multiplicity = modes(dataset).multiplicity
    runs, units, _ = weights[0].shape
    start = np.full((runs, min(units, multiplicity.max()), 3), np.nan)
    free = np.eye(units)
    for kind, part in class_parts(dataset, weights):
        taken, size, _ = np.linalg.svd(free @ part, full_matrices=False)
        grown = min(multiplicity[kind], units)
        start[:, :grown, kind] = size[:, :grown] ** 2
        free = free - taken[..., :grown] @ taken[..., :grown].mT
        units -= grown
    return start


def examples_for_level(a: float, level: float) -> Fraction:
    """The number of examples from which compositional inputs make at least this share of the output.

    The share is P/(P + a), so P >= a ℓ/(1 − ℓ) for level ℓ; exact for the decimal fraction that `level` shows.
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
    """Mean squared error on an example that was not trained on, one value a compositional feature.

    patterns: (n_x, m), the distinct patterns trained on, m < P. Source: chapter 8, theorem on held-out examples.
    """
    n_x, m = patterns.shape
    return feature_errors(patterns, a) / (2**n_x - m)
