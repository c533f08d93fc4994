"""Products with the block matrices [Ω; rI; …; rI] that never form them."""

import numpy as np

from lib.linear.datasets import Dataset


def input_blocks(dataset: Dataset) -> tuple[np.ndarray, int, float]:
    return dataset.compositional_inputs, dataset.k_x, dataset.r


def output_blocks(dataset: Dataset) -> tuple[np.ndarray, int, float]:
    return dataset.compositional_outputs, dataset.k_y, dataset.r


def times_block(A: np.ndarray, omega: np.ndarray, copies: int, r: float) -> np.ndarray:
    """A [Ω; rI; …; rI] for A (..., rows, features), without forming the block matrix."""
    n, P = omega.shape
    identity = A[..., n:].reshape(*A.shape[:-1], copies, P).sum(axis=-2)
    return A[..., :n] @ omega + r * identity


def times_block_transposed(A: np.ndarray, omega: np.ndarray, copies: int, r: float) -> np.ndarray:
    """A [Ω; rI; …; rI]ᵀ for A (..., rows, P), without forming the block matrix."""
    return np.concatenate([A @ omega.T] + [r * A] * copies, axis=-1)


def gram(A: np.ndarray) -> np.ndarray:
    return A @ A.mT


def inner(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    return np.einsum("...ij,...ij->...", A, B)


def output_power(dataset: Dataset) -> float:
    """‖Y‖²."""
    return dataset.P * (dataset.n_y + dataset.b)


def halves(n: int) -> tuple[slice, slice]:
    return slice(None, n), slice(n, None)
