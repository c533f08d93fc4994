"""Initial weights of linear networks, and the strengths from which their modes grow."""

import numpy as np

from lib.linear.blocks import input_blocks, output_blocks, times_block
from lib.linear.datasets import Dataset, require_memory
from lib.linear.theory import modes, singular_vectors, split_datasets
from lib.validation import check_choice, check_count, check_seeds

ARCHITECTURES = ("deep", "shallow", "split")


def initial_weights(dataset: Dataset, architecture: str, *, hidden: int, init_std: float, seeds) -> tuple:
    """Random weights N(0, init_std²), for every seed from a generator of its own.

    deep: (W₁ (seeds, hidden, inputs), W₂ (seeds, outputs, hidden)). shallow: (W (seeds, outputs, inputs),).
    split: a pair like deep's for the compositional and the non-compositional module, None for a missing one.
    Raises ValueError for an unknown architecture, an init_std that is not finite and positive, hidden below 1, no
    seeds or one that is not an integer from 0 on, and weights that do not fit in the memory.
    """
    check_choice("architecture", architecture, ARCHITECTURES)
    seeds = check_seeds(seeds)
    if not (np.isfinite(init_std) and init_std > 0):
        raise ValueError(f"init_std = {init_std} is not finite and positive; weights at 0 do not learn")
    if architecture == "split":
        streams = list(zip(*(np.random.SeedSequence(seed).spawn(2) for seed in seeds), strict=True))
        return tuple(
            part and _draw(_deep_shapes(part, hidden), init_std, stream)
            for part, stream in zip(split_datasets(dataset), streams, strict=True)
        )
    shallow = ((dataset.outputs, dataset.inputs),)
    return _draw(shallow if architecture == "shallow" else _deep_shapes(dataset, hidden), init_std, seeds)


def aligned_weights(dataset: Dataset, architecture: str, strengths, *, hidden: int) -> tuple:
    """Weights of one run whose map is exactly Σ_α π_α u_α v_αᵀ, shared equally by the layers: no randomness.

    A deep network gives each mode a hidden unit of its own. strengths: π ≥ 0 of the three classes, shape (3,).
    Returns what initial_weights returns for one seed. Raises ValueError for an unknown architecture, strengths
    that are not 3 finite numbers from 0 on, and hidden below the number of modes.
    Source: chapter 4.
    """
    check_choice("architecture", architecture, ARCHITECTURES)
    strengths = np.asarray(strengths, dtype=float)
    if strengths.shape != (3,) or not (np.isfinite(strengths) & (strengths >= 0)).all():
        raise ValueError(f"strengths = {strengths} must be 3 finite numbers, none negative")
    if architecture == "split":
        parts = split_datasets(dataset)
        return tuple(part and aligned_weights(part, "deep", strengths, hidden=hidden) for part in parts)
    U, V, kind = singular_vectors(dataset)
    root = np.sqrt(strengths[kind - 1])
    if architecture == "shallow":
        return ((U * root**2 @ V.T)[None],)
    check_count("hidden", hidden)
    if hidden < len(kind):
        raise ValueError(
            f"hidden = {hidden} is below {len(kind)}, the number of modes; give each mode a unit"
        )
    unit = np.eye(hidden, len(kind)) * root
    return (unit @ V.T)[None], (U @ unit.T)[None]


def initial_strengths(dataset: Dataset, weights: tuple) -> np.ndarray:
    """The strength π₀ from which each mode of a deep network grows, read off its initial weights.

    Within a class all modes share λ and δ, so any rotation of them is as good; the one in which they do not
    interact is that of the eigenvectors of ZᵀZ (see class_parts), and its eigenvalues are the π₀. Returns (seeds,
    largest multiplicity, 3), nan where a class has fewer modes. Source: chapter 3.
    """
    multiplicity = modes(dataset).multiplicity
    start = np.full((len(weights[0]), multiplicity.max(), 3), np.nan)
    for kind, part in class_parts(dataset, weights):
        found = np.linalg.svd(part, compute_uv=False)[:, : multiplicity[kind]] ** 2
        start[:, : multiplicity[kind], kind] = 0  # modes beyond the number of hidden units never grow
        start[:, : found.shape[1], kind] = found
    return start


def class_parts(dataset: Dataset, weights: tuple):
    """The part Z = (W₁V + W₂ᵀU)/2 of the weights of deep networks; near zero it grows as e^{λt/τ}, the rest decays.

    weights: as initial_weights returns them. Yields the index 0, 1 or 2 of each class that the dataset has and its
    Z, of shape (seeds, h, n) in a basis of n patterns over examples in which the class has its multiplicity as rank.
    """
    W1, W2 = weights
    m = modes(dataset)
    omega, P, n_y = dataset.compositional_inputs, dataset.P, dataset.n_y
    H, T = times_block(W1, *input_blocks(dataset)), times_block(W2.mT, *output_blocks(dataset))
    for kind in np.flatnonzero(m.multiplicity):
        # For a pattern p over examples V = X p/‖X p‖ and U = Y p/‖Y p‖, hence W₁V = H p/‖X p‖.
        input_norm = np.sqrt(P * m.input_variance[kind])
        Z = (H / input_norm + T / (P * m.singular_value[kind] / input_norm)) / 2
        single = Z @ omega.T / np.sqrt(P)
        yield kind, (single[..., :n_y], single[..., n_y:], Z - single @ omega / np.sqrt(P))[kind]


def _deep_shapes(dataset, hidden):
    check_count("hidden", hidden)
    return (hidden, dataset.inputs), (dataset.outputs, hidden)


def _draw(shapes, init_std, seeds):
    for shape in shapes:
        require_memory(
            "a weight matrix of all runs",
            (len(seeds), *shape),
            "lower n_x, k_x, k_y or the number of runs",
        )
    runs = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        runs.append([rng.normal(0, init_std, shape) for shape in shapes])
    return tuple(np.stack(matrices) for matrices in zip(*runs, strict=True))
