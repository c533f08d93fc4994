"""When stopping early helps the compositional outputs of a deep network: what learning the names does to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lib.linear.datasets import Dataset
from lib.linear.generalisation import train_on


def aligned_start(dataset: Dataset, training: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Balanced weights that carry every mode of a training set with the same strength, one hidden unit a mode.

    What random weights tend to as they get small and the hidden layer wide. training: a mask (P,). Returns W₁ of shape
    (1, modes, inputs) and W₂ of shape (1, outputs, modes), a batch of one run.
    """
    X, Y = dataset.X[:, training], dataset.Y[:, training]
    U, size, Vt = np.linalg.svd(Y @ X.T, full_matrices=False)
    kept = size > 1e-9 * size[0]
    return np.sqrt(strength) * Vt[None, kept], np.sqrt(strength) * U[None, :, kept]


def aligned_course(dataset: Dataset, training: np.ndarray, strength: float, span: float) -> np.ndarray:
    """Test error E_Ω of the features after every update from an aligned start, shape (epochs,).

    span: how long to train, in units of 1/(r √s), the pace at which features learn names; s is the smallest eigenvalue
    of the Gram matrix of the patterns that is not 0. The step is a tenth of 1/(‖X_s‖‖Y_s‖), so that the course is close
    to that of the flow. Source: the stopping chapter.
    """
    X, Y = dataset.X[:, training], dataset.Y[:, training]
    step = float(0.1 / (np.linalg.norm(X, 2) * np.linalg.norm(Y, 2)))
    sizes = np.linalg.svd(dataset.compositional_inputs[:, training], compute_uv=False)
    pace = min(dataset.r, 1.0) * sizes[sizes > 1e-9].min()
    W1, W2 = aligned_start(dataset, training, strength)
    return train_on(
        dataset,
        training,
        hidden=W1.shape[1],
        learning_rate=step,
        epochs=int(np.ceil(span / (step * pace))),
        init_std=0.0,
        seeds=1,
        weights=(W1, W2),
    ).test_comp[0]


def gain(course: np.ndarray, end: float) -> float:
    """How far the smallest error of a course lies below its end, as a fraction of the end; 0 if it does not."""
    return max(0.0, 1 - float(np.min(course)) / end)


def error_while_names_are_learned(dataset: Dataset, training: np.ndarray, fraction: ArrayLike) -> float:
    """Leading order of E_Ω for small r, at a time when the unkept features have learned their part of the names.

    fraction: φ in 0..1, how much of it, a number or one for each of the n_x − n_y eigenvalues of S̄ in ascending order.
    The training set, a mask (P,), has full rank. 0 and 1 give the leading order of the ridge error.
    Source: the stopping chapter.

    Raises ValueError for a training set of deficient rank and for n_y outside 1..n_x − 1.
    """
    n_x, n_y, P = dataset.n_x, dataset.n_y, dataset.P
    if not 1 <= n_y < n_x:
        raise ValueError(
            f"n_y = {n_y} leaves no features, or none unkept; it must be in 1..n_x − 1 = 1..{n_x - 1}"
        )
    patterns = dataset.compositional_inputs[:, training]
    S = patterns @ patterns.T
    if np.linalg.matrix_rank(S) < n_x:
        raise ValueError(f"the training set has rank {np.linalg.matrix_rank(S)}; it must be n_x = {n_x}")
    kept = np.linalg.inv(S[:n_y, :n_y])
    V = kept @ S[:n_y, n_y:]
    size, basis = np.linalg.eigh(S[n_y:, n_y:] - S[n_y:, :n_y] @ V)
    phi = np.broadcast_to(fraction, size.shape)
    C = basis * ((dataset.a - dataset.b * phi * (1 - phi)) / size) @ basis.T
    D = np.hstack([dataset.a * kept + V @ C @ V.T, -V @ C])
    return float(np.trace(D @ (P * np.eye(n_x) - S) @ D.T) / n_y)
