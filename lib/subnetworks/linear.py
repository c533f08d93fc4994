"""Subnetworks of deep linear networks ŷ = W₂W₁x: masks over W₁, the exact ones and those found by sparsification.

Networks are stacked: W₁ (n, hidden, inputs), W₂ (n, outputs, hidden). A subroutine is a boolean mask `rows` over
the outputs, those of the block that it serves.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch

from lib.subnetworks.sparsification import Sparsification, find_masks

MOST_UNITS = 16  # all subsets of a hidden layer are tried


Weights = tuple[np.ndarray, np.ndarray]  # W₁ and W₂


@dataclass(frozen=True)
class Planted:
    """A network whose two subroutines live in known hidden units."""

    W1: np.ndarray  # (1, hidden, inputs)
    W2: np.ndarray  # (1, outputs, hidden)
    rows: np.ndarray  # (2, outputs): the outputs of each subroutine
    truth: np.ndarray  # (2, 1, hidden, inputs): the weights of W₁ that each subroutine needs


def plant(
    first: Iterable[int],
    second: Iterable[int],
    *,
    hidden: int,
    inputs: int,
    outputs: int,
    rng: np.random.Generator,
) -> Planted:
    """A network by hand: two blocks of outputs that read the hidden units `first` and `second`, and no others.

    The weights are ±1 times numbers from ½ to 1½, in units that nobody reads too. Each block has `outputs` outputs,
    at least as many as units: only then are the weights into these units the only exact mask. Raises ValueError
    for units that are none of the hidden ones, and for fewer outputs than units.
    """
    units = [sorted(set(first)), sorted(set(second))]
    for chosen in units:
        if not chosen or chosen[0] < 0 or chosen[-1] >= hidden:
            raise ValueError(f"units {chosen} must be some of 0 to {hidden - 1}")
        if outputs < len(chosen):
            raise ValueError(
                f"{outputs} outputs for {len(chosen)} units; give a block as many outputs as units"
            )
    rows = np.repeat(np.eye(2, dtype=bool), outputs, axis=1)
    reads = np.zeros((2, hidden), dtype=bool)
    for read, chosen in zip(reads, units):
        read[chosen] = True
    W1, W2 = (
        rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape)
        for shape in ((1, hidden, inputs), (1, 2 * outputs, hidden))
    )
    W2 = W2 * np.repeat(reads, outputs, axis=0)
    return Planted(W1, W2, rows, np.broadcast_to(reads[:, None, :, None], (2, 1, hidden, inputs)))


def join(split_weights: tuple[Weights, Weights]) -> tuple[np.ndarray, np.ndarray]:
    """The deep network that a split one is: its modules' hidden units side by side, W₂ block-diagonal."""
    first, second = split_weights
    W1 = np.concatenate([first[0], second[0]], axis=1)
    W2 = np.zeros((len(W1), first[1].shape[1] + second[1].shape[1], W1.shape[1]))
    W2[:, : first[1].shape[1], : first[1].shape[2]] = first[1]
    W2[:, first[1].shape[1] :, first[1].shape[2] :] = second[1]
    return W1, W2


def rotate(weights: Weights, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The same functions with hidden layers turned by random rotations Q, one a network: (QW₁, W₂Qᵀ)."""
    W1, W2 = weights
    Q, R = np.linalg.qr(rng.normal(size=(len(W1), W1.shape[1], W1.shape[1])))
    Q = Q * np.sign(np.einsum("nii->ni", R))[:, None, :]  # so that Q is uniformly distributed
    return Q @ W1, W2 @ Q.mT


def block_error(W1: np.ndarray, W2: np.ndarray, X: np.ndarray, Y: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Squared error of a block's outputs over the square of its targets, (n,): 1 if they are all 0."""
    error = W2[:, rows] @ (W1 @ X) - Y[rows]
    return (error**2).sum(axis=(1, 2)) / (Y[rows] ** 2).sum()


def block_masks(
    W1: np.ndarray,
    W2: np.ndarray,
    X: np.ndarray,
    Y: np.ndarray,
    rows: np.ndarray,
    settings: Sparsification,
    *,
    penalties: Iterable[float] | None = None,
) -> np.ndarray:
    """Masks (μ, n, hidden, inputs) over W₁ that keep a block's error small, for each penalty μ.

    The loss is block_error. penalties: by default the one of the settings. Raises ValueError where no target of the
    block differs from 0.
    """
    if not np.any(Y[rows]):
        raise ValueError("the block's targets are all 0; choose rows with something to learn")
    penalties = [settings.penalty] if penalties is None else list(penalties)
    inputs, targets = torch.from_numpy(X), torch.from_numpy(Y[rows])
    readout = torch.from_numpy(np.ascontiguousarray(W2[:, rows])).repeat(len(penalties), 1, 1)
    weights = torch.from_numpy(np.ascontiguousarray(W1)).repeat(len(penalties), 1, 1)
    square = (targets**2).sum()

    def gradients(masked: list[torch.Tensor], step: int) -> list[torch.Tensor]:
        error = readout @ (masked[0] @ inputs) - targets
        return [2 / square * readout.mT @ error @ inputs.T]

    prices = np.repeat(penalties, len(W1)).tolist()
    (found,) = find_masks([weights], gradients, settings, penalties=prices)
    return found.numpy().reshape(len(penalties), *W1.shape)


def least_exact_mask(W1: np.ndarray, W2: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The smallest mask (hidden, inputs) over W₁ of one network under which the block's map is what it was.

    Tries every set of weights of every column of W₁. Raises ValueError for more than 16 hidden units.
    """
    hidden = len(W1)
    if hidden > MOST_UNITS:
        raise ValueError(f"{hidden} hidden units have 2^{hidden} subsets; take at most {MOST_UNITS}")
    removed = np.array(sorted(product([False, True], repeat=hidden), key=sum, reverse=True))
    kept = np.empty(W1.shape, dtype=bool)
    for column, weights in enumerate(W1.T):
        change = (removed * weights) @ W2[rows].T
        scale = np.linalg.norm(weights) * np.linalg.norm(W2[rows])
        exact = np.abs(change).max(axis=1) <= 1e-10 * scale
        kept[:, column] = ~removed[exact.argmax()]
    return kept
