"""Strategies over the space of datasets, and the plain dense computation that serves as the second route."""

import numpy as np
from hypothesis import strategies as st

from lib.linear.datasets import Dataset
from lib.linear.theory import singular_vectors

generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@st.composite
def datasets(draw, largest=4, most_k=3, least_k=0, scales=(0.25, 3), **least):
    """Any valid dataset of at most `largest` features; the degenerate ones are in.

    most_k, least_k: bounds of k_x and k_y. scales: bounds of r. n_y, k_x, k_y: the least values of their own.
    """
    n_x = draw(st.integers(max(1, least.get("n_y", 0)), largest))
    n_y = draw(st.integers(least.get("n_y", 0), n_x))
    k_x = draw(st.integers(max(least_k, least.get("k_x", 0)), most_k))
    k_y = draw(st.integers(max(least_k, least.get("k_y", 0), int(n_y == 0)), most_k))
    return Dataset(n_x, n_y, k_x, k_y, draw(st.floats(*scales)))


def class_strengths(dataset, W):
    """The strengths uᵀWv of the modes of each class, a list of three arrays."""
    U, V, kind = singular_vectors(dataset)
    strengths = np.einsum("om,oi,im->m", U, W, V)
    return [strengths[kind == c] for c in (1, 2, 3)]


def class_means(dataset, W):
    """Mean of the strengths of each class, shape (3,), nan for an absent one."""
    return np.array([s.mean() if s.size else np.nan for s in class_strengths(dataset, W)])


def quadrants(dataset, W):
    """The four Frobenius norms in the order of QuadrantNorms' fields."""
    rows, columns = np.split(W, [dataset.n_y]), [dataset.n_x]
    return np.array([np.linalg.norm(part) for row in rows for part in np.split(row, columns, axis=1)])


def least_squares(dataset):
    """The map Y X⁺."""
    return dataset.Y @ np.linalg.pinv(dataset.X)


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
