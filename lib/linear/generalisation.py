"""Training on some of the examples and testing on the others: gradient descent, and its limit in closed form.

A training set is a boolean mask over the P examples; masks of shape (..., P) are many training sets at once. An
error is the squared error summed over the examples of the split and averaged over the outputs of the block.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from lib.linear.blocks import halves
from lib.linear.datasets import Dataset
from lib.linear.weights import initial_weights
from lib.validation import Seeds

MAX_SUBSETS = 200_000


@dataclass(frozen=True)
class Errors:
    """Training and test errors by output block; nan where the dataset lacks the block."""

    train_comp: np.ndarray
    test_comp: np.ndarray
    train_noncomp: np.ndarray
    test_noncomp: np.ndarray


@dataclass(frozen=True)
class LimitErrors:
    """Test errors by output block; nan where the dataset lacks the block."""

    comp: np.ndarray | np.float64
    noncomp: np.ndarray | np.float64


def first_examples(dataset: Dataset, examples: int) -> np.ndarray:
    """The training set of the first examples, a mask of shape (P,)."""
    if not 1 <= examples <= dataset.P:
        raise ValueError(f"examples = {examples} is outside 1..P = 1..{dataset.P}")
    return np.arange(dataset.P) < examples


def training_sets(P: int, examples: int) -> np.ndarray:
    """Every training set of this size out of P examples, masks of shape (C(P, examples), P)."""
    if not 0 <= examples <= P:
        raise ValueError(f"examples = {examples} is outside 0..P = 0..{P}")
    number = comb(P, examples)
    if number > MAX_SUBSETS:
        raise ValueError(
            f"C({P}, {examples}) = {number} training sets exceed {MAX_SUBSETS}; draw some instead"
        )
    masks = np.zeros((number, P), dtype=bool)
    if examples:
        np.put_along_axis(masks, np.array(list(combinations(range(P), examples))), True, axis=1)
    return masks


def train_on(
    dataset: Dataset,
    training: ArrayLike,
    *,
    hidden: int,
    learning_rate: float,
    epochs: int,
    init_std: float,
    seeds: Seeds,
    compositional_inputs: bool = True,
    weights: tuple[np.ndarray, np.ndarray] | None = None,
) -> Errors:
    """Train deep linear networks on one training set, all runs at once; fields of shape (seeds, epochs).

    Entry e is the error after e updates. learning_rate is the step on the summed loss ½Σ‖y − ŷ‖² over the
    training examples. compositional_inputs=False takes the rows Ω_x out of the input.
    weights: start from these, (seeds, hidden, inputs) and (seeds, outputs, hidden), instead of from random ones.
    Dense: for small datasets.
    Raises ValueError for a mask of another shape, and at the first error that is not finite.
    """
    training = np.asarray(training, dtype=bool)
    if training.shape != (dataset.P,):
        raise ValueError(
            f"training has shape {training.shape}; one training set is a mask of shape ({dataset.P},)"
        )
    if weights is None:
        weights = initial_weights(dataset, "deep", hidden=hidden, init_std=init_std, seeds=seeds)
    skipped = 0 if compositional_inputs else dataset.n_x
    X, Y = dataset.X[skipped:], dataset.Y
    W1, W2 = weights[0][..., skipped:], weights[1]
    record = []
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch in range(epochs):
            H = W1 @ X
            residual = Y - W2 @ H
            if not np.isfinite(residual).all():
                raise ValueError(
                    f"training diverged at epoch {epoch}: learning_rate = {learning_rate} is too large for this "
                    "training set; lower it"
                )
            record.append(_block_means(dataset, residual**2, training))
            error = residual[..., training]
            step_W1 = learning_rate * (W2.mT @ error) @ X[:, training].T
            W2 = W2 + learning_rate * error @ H[..., training].mT
            W1 = W1 + step_W1
    return Errors(*np.moveaxis(np.array(record), 0, -1))


def limit_errors(dataset: Dataset, training: ArrayLike) -> LimitErrors:
    """Test errors of a network trained to convergence from small weights, in closed form; fields of shape (...).

    The identity inputs turn the map between the compositional blocks into ridge regression with penalty
    a = k_x r²: S_y(S + aI)⁻¹ with S = Ω_sΩ_sᵀ and S_y its first n_y rows. training: masks of shape (..., P).
    Source: the motivation chapter.
    """
    training = np.asarray(training, dtype=bool)
    n_y, P = dataset.n_y, dataset.P
    patterns = np.where(training[..., None, :], dataset.compositional_inputs, 0)
    s, E, inverse = _ridge(patterns, dataset.a)
    confused = (s * inverse**2 * (P - s)).sum(axis=-1)
    unseen = P - training.sum(axis=-1)
    nothing = np.full(training.shape[:-1], np.nan)
    return LimitErrors(
        comp=_missed(s, E[..., :n_y, :], inverse, P).mean(axis=-1) if n_y else nothing,
        noncomp=dataset.r**2 / P * (unseen + confused) if dataset.k_y else nothing,
    )


def feature_errors(patterns: np.ndarray, a: float) -> np.ndarray:
    """The test errors of limit_errors, feature by feature: squares summed over all examples not trained on.

    patterns: (..., n_x, m), the distinct patterns trained on; columns of zeros do not count. a = k_x r². No example
    is enumerated, so n_x may be large. Returns (..., n_x). Source: the motivation
    chapter, proposition on the test errors.
    """
    return _missed(*_ridge(patterns, a), 2 ** patterns.shape[-2])


def _ridge(patterns: np.ndarray, a: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvalues s and eigenvectors of the Gram matrix S of the patterns; eigenvalues of (S + aI)⁻¹ on its range."""
    s, E = np.linalg.eigh(patterns @ np.swapaxes(patterns, -1, -2))
    spanned = s > 1e-9 * 2 ** patterns.shape[-2]  # for a = 0 the inverse is the pseudoinverse
    return s, E, np.where(spanned, 1 / np.where(spanned, s + a, 1), 0)


def _missed(s: np.ndarray, E: np.ndarray, inverse: np.ndarray, P: int) -> np.ndarray:
    return (E**2 @ ((1 - s * inverse) ** 2 * (P - s))[..., None])[..., 0]


def limit_spread(dataset: Dataset, training: ArrayLike, init_std: float) -> LimitErrors:
    """Standard deviation of those test errors over random starts N(0, init_std²), to first order in init_std.

    Training leaves the weights W₁(I − Π) outside the span of the training inputs as they were, and the output
    weights have the Gram matrix W₂W₂ᵀ = (WWᵀ)^½ at the end; see the motivation chapter. One training set, a mask (P,).
    """
    training = np.asarray(training, dtype=bool)
    X, Y = dataset.X, dataset.Y
    inverse = np.linalg.pinv(X[:, training])
    W = Y[:, training] @ inverse
    left, size, _ = np.linalg.svd(W, full_matrices=False)
    output_gram = left * size @ left.T
    unseen = X[:, ~training]
    residual = Y[:, ~training] - W @ unseen
    untrained = unseen - X[:, training] @ (inverse @ unseen)
    spreads = []
    for block in halves(dataset.n_y):
        R, B = residual[block], output_gram[block, block]
        variance = 4 * np.sum((R.T @ B @ R) * (untrained.T @ untrained))
        spreads.append(init_std * np.sqrt(max(variance, 0)) / len(R) if len(R) else np.nan)
    comp, noncomp = map(np.float64, spreads)
    return LimitErrors(comp, noncomp)


def _block_means(dataset: Dataset, squares: np.ndarray, training: np.ndarray) -> list[np.ndarray]:
    """Sums over the examples of each split, means over the outputs of each block: train, test, train, test."""
    means = []
    for block in halves(dataset.n_y):
        rows = squares[:, block].sum(axis=1) / squares[:, block].shape[1] if squares[:, block].size else None
        for split in (training, ~training):
            means.append(np.full(len(squares), np.nan) if rows is None else rows[:, split].sum(axis=1))
    return means


def examples_for_level(a: float, level: float) -> Fraction:
    """The number of examples from which compositional inputs make at least this share of the output.

    The share is P/(P + a), so P >= a s₀/(1 − s₀) for level s₀; exact for the decimal fraction that `level` shows.
    Raises ValueError for a level outside 0..1 or a negative a. Source: the scale chapter.
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

    patterns: (n_x, m), the distinct patterns trained on, m < P. Source: the scale chapter, theorem on
    held-out examples.
    """
    n_x, m = patterns.shape
    return feature_errors(patterns, a) / (2**n_x - m)
