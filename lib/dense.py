"""Gradient descent with dense matrices, as the formulas read: what the structured computation is held against."""

import numpy as np


def step(cross, inputs, W1, W2, rate: float, left_to_right: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The weights (W₁, W₂) of a deep network after one step from the covariances Σ^{yx} and Σ^x.

    rate = εP, the learning rate on the mean loss. left_to_right: the product W₂W₁Σ^x from its left end, whose
    cost is cubic in P, not from its right end, quadratic in P (lib.cost.dense_step).
    """
    error = cross - (W2 @ W1 @ inputs if left_to_right else W2 @ (W1 @ inputs))
    return W1 + rate * W2.T @ error, W2 + rate * error @ W1.T
