"""Which directions of the hidden layer an output block reads, and how far two blocks read the same ones.

A block with readout W (rows an output, columns a hidden unit) reads the row space of W: hidden activity
orthogonal to it never reaches the block. Angles and shares do not change when the hidden layer is rotated.
"""

import numpy as np
from scipy.linalg import subspace_angles

from lib.linear.datasets import Dataset
from lib.linear.theory import modes


def read_directions(readout: np.ndarray, least: float = 0.05) -> np.ndarray:
    """Orthonormal basis (hidden, dimensions) of what a readout (outputs, hidden) reads.

    least: singular values below this part of the largest count as 0, since random initial weights leave a little
    in every direction. Raises ValueError for a readout that is 0.
    """
    _, values, directions = np.linalg.svd(readout, full_matrices=False)
    if values.size == 0 or values[0] == 0:
        raise ValueError("the readout is 0 and reads nothing; train the network, or give another block")
    return directions[values > least * values[0]].T


def read_angles(first: np.ndarray, second: np.ndarray, least: float = 0.05) -> np.ndarray:
    """Principal angles in degrees, the largest first, between what two readouts read."""
    bases = (read_directions(readout, least) for readout in (first, second))
    return np.degrees(subspace_angles(*bases))


def shared_share(readout: np.ndarray, other: np.ndarray) -> float:
    """Share of ‖readout‖² that lies in the row space of the other readout, which has few rows: ‖WQ‖²/‖W‖²."""
    common = readout @ read_directions(other)
    return float((common**2).sum() / np.sum(np.square(readout)))


def dense_shared_share(dataset: Dataset, strengths: np.ndarray) -> np.ndarray:
    """The share of the item-specific readout that the compositional one reads too, from strengths (..., 3).

    n_y β π₁ / (n_y β π₁ + n₂π₂ + n₃π₃) for aligned balanced weights, with the multiplicities n and the part
    β = b/(P + b) of a class-1 output vector that is item-specific. Source: the subnetworks chapter.
    """
    multiplicity = modes(dataset).multiplicity
    parts = np.where(multiplicity > 0, strengths, 0) * multiplicity
    common = parts[..., 0] * dataset.b / (dataset.P + dataset.b)
    return common / (common + parts[..., 1:].sum(axis=-1))
