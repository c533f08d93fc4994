"""Modules that see some of the inputs and serve some of the outputs: the map they end at, and their training.

A module is a linear network on chosen rows of X and of Y. Choices are boolean masks over the rows; every map is
kept at the size of the whole dataset, (outputs, inputs), with zeros where the module has no row. Dense matrices
are formed: for small datasets.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lib.linear.datasets import Dataset
from lib.linear.theory import QuadrantNorms


def input_rows(dataset: Dataset, identity: ArrayLike) -> np.ndarray:
    """Mask over the rows of X: all compositional inputs and the chosen identity units.

    identity: bool (k_x, P), entry (j, i) for the unit of example i in copy j; or the number of whole copies.
    Raises ValueError for another shape, or for more copies than there are.
    """
    return np.concatenate([np.full(dataset.n_x, True), _units(dataset, identity, "k_x")])


def output_rows(dataset: Dataset, identity: ArrayLike) -> np.ndarray:
    """Mask over the rows of Y: all compositional outputs and the chosen identity units.

    identity: as for input_rows, with k_y copies. Raises ValueError as there.
    """
    return np.concatenate([np.full(dataset.n_y, True), _units(dataset, identity, "k_y")])


def least_squares_map(dataset: Dataset, inputs: ArrayLike, outputs: ArrayLike) -> np.ndarray:
    """The map Y X⁺ of a module on its own rows: what gradient descent from small weights ends at.

    inputs, outputs: masks over the rows of X and of Y. Returns (outputs, inputs), zero outside the masks.
    Source: the modules chapter, theorem on the final map.
    """
    inputs, outputs = np.asarray(inputs, dtype=bool), np.asarray(outputs, dtype=bool)
    whole = np.zeros((dataset.outputs, dataset.inputs))
    whole[np.ix_(outputs, inputs)] = dataset.Y[outputs] @ np.linalg.pinv(dataset.X[inputs])
    return whole


def block_norms(dataset: Dataset, maps: ArrayLike) -> QuadrantNorms:
    """Quadrant norms of maps (..., outputs, inputs), from their entries; fields of shape (...)."""
    squares = np.asarray(maps) ** 2
    n_x, n_y = dataset.n_x, dataset.n_y
    return QuadrantNorms(
        comp_to_comp=np.sqrt(squares[..., :n_y, :n_x].sum((-2, -1))),
        noncomp_to_comp=np.sqrt(squares[..., :n_y, n_x:].sum((-2, -1))),
        comp_to_noncomp=np.sqrt(squares[..., n_y:, :n_x].sum((-2, -1))),
        noncomp_to_noncomp=np.sqrt(squares[..., n_y:, n_x:].sum((-2, -1))),
    )


def spans_outputs(dataset: Dataset, inputs: ArrayLike) -> bool:
    """Whether the examples without an identity unit in the module span every feature that Ω_y asks for.

    If and only if they do, the module's least-squares map has Γ_x→Ω_y = 0. Source: the modules chapter.
    """
    identity = np.asarray(inputs, dtype=bool)[dataset.n_x :].reshape(dataset.k_x, dataset.P)
    unnamed = dataset.compositional_inputs[:, ~identity.any(axis=0)]
    wanted = np.eye(dataset.n_x, dataset.n_y)
    rank = np.linalg.matrix_rank
    return bool(rank(np.hstack([unnamed, wanted])) == (rank(unnamed) if unnamed.size else 0))


def _units(dataset: Dataset, identity: ArrayLike, name: str) -> np.ndarray:
    copies, identity = getattr(dataset, name), np.asarray(identity)
    if identity.ndim == 0:
        if not 0 <= identity <= copies:
            raise ValueError(f"{identity} whole copies were asked for, but {name} = {copies}")
        return np.repeat(np.arange(copies) < identity, dataset.P)
    identity = identity.astype(bool)
    if identity.shape != (copies, dataset.P):
        raise ValueError(
            f"the identity units have shape {identity.shape}; give one row a copy and one column an example: "
            f"({copies}, {dataset.P})"
        )
    return identity.ravel()
