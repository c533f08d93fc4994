"""Gradient descent with dense matrices, as the formulas read: what the structured computation is held against."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike


def step(
    cross: np.ndarray,
    inputs: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    rate: float,
    left_to_right: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """The weights (W₁, W₂) of a deep network after one step from the covariances Σ^{yx} and Σ^x.

    rate = εP, the learning rate on the mean loss. left_to_right: the product W₂W₁Σ^x from its left end, whose
    cost is cubic in P, not from its right end, quadratic in P (lib.linear.cost.dense_step).
    """
    error = cross - (W2 @ W1 @ inputs if left_to_right else W2 @ (W1 @ inputs))
    return W1 + rate * W2.T @ error, W2 + rate * error @ W1.T


def descend(
    X: np.ndarray, Y: np.ndarray, weights: tuple[ArrayLike, ArrayLike], learning_rate: float, epochs: int
) -> Iterator[np.ndarray]:
    """Gradient descent on ½‖Y − W₂W₁X‖²; yields the map W₂W₁ before each of the `epochs` steps.

    weights: (W₁ (h, inputs), W₂ (outputs, h)). Raises ValueError when the map is no longer finite.
    """
    W1, W2 = (np.array(matrix, dtype=float) for matrix in weights)
    for epoch in range(epochs):
        found = W2 @ W1
        if not np.isfinite(found).all():
            raise ValueError(
                f"gradient descent diverged at epoch {epoch} with learning_rate = {learning_rate}; lower it"
            )
        yield found
        gradient = (Y - found @ X) @ X.T
        W1, W2 = W1 + learning_rate * W2.T @ gradient, W2 + learning_rate * gradient @ W1.T
