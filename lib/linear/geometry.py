"""What follows from the geometry of an optimiser: held-out examples, Adam's epsilon, deep networks."""

from __future__ import annotations

from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lib.linear.datasets import Dataset
from lib.linear.optimisers import rule_weight, single_features
from lib.linear.steps import Muon, Optimiser, State, named
from lib.validation import check_positive


class Subsets(NamedTuple):
    """What shallow networks learned from training sets, by set and compositional output: arrays (sets, n_y)."""

    held_out: np.ndarray  # mean squared error on the examples held out
    left: np.ndarray  # largest error on a training example
    largest: np.ndarray  # largest absolute weight


def learn_subsets(
    dataset: Dataset,
    optimiser: str | float | Optimiser,
    training: ArrayLike,
    *,
    learning_rate: float,
    steps: int,
) -> Subsets:
    """Train shallow networks from zero on some of the examples, one a training set, all at once.

    training: masks (sets, P), in each at least one example and one that is held out. The copies of the identity
    block get one weight: no optimiser that looks at every weight alone can tell them apart. Raises ValueError for
    n_y = 0 and for Muon, which looks at them all.
    """
    optimiser = named(optimiser)
    training = np.asarray(training, dtype=bool)
    if training.ndim != 2 or training.shape[1] != dataset.P:
        raise ValueError(
            f"training has shape {training.shape}; give masks of shape (sets, P) = (., {dataset.P})"
        )
    if training.all(axis=1).any() or not training.any(axis=1).all():
        raise ValueError("a training set has no example, or no example is held out; leave some of both")
    if dataset.n_y == 0 or isinstance(optimiser, Muon):
        raise ValueError("held-out errors need n_y > 0 and an optimiser that moves every weight by itself")
    omega, n_x = dataset.compositional_inputs, dataset.n_x
    seen, wanted = training[:, None, :], dataset.compositional_outputs
    weights = np.zeros((len(training), dataset.n_y, n_x + dataset.P))
    state = State()

    def errors() -> tuple[np.ndarray, np.ndarray]:
        rule = weights[..., :n_x] @ omega
        return wanted - rule, wanted - rule - dataset.k_x * dataset.r * weights[..., n_x:]

    for _ in range(steps):
        residual = np.where(seen, errors()[1], 0)
        gradient = -np.concatenate([single_features(residual), dataset.r * residual], axis=-1)
        weights = optimiser.step(weights, gradient, state, learning_rate)
    unseen, fitted = errors()
    squares = np.where(seen, 0, unseen**2).sum(axis=-1) / (~seen).sum(axis=-1)
    return Subsets(squares, np.where(seen, np.abs(fitted), 0).max(axis=-1), np.abs(weights).max(axis=-1))


def held_out_bound(dataset: Dataset, examples: int, largest: ArrayLike, left: ArrayLike = 0.0) -> np.ndarray:
    """A lower bound on the mean squared error of held-out examples, for any row that fits a training set.

    ((P(1 − s) − |T|(k_x r s + left))/(P − |T|))₊², for |T| = examples, no weight larger than s = largest, 0 on the
    identity inputs of held-out examples, and no training example missed by more than `left`. For s = 1/(1 + k_x r)
    and left = 0 it is the floor (1 − ρ)². largest, left: numbers or arrays. Raises ValueError unless 0 < |T| < P.
    Source: the geometry chapter, theorem on the floor.
    """
    P, size, missed = dataset.P, np.asarray(largest, dtype=float), np.asarray(left, dtype=float)
    if not 0 < examples < P:
        raise ValueError(f"examples = {examples} is not between 0 and P = {P}, both excluded")
    by_names = dataset.k_x * dataset.r * size + missed  # at most, of a training example's output
    return np.maximum(0, (P * (1 - size) - examples * by_names) / (P - examples)) ** 2


def nearly_balanced(dataset: Dataset, training: ArrayLike, output: int = 0) -> np.ndarray:
    """Whether the theorem on the floor holds for a training set and a compositional output.

    With the other features' patterns, each times the output's, as the rows of χ over the training examples, let
    K = χχᵀ with least eigenvalue l, q = K⁻¹χ1, z = √(qᵀKq/l) and ρ = 1/(1 + k_x r). Then sign descent in small
    steps ends at ρ for the output's feature and 0 for the others if z + ‖q‖_∞ < ρ and ‖q‖₁ + z√(n_x − 1) < 1.
    training: masks (sets, P). Source: the geometry chapter.
    """
    training = np.asarray(training, dtype=bool)
    rho, omega = rule_weight(dataset, np.inf), dataset.compositional_inputs
    chi = np.delete(omega, output, axis=0) * omega[output]
    found = []
    for mask in training:
        K, c = chi[:, mask] @ chi[:, mask].T, chi[:, mask].sum(axis=1)
        least = np.linalg.eigvalsh(K).min(initial=np.inf)
        if least < 1e-9:
            found.append(False)
            continue
        q = np.linalg.solve(K, c)
        z = np.sqrt(q @ c / least)
        reached = z + np.abs(q).max(initial=0) < rho
        found.append(reached and np.abs(q).sum() + z * np.sqrt(len(q)) < 1)
    return np.array(found)


def adam_rule_weight(dataset: Dataset, epsilon: float) -> float:
    """ρ at which Adam ends in small steps, for any epsilon: between that of p = ∞ (0) and of p = 2 (large).

    1/(1 + k_x r) + ε k_x (P − r)/(P(1 + k_x r)²) · ln(1 + Pr(1 + k_x r)/(ε(P + a))). epsilon: in units of the
    gradient of the summed loss. Raises ValueError for a value that is not finite and positive, and for n_y = 0.
    Source: the geometry chapter, proposition on Adam's epsilon.
    """
    check_positive("epsilon", epsilon)
    floor, P, r = rule_weight(dataset, np.inf), dataset.P, dataset.r
    lifted = epsilon * dataset.k_x * (P - r) / P * floor**2
    return float(floor + lifted * np.log1p(P * r / (floor * epsilon * (P + dataset.a))))


def mean_sign_share(n: int) -> float:
    """E|S_n|/n for a sum S_n of n independent signs."""
    return sum(comb(n, k) * abs(n - 2 * k) for k in range(n + 1)) / 2**n / n


def shared_units_ratio(dataset: Dataset) -> float:
    """‖Γ_x→Ω_y‖/‖Ω_x→Ω_y‖ of a wide deep network under sign descent or Adam with weak identity outputs (k_y r < 1).

    √(k_xP) E|S_n|/n with n = n_y: in the limit of small initial weights, small steps and, for n_y > 1 or k_y > 0,
    many hidden units; for k_y = 0 at every step, else while the outputs are small. Raises ValueError for k_y r ≥ 1,
    where only the first step is known. Source: the geometry chapter.
    """
    rule_weight(dataset, 2)
    if dataset.k_y * dataset.r >= 1:
        raise ValueError(f"k_y r = {dataset.k_y * dataset.r:g}: the law holds below 1; see first_step_ratio")
    return float(np.sqrt(dataset.k_x * dataset.P) * mean_sign_share(dataset.n_y))


def first_step_ratio(dataset: Dataset) -> float:
    """The same ratio after the first step of sign descent of a wide deep network, for any k_y.

    √(k_xP) asin(1/√(n_y + b)) / asin(√(P/(P + b))), from Gaussian initial weights. Source: the geometry chapter.
    """
    rule_weight(dataset, 2)
    P, b = dataset.P, dataset.b
    angles = np.arcsin(1 / np.sqrt(dataset.n_y + b)), np.arcsin(np.sqrt(P / (P + b)))
    return float(np.sqrt(dataset.k_x * P) * angles[0] / angles[1])
