"""Initial weights of linear networks, and the strengths from which their modes grow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from lib.linear.blocks import input_blocks, output_blocks, times_block
from lib.linear.datasets import Dataset, require_memory
from lib.linear.theory import modes, singular_vectors, split_datasets
from lib.validation import Seeds, check_choice, check_count, check_positive, check_seeds

ARCHITECTURES = ("deep", "shallow", "split")


def initial_weights(
    dataset: Dataset, architecture: str, *, hidden: int, init_std: float, seeds: Seeds
) -> tuple:
    """Random weights N(0, init_std²), for every seed from a generator of its own.

    deep: (W₁ (seeds, hidden, inputs), W₂ (seeds, outputs, hidden)). shallow: (W (seeds, outputs, inputs),).
    split: a pair like deep's for the compositional and the non-compositional module, None for a missing one.
    Raises ValueError for an unknown architecture, an init_std that is not finite and positive, hidden below 1, no
    seeds or one that is not an integer from 0 on, and weights that do not fit in the memory.
    """
    check_choice("architecture", architecture, ARCHITECTURES)
    seeds = check_seeds(seeds)
    check_positive("init_std", init_std)
    if architecture == "split":
        streams = list(zip(*(np.random.SeedSequence(seed).spawn(2) for seed in seeds), strict=True))
        return tuple(
            part and _draw(_deep_shapes(part, hidden), init_std, stream)
            for part, stream in zip(split_datasets(dataset), streams, strict=True)
        )
    shallow = ((dataset.outputs, dataset.inputs),)
    return _draw(shallow if architecture == "shallow" else _deep_shapes(dataset, hidden), init_std, seeds)


def aligned_weights(dataset: Dataset, architecture: str, strengths: ArrayLike, *, hidden: int) -> tuple:
    """Weights of one run whose map is exactly Σ_α π_α u_α v_αᵀ, shared equally by the layers: no randomness.

    A deep network gives each mode a hidden unit of its own. strengths: π ≥ 0 of the three classes, shape (3,).
    Returns what initial_weights returns for one seed. Raises ValueError for an unknown architecture, strengths
    that are not 3 finite numbers from 0 on, and hidden below the number of modes.
    Source: the coupling chapter.
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


def in_fewest_units(weights: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The same deep networks with at most inputs + outputs hidden units: a change of the hidden basis.

    Gradient descent never leaves the span of the initial columns of W₁ and W₂ᵀ in hidden space, and does not
    depend on its basis; so wide networks can be trained at the cost of narrow ones, exactly. W₁ (seeds, h, inputs)
    and W₂ (seeds, outputs, h) become those of min(h, inputs + outputs) units. Source: the prediction chapter.
    """
    W1, W2 = weights
    both = np.concatenate([W1, W2.mT], axis=-1)
    R: np.ndarray = np.linalg.qr(both, mode="r")  # type: ignore[assignment]  # the stub has no mode "r"
    return R[..., : W1.shape[-1]], R[..., W1.shape[-1] :].mT


def initial_strengths(dataset: Dataset, weights: tuple) -> np.ndarray:
    """The strength π₀ from which each mode grows, read off the random initial weights: no free parameter.

    The part Z = (W₁V + W₂ᵀU)/2 of a class grows near zero, the rest decays. Within a class all modes share λ
    and δ, so any rotation of them is as good; in that of the singular vectors of Z they do not interact, and
    the squared singular values are the π₀. The directions of hidden space that earlier classes grow in are
    taken and lost to later ones: their Z is projected off them. No more modes have a start than there are hidden
    units; the others never grow.

    weights: of deep or split networks, as initial_weights returns them. Returns (seeds, modes, 3) for as many
    modes as the largest class has, hidden units permitting; nan where a class has fewer. In a split network
    class 1 is that of the compositional module, classes 2 and 3 those of the other.
    Source: the prediction chapter, propositions on the initial strength and on the directions that are taken.
    """
    if len(weights) != 2:
        raise ValueError(
            "a shallow network's strengths start at uᵀWv; give the weights of a deep or a split one"
        )
    if isinstance(weights[0], np.ndarray):
        return growing_parts(dataset, weights, np.full((3, 2), 0.5)) ** 2
    parts = zip(split_datasets(dataset), weights, ((0,), (1, 2)), strict=True)
    found = [(kinds, initial_strengths(part, pair)) for part, pair, kinds in parts if part]
    start = np.full((len(found[0][1]), max(strengths.shape[1] for _, strengths in found), 3), np.nan)
    for kinds, strengths in found:
        start[:, : strengths.shape[1], kinds] = strengths[..., kinds]
    return start


def growing_parts(
    dataset: Dataset, weights: tuple, direction: np.ndarray, order: Sequence[int] = (0, 1, 2)
) -> np.ndarray:
    """Singular values of the part d₁ W₁V + d₂ W₂ᵀU of each class, less the hidden directions that are taken.

    weights: of deep networks. direction: d of each class, (3, 2). order: the classes as they grow, the fastest
    first. Returns (seeds, modes, 3) as initial_strengths does. Source: the prediction chapter.
    """
    multiplicity, units = modes(dataset).multiplicity, weights[0].shape[1]
    sizes = np.full((len(weights[0]), min(units, multiplicity.max()), 3), np.nan)
    free = np.eye(units)
    for kind, first, second in class_parts(dataset, weights, order):
        grown = min(multiplicity[kind], units)
        taken, size, _ = np.linalg.svd(
            free @ (direction[kind, 0] * first + direction[kind, 1] * second), full_matrices=False
        )
        sizes[:, :grown, kind] = size[:, :grown]
        free = free - taken[..., :grown] @ taken[..., :grown].mT
        units -= grown
    return sizes


def class_parts(
    dataset: Dataset, weights: tuple, order: Sequence[int] = (0, 1, 2)
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """The parts W₁V and W₂ᵀU of the weights of deep networks, by class.

    weights: as initial_weights returns them. Yields the index 0, 1 or 2 of each class that the dataset has, in
    this order, and both parts, (seeds, h, n) in a basis of n patterns over examples in which the class has its
    multiplicity as rank. No matrix of the size of the dataset is formed.
    """
    W1, W2 = weights
    m = modes(dataset)
    omega, P, n_y = dataset.compositional_inputs, dataset.P, dataset.n_y
    H, T = times_block(W1, *input_blocks(dataset)), times_block(W2.mT, *output_blocks(dataset))

    def of_class(kind: int, values: np.ndarray) -> np.ndarray:
        single = values @ omega.T / np.sqrt(P)
        parts = single[..., :n_y], single[..., n_y:], values - single @ omega / np.sqrt(P)
        return parts[kind]

    for kind in (kind for kind in order if m.multiplicity[kind]):
        # For a pattern p over examples V = X p/‖X p‖ and U = Y p/‖Y p‖, hence W₁V = H p/‖X p‖.
        input_norm = np.sqrt(P * m.input_variance[kind])
        output_norm = P * m.singular_value[kind] / input_norm
        yield kind, of_class(kind, H / input_norm), of_class(kind, T / output_norm)


def _deep_shapes(dataset: Dataset, hidden: int) -> tuple[tuple[int, int], ...]:
    check_count("hidden", hidden)
    return (hidden, dataset.inputs), (dataset.outputs, hidden)


def _draw(
    shapes: tuple[tuple[int, int], ...], init_std: float, seeds: Sequence[int | np.random.SeedSequence]
) -> tuple[np.ndarray, ...]:
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
