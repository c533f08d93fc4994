"""Closed forms: the singular value decomposition of a dataset, learning trajectories, quadrant norms.

Notation: P = 2**n_x examples, a = k_x r², b = k_y r²; mode classes 1, 2, 3 are the entries 0, 1, 2 of every
last axis of length 3. Times are in epochs; a learning rate ε is the step on the summed loss ½Σ‖y − ŷ‖², so
that the time constant is τ = 1/(P ε) epochs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from types import EllipsisType

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import hadamard

from lib.linear.arguments import checked_initial, checked_times, odds, steps_per_epoch
from lib.linear.datasets import Dataset

Index = int | slice | EllipsisType | np.ndarray | tuple[int | slice | EllipsisType | np.ndarray, ...]


@dataclass(frozen=True)
class Modes:
    """Singular modes of the input-output covariance, by class; every field is an array of 3.

    Class 1 carries a compositional input feature that is also an output, class 2 one that only the identity
    outputs see, class 3 the parities of the inputs that no single feature carries. A class that the dataset
    lacks has multiplicity 0; its singular value is then what the formula gives, or nan.
    """

    multiplicity: np.ndarray
    singular_value: np.ndarray  # λ, of Σ^{yx}
    input_variance: np.ndarray  # δ, eigenvalue of Σ^x along the right singular vector
    asymptote: np.ndarray  # λ/δ, what the strength tends to; nan where δ = 0


@dataclass(frozen=True)
class QuadrantNorms:
    """Frobenius norms of a network's map, split by input block (columns) and output block (rows)."""

    comp_to_comp: np.ndarray  # ‖Ω_x→Ω_y‖
    noncomp_to_comp: np.ndarray  # ‖Γ_x→Ω_y‖
    comp_to_noncomp: np.ndarray  # ‖Ω_x→Γ_y‖
    noncomp_to_noncomp: np.ndarray  # ‖Γ_x→Γ_y‖

    def __getitem__(self, index: Index) -> QuadrantNorms:
        """The same entries of each norm."""
        return QuadrantNorms(*(norm[index] for norm in vars(self).values()))

    def stack(self) -> np.ndarray:
        """All norms in one array (4, ...), in the order above."""
        return np.stack(list(vars(self).values()))


def modes(dataset: Dataset) -> Modes:
    """The singular values of Σ^{yx} and the input variances in closed form, in three classes.

    Source: the datasets chapter, theorem on the singular value decomposition; Jarvis et al. (ICLR 2023).
    """
    n_x, n_y, P, a, b = dataset.n_x, dataset.n_y, dataset.P, dataset.a, dataset.b
    identity_out, identity_through = dataset.k_y > 0, dataset.k_x > 0 and dataset.k_y > 0
    multiplicity = np.array([n_y, (n_x - n_y) * identity_out, (P - n_x) * identity_through])
    singular_value = np.sqrt([(P + a) * (P + b), (P + a) * b, a * b]) / P
    input_variance = np.array([P + a, P + a, a]) / P
    with np.errstate(invalid="ignore"):
        asymptote = singular_value / input_variance
    return Modes(multiplicity, singular_value, input_variance, asymptote)


def singular_vectors(dataset: Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Left and right singular vectors of Σ^{yx} in closed form, as matrices: for small datasets.

    Returns U (outputs, modes) and V (inputs, modes) with orthonormal columns, and the class 1, 2 or 3 of each
    mode. The patterns over examples are parities, the rows of a Hadamard matrix: single features for classes 1
    and 2, all others for class 3.

    Source: the datasets chapter, theorem on the singular value decomposition.
    """
    n_x, n_y, P, a, b, r = dataset.n_x, dataset.n_y, dataset.P, dataset.a, dataset.b, dataset.r
    kind = np.repeat([1, 2, 3], modes(dataset).multiplicity)
    single = 1 << np.arange(n_x - 1, -1, -1)
    parities = np.concatenate([single, np.setdiff1d(np.arange(P), single)])[: len(kind)]
    patterns = hadamard(P)[parities] / np.sqrt(P)

    V = np.zeros((dataset.inputs, len(kind)))
    V[:n_x] = np.where(kind < 3, np.sqrt(P), 0) * np.eye(n_x, len(kind))
    V[n_x:] = np.tile(r * patterns.T, (dataset.k_x, 1))
    U = np.zeros((dataset.outputs, len(kind)))
    U[:n_y] = np.where(kind == 1, np.sqrt(P), 0) * np.eye(n_y, len(kind))
    U[n_y:] = np.tile(r * patterns.T, (dataset.k_y, 1))
    return (
        U / np.sqrt(np.where(kind == 1, P + b, b)),
        V / np.sqrt(np.where(kind < 3, P + a, a)),
        kind,
    )


def deep_trajectory(
    dataset: Dataset, times: ArrayLike, initial: ArrayLike, learning_rate: float
) -> np.ndarray:
    """Strength of each mode class in a deep linear network under gradient flow: sigmoidal, paced by λ.

    π(t) = (λ/δ) / (1 − (1 − λ/(δ π₀)) e^{−2λt/τ}), for small, balanced, aligned initial weights.

    times: T epochs; initial: π₀ > 0, a scalar or 3. Returns (T, 3), nan for a class that the dataset lacks.
    Raises ValueError for values outside these ranges. Source: Saxe et al. (2014, 2019); the dynamics chapter.
    """
    return _deep_flow(dataset, modes(dataset), times, initial, learning_rate)


def shallow_trajectory(
    dataset: Dataset, times: ArrayLike, initial: ArrayLike, learning_rate: float
) -> np.ndarray:
    """Strength of each mode class in a shallow linear network under gradient flow: exponential, paced by δ.

    π(t) = (λ/δ)(1 − e^{−δt/τ}) + π₀ e^{−δt/τ}.

    Arguments, result and errors as for deep_trajectory, except that π₀ may be any finite number.
    Source: Saxe et al. (2014, 2019); the dynamics chapter.
    """
    return _shallow_flow(dataset, modes(dataset), times, initial, learning_rate)


def deep_learning_time(
    dataset: Dataset, initial: ArrayLike, learning_rate: float, fraction: float = 0.5
) -> np.ndarray:
    """Epoch at which each class of a deep network reaches a fraction of its asymptote, shape (3,).

    t = (τ/2λ) ln[(λ/(δπ₀) − 1) f/(1 − f)], the inverse of deep_trajectory. It is 0 or negative for π₀ of fλ/δ
    or more, minus infinity for π₀ = λ/δ, and nan above it and for a class that the dataset lacks. Raises
    ValueError for a π₀ that is not finite and positive or not one a class, a learning rate that is not finite and
    positive, and a fraction that is not between 0 and 1. Source: the dynamics chapter.
    """
    m, ratio = modes(dataset), odds(fraction)
    step = steps_per_epoch(dataset, learning_rate)
    with np.errstate(invalid="ignore", divide="ignore"):
        growth = np.log((m.asymptote / checked_initial(initial, positive=True) - 1) * ratio)
        return _present(m, growth / (2 * m.singular_value * step))


def shallow_learning_time(dataset: Dataset, learning_rate: float, fraction: float = 0.5) -> np.ndarray:
    """Epoch at which each class of a shallow network that starts at 0 reaches a fraction of its asymptote.

    t = (τ/δ) ln(1/(1 − f)), shape (3,), nan for a class that the dataset lacks. Raises ValueError for a learning
    rate that is not finite and positive, and for a fraction that is not between 0 and 1. Source: the dynamics chapter.
    """
    m = modes(dataset)
    with np.errstate(divide="ignore"):
        time = np.log1p(odds(fraction)) / (m.input_variance * steps_per_epoch(dataset, learning_rate))
    return _present(m, time)


def quadrant_norms(dataset: Dataset, strengths: ArrayLike) -> QuadrantNorms:
    """Frobenius norms of the four blocks of the map Σ_α π_α u_α v_αᵀ.

    strengths: (..., 3), one strength a class; a class that the dataset lacks contributes 0. Each norm has
    shape (...). Raises ValueError for strengths whose last axis is not of length 3.
    Source: the coupling chapter, from the blocks of the singular vectors; Jarvis et al. (ICLR 2023).
    """
    n_x, n_y, P, a, b = dataset.n_x, dataset.n_y, dataset.P, dataset.a, dataset.b
    strengths = np.asarray(strengths, dtype=float)
    if strengths.ndim == 0 or strengths.shape[-1] != 3:
        raise ValueError(f"strengths has shape {strengths.shape}; give one a class: (..., 3)")
    squares = np.where(modes(dataset).multiplicity > 0, strengths, 0) ** 2
    one, two, three = np.moveaxis(squares, -1, 0)
    D = (P + a) * (P + b)
    return QuadrantNorms(
        comp_to_comp=np.sqrt(n_y * P**2 / D * one),
        noncomp_to_comp=np.sqrt(n_y * P * a / D * one),
        comp_to_noncomp=np.sqrt(n_y * b * P / D * one + (n_x - n_y) * P / (P + a) * two),
        noncomp_to_noncomp=np.sqrt(
            n_y * a * b / D * one + (n_x - n_y) * a / (P + a) * two + (P - n_x) * three
        ),
    )


def compositional_share(norms: QuadrantNorms) -> np.ndarray:
    """Share of the compositional outputs' map that reads compositional inputs: 1 for a systematic one.

    ‖Ω_x→Ω_y‖² / (‖Ω_x→Ω_y‖² + ‖Γ_x→Ω_y‖²), nan where both norms are 0. Source: the coupling chapter.
    """
    wanted, unwanted = np.square(norms.comp_to_comp), np.square(norms.noncomp_to_comp)
    with np.errstate(invalid="ignore"):
        return wanted / (wanted + unwanted)


def split_datasets(dataset: Dataset) -> tuple[Dataset | None, Dataset | None]:
    """The datasets of the two modules of an output-partitioned network: compositional, non-compositional.

    Each module sees all inputs and one output block; None where the dataset lacks that block.
    """
    return (
        replace(dataset, k_y=0) if dataset.n_y > 0 else None,
        replace(dataset, n_y=0) if dataset.k_y > 0 else None,
    )


def split_modes(dataset: Dataset) -> Modes:
    """Modes of the split network: class 1 of the compositional module, classes 2 and 3 of the other.

    Each module is a dense network on its own dataset; class 2 then has n_x modes. Source: the modules chapter.
    """
    compositional, identity = (modes(part or dataset) for part in split_datasets(dataset))
    pairs = [(getattr(compositional, field.name), getattr(identity, field.name)) for field in fields(Modes)]
    return Modes(*(np.append(first[:1], second[1:]) for first, second in pairs))


def split_trajectory(
    dataset: Dataset, times: ArrayLike, initial: ArrayLike, learning_rate: float
) -> np.ndarray:
    """Strengths of the split network's mode classes under gradient flow, as deep_trajectory gives them."""
    return _deep_flow(dataset, split_modes(dataset), times, initial, learning_rate)


def split_shallow_trajectory(
    dataset: Dataset, times: ArrayLike, initial: ArrayLike, learning_rate: float
) -> np.ndarray:
    """Strengths of a split network of shallow modules, as shallow_trajectory gives them.

    From 0 its map is that of one dense shallow network: there no output knows of another.
    """
    return _shallow_flow(dataset, split_modes(dataset), times, initial, learning_rate)


def split_quadrant_norms(dataset: Dataset, strengths: ArrayLike) -> QuadrantNorms:
    """Quadrant norms of the split network: each output block's norms are those of its own module."""
    compositional, identity = (
        quadrant_norms(part, strengths) if part else None for part in split_datasets(dataset)
    )
    nothing = np.zeros(np.shape(strengths)[:-1])
    return QuadrantNorms(
        comp_to_comp=compositional.comp_to_comp if compositional else nothing,
        noncomp_to_comp=compositional.noncomp_to_comp if compositional else nothing,
        comp_to_noncomp=identity.comp_to_noncomp if identity else nothing,
        noncomp_to_noncomp=identity.noncomp_to_noncomp if identity else nothing,
    )


def _deep_flow(
    dataset: Dataset, m: Modes, times: ArrayLike, initial: ArrayLike, learning_rate: float
) -> np.ndarray:
    rate = 2 * m.singular_value * steps_per_epoch(dataset, learning_rate)
    start = checked_initial(initial, positive=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        decay = np.exp(-rate * checked_times(times)[:, None])
        return _present(m, m.asymptote / (1 - (1 - m.asymptote / start) * decay))


def _shallow_flow(
    dataset: Dataset, m: Modes, times: ArrayLike, initial: ArrayLike, learning_rate: float
) -> np.ndarray:
    rate = m.input_variance * steps_per_epoch(dataset, learning_rate)
    decay = np.exp(-rate * checked_times(times)[:, None])
    return _present(m, m.asymptote * (1 - decay) + checked_initial(initial) * decay)


def _present(m: Modes, values: np.ndarray) -> np.ndarray:
    return np.where(m.multiplicity > 0, values, np.nan)
