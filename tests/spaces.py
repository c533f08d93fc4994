"""Strategies over the space of datasets, and the plain dense computation that serves as the second route."""

import numpy as np
from hypothesis import strategies as st

from lib.datasets import Dataset
from lib.theory import singular_vectors


@st.composite
def datasets(draw, largest=4, least_k=0):
    """Any valid dataset of at most `largest` features; the degenerate ones are in."""
    n_x = draw(st.integers(1, largest))
    n_y = draw(st.integers(0, n_x))
    k_x, k_y = draw(st.integers(least_k, 3)), draw(st.integers(max(least_k, int(n_y == 0)), 3))
    return Dataset(n_x, n_y, k_x, k_y, draw(st.floats(0.25, 3)))


def class_means(dataset, W):
    """Mean of uᵀWv over the modes of each class, shape (3,), nan for an absent one."""
    U, V, kind = singular_vectors(dataset)
    strengths = np.einsum("om,oi,im->m", U, W, V)
    return np.array([strengths[kind == c].mean() if (kind == c).any() else np.nan for c in (1, 2, 3)])


def quadrants(dataset, W):
    """The four Frobenius norms in the order of QuadrantNorms' fields."""
    rows, columns = np.split(W, [dataset.n_y]), [dataset.n_x]
    return np.array([np.linalg.norm(part) for row in rows for part in np.split(row, columns, axis=1)])


def fields(norms):
    """QuadrantNorms as an array (..., 4)."""
    return np.stack(
        [norms.comp_to_comp, norms.noncomp_to_comp, norms.comp_to_noncomp, norms.noncomp_to_noncomp], axis=-1
    )


def dense_descent(dataset, weights, learning_rate, epochs):
    """Gradient descent on dense X and Y from one run's weights (W,) or (W₁, W₂): yields map and loss."""
    X, Y = dataset.X, dataset.Y
    weights = [w.copy() for w in weights]
    for _ in range(epochs):
        W = weights[-1] @ weights[0] if len(weights) == 2 else weights[0]
        error = Y - W @ X
        yield W, (error**2).sum() / 2
        gradient = error @ X.T
        if len(weights) == 2:
            W1, W2 = weights
            weights = [W1 + learning_rate * W2.T @ gradient, W2 + learning_rate * gradient @ W1.T]
        else:
            weights = [W + learning_rate * gradient]
