"""The course of learning in other geometries, in closed form: mirror descent, sign descent and Muon in small steps.

Times are in steps of the whole dataset, learning rates on the summed loss ½Σ‖y − ŷ‖², as in lib.linear.theory.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, hyp2f1

from lib.linear.arguments import checked_initial, checked_times, steps_per_epoch
from lib.linear.datasets import Dataset
from lib.linear.optimisers import rule_weight
from lib.linear.theory import Modes
from lib.validation import check_positive


def coupling_ratio(dataset: Dataset, p: float) -> float:
    """‖Γ_x→Ω_y‖/‖Ω_x→Ω_y‖ at every step of a shallow network from zero in the geometry of Σ|w|^p.

    √(k_xP) (r/P)^{1/(p−1)}: for p = 2 the coupling √(k_xr²/P) of gradient descent, for p = ∞ the √(k_xP) of sign
    descent; for p = 1, the limit, 0 if r < P and ∞ if r > P. Raises ValueError as rule_weight.
    Source: the geometry chapter, theorem on the course in every geometry.
    """
    rho, P, r, k_x = rule_weight(dataset, p), dataset.P, dataset.r, dataset.k_x
    if k_x == 0:
        return 0.0
    if p == 1:
        return 0.0 if rho else np.inf
    return float(np.sqrt(k_x * P) * (r / P) ** (1 / (p - 1)))


def rule_course(dataset: Dataset, p: float, times: ArrayLike, learning_rate: float) -> np.ndarray:
    """The rule's weight under mirror descent with Σ|w|^p/p from zero, 1 < p < ∞, or sign descent, p = ∞.

    Sign descent: min(εt, ρ). Mirror descent: ρu, where the share u of the way is reached at the time
    t = ρ^{p−1}/(εP) · u^{p−1} ₂F₁(1, p − 1; p; u); for p = 2 this gives u = 1 − e^{−εPt/ρ}. All other weights of the
    row keep their ratio to it. times: T steps. Returns (T,). Raises ValueError for p = 1 or below and for values
    outside their range. Source: the geometry chapter, theorem on the course in every geometry.
    """
    if not p > 1:
        raise ValueError(f"p = {p!r} is not above 1, and Σ|w|^p/p then no mirror potential")
    rho, step = rule_weight(dataset, p), steps_per_epoch(dataset, learning_rate)
    times = checked_times(times)
    if p == np.inf:
        return np.minimum(learning_rate * times, rho)
    c = p - 1
    with np.errstate(divide="ignore"):
        wanted = np.log(step * times) - c * np.log(rho)
    low, high = np.full_like(times, -745.0), np.full_like(times, 40.0)  # of the odds of u, as a logarithm
    for _ in range(64):  # halvings
        middle = (low + high) / 2
        early = -c * np.logaddexp(0, -middle) + np.log(hyp2f1(1, c, c + 1, expit(middle))) < wanted
        low, high = np.where(early, middle, low), np.where(early, high, middle)
    return np.where(times > 0, rho * expit(low), 0.0)


def muon_trajectory(
    modes: Modes, times: ArrayLike, initial: ArrayLike, learning_rate: float, deep: bool
) -> np.ndarray:
    """Strength of each mode class under Muon with the exact polar factor, in small steps and without momentum.

    Shallow: π moves by ε a step to λ/δ and stays; from π₀ = 0, that is min(εt, λ/δ). Deep: √π moves by ε a step
    to √(λ/δ) and stays; from π₀ = 0, that is π = min((εt)², λ/δ). modes: theory.modes or split_modes of a dataset.
    times: T steps. initial: π₀, a scalar or 3, in a deep network at least 0. Returns (T, 3), nan for a class that
    the dataset lacks.
    Raises ValueError for values outside their range. Source: the geometry chapter, theorem on Muon.
    """
    start, times = checked_initial(initial), checked_times(times)[:, None]
    check_positive("learning_rate", learning_rate)
    if deep and (start < 0).any():
        raise ValueError(f"initial = {initial!r} is negative, but in a deep network √π moves")
    power = 2 if deep else 1
    begin, end = (np.abs(values) ** (1 / power) * np.sign(values) for values in (start, modes.asymptote))
    course = begin + np.clip(end - begin, -learning_rate * times, learning_rate * times)
    return np.where(modes.multiplicity > 0, course**power, np.nan)
