"""Learning rules beyond gradient descent: their constants, and their course along one mode in closed steps.

Every rule adds to the gradient-descent step of a deep linear network ŷ = W₂W₁x with hidden activity H = W₁X

    Hebbian:        ΔW₁ = η (H Xᵀ − H Hᵀ W₁)
    Anti-Hebbian:   ΔW₁ = η diag(1/(1 − ‖w_i‖²)) H Xᵀ
    Contrastive:    ΔW₂ = εPγ (Y Yᵀ − Ŷ Ŷᵀ) W₂

with w_i the rows of W₁. Contrastive Hebbian learning has γ > 0, predictive coding γ < 0.

Source: Cao, Summerfield and Saxe (2020), with the constants of the scripts of Jarvis et al. (ICLR 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lib.linear.datasets import Dataset
from lib.linear.theory import modes
from lib.linear.weights import growing_parts


@dataclass(frozen=True)
class LearningRule:
    """The constants of one rule; all 0 is gradient descent."""

    hebbian: float = 0.0  # η of H Xᵀ − H Hᵀ W₁, a step an epoch
    anti_hebbian: float = 0.0  # η of diag(1/(1 − ‖w_i‖²)) H Xᵀ, a step an epoch
    contrast: float = 0.0  # γ, in units of the gradient step

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not np.isfinite(value):
                raise ValueError(f"{name} = {value} is not finite; a constant of a learning rule is a number")


RULES = {
    "gradient_descent": LearningRule(),
    "hebbian": LearningRule(hebbian=0.001),
    "anti_hebbian": LearningRule(anti_hebbian=-0.001),
    "contrastive_hebbian": LearningRule(contrast=1.0),
    "predictive_coding": LearningRule(contrast=-1.0),
}


def growth(dataset: Dataset, rule: LearningRule, learning_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """How each mode class starts: the rate λ̄ and the weight vector (w, w′) that grows as (1 + λ̄)^epoch.

    Near zero (w, w′), the sizes of W₁v and W₂ᵀu, change by the symmetric matrix [[ηPδ, ε̄λ], [ε̄λ, ε̄γPλ²/δ]] with
    ε̄ = εP. Returns its larger eigenvalue, shape (3,), and unit eigenvector, shape (3, 2).
    Source: the learning_rules chapter.
    """
    m = modes(dataset)
    step, P = dataset.P * learning_rate, dataset.P
    with np.errstate(invalid="ignore", divide="ignore"):
        p = (rule.hebbian + rule.anti_hebbian) * P * m.input_variance
        q = step * rule.contrast * P * m.singular_value * m.asymptote
        coupling = step * m.singular_value
        rate = (p + q) / 2 + np.hypot((p - q) / 2, coupling)
        direction = np.stack([coupling, rate - p], axis=-1)
        direction = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    present = m.multiplicity > 0
    return np.where(present, rate, np.nan), np.where(present[:, None], direction, np.nan)


def initial_amplitudes(
    dataset: Dataset, rule: LearningRule, weights: tuple, learning_rate: float
) -> np.ndarray:
    """The aligned start (w, w′) of every mode, read off the random initial weights W₁ and W₂.

    Only the growing part of the start matters, less the hidden directions that classes of faster growth have
    taken, as in lib.linear.weights.initial_strengths; within a class the modes that do not interact are found
    by a singular value decomposition. Returns (seeds, modes, 3, 2), nan where a class has fewer modes; a mode
    for which no hidden unit is left has no entry. For gradient descent w′w is the initial strength π₀. Exact as
    the weights tend to 0 for classes that grow at different rates; classes whose rates are close rise together, and
    which of them takes a direction is then not settled. Source: the prediction and learning_rules chapters.
    """
    rate, direction = growth(dataset, rule, learning_rate)
    fastest_first = np.argsort(-np.nan_to_num(rate, nan=-np.inf)).tolist()
    sizes = growing_parts(dataset, weights, direction, fastest_first)
    return sizes[..., None] * direction


def rule_steps(
    dataset: Dataset, rule: LearningRule, epochs: int, start: ArrayLike, learning_rate: float, hidden: int
) -> np.ndarray:
    """Mean strength of each mode class under a rule, step by step: exact from an aligned start.

    start: (..., modes, 3, 2) as initial_amplitudes gives it. Returns (epochs, ..., 3). The row norms in the
    anti-Hebbian term are replaced by their mean over the hidden units, the one approximation. Source: the
    learning_rules chapter.
    """
    m = modes(dataset)
    step, P = dataset.P * learning_rate, dataset.P
    lam, delta = m.singular_value, m.input_variance
    w, z = np.moveaxis(np.asarray(start, dtype=float), -1, 0)
    gone = np.isnan(w)
    w, z = np.where(gone, 0, w), np.where(gone, 0, z)
    with np.errstate(invalid="ignore", divide="ignore"):
        output = np.where(delta > 0, lam**2 / delta, 0)
    count = np.where(m.multiplicity > 0, m.multiplicity, np.nan)
    course = np.empty((epochs, *w.shape[:-2], 3))
    for epoch in range(epochs):
        strength = z * w
        course[epoch] = strength.sum(axis=-2) / count
        error = lam - strength * delta
        local = rule.hebbian * (1 - w**2)
        if rule.anti_hebbian:
            row = (w**2).sum(axis=(-2, -1), keepdims=True) / hidden
            local = local + rule.anti_hebbian / (1 - row)
        contrast = rule.contrast * P * (output - strength**2 * delta)
        w, z = w + step * z * error + local * P * delta * w, z + step * (w * error + contrast * z)
    return course
