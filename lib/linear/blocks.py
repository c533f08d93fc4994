"""Products with the block matrices [Ω; rI; …; rI] that never form them."""

import numpy as np


def input_blocks(dataset):
    return dataset.compositional_inputs, dataset.k_x, dataset.r


def output_blocks(dataset):
    return dataset.compositional_outputs, dataset.k_y, dataset.r


def times_block(A, omega, copies, r):
    """A [Ω; rI; …; rI] for A (..., rows, features), without forming the block matrix."""
    n, P = omega.shape
    identity = A[..., n:].reshape(*A.shape[:-1], copies, P).sum(axis=-2)
    return A[..., :n] @ omega + r * identity


def times_block_transposed(A, omega, copies, r):
    """A [Ω; rI; …; rI]ᵀ for A (..., rows, P), without forming the block matrix."""
    return np.concatenate([A @ omega.T] + [r * A] * copies, axis=-1)


def gram(A):
    return A @ A.mT


def inner(A, B):
    return np.einsum("...ij,...ij->...", A, B)


def output_power(dataset):
    """‖Y‖²."""
    return dataset.P * (dataset.n_y + dataset.b)


def halves(n):
    return slice(None, n), slice(n, None)
