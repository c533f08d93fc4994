"""Gradient descent in its finite steps, foretold: the exact course of one mode, and of a random network.

A mode of a deep network whose two layers carry it with the same weight w, π = w², moves by
w ← w + εP w(λ − w²δ). From the initial strengths of lib.linear.weights this is the book's prediction of a
random network without free parameters.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from lib.linear.arguments import checked_initial, steps_per_epoch
from lib.linear.datasets import Dataset
from lib.linear.theory import Modes, modes, split_modes
from lib.linear.weights import initial_strengths
from lib.validation import check_choice, check_count


def deep_steps(dataset: Dataset, epochs: int, initial: ArrayLike, learning_rate: float) -> np.ndarray:
    """Strength of each mode class under gradient descent with its finite steps, from aligned weights: exact.

    w ← w + εP w(λ − w²δ), π = w². Entry e is the strength after e steps.

    initial: π₀ > 0, of shape (..., 3) or a scalar. Returns (epochs, ..., 3), nan for a class that the dataset
    lacks. Raises ValueError for epochs, strengths or a learning rate out of range.
    Source: the prediction chapter, from the gradient-descent update written in the singular basis.
    """
    return np.array(list(_steps(dataset, modes(dataset), epochs, initial, learning_rate)))


def split_steps(dataset: Dataset, epochs: int, initial: ArrayLike, learning_rate: float) -> np.ndarray:
    """As deep_steps, for the split network: class 1 of the compositional module, 2 and 3 of the other."""
    return np.array(list(_steps(dataset, split_modes(dataset), epochs, initial, learning_rate)))


def predicted_strengths(
    dataset: Dataset, architecture: str, weights: tuple, *, epochs: int, learning_rate: float
) -> np.ndarray:
    """Mean strength of each class in networks that start from these weights, foretold without free parameters.

    Every mode follows its exact step map from its own part of the initial weights (initial_strengths); a mode
    for which no hidden unit is left stays at 0. Compare with training.train(...).strengths.

    architecture: "deep" or "split"; weights as initial_weights returns them. Returns (seeds, epochs, 3), nan for
    a class that the dataset lacks. Source: the prediction chapter, proposition on the directions that are taken; an
    approximation that becomes exact as the initial weights tend to 0.
    """
    check_choice("architecture", architecture, ("deep", "split"))
    m = modes(dataset) if architecture == "deep" else split_modes(dataset)
    count = np.where(m.multiplicity > 0, m.multiplicity, np.nan)
    initial = initial_strengths(dataset, weights)
    course = _steps(dataset, m, epochs, initial, learning_rate)
    return np.stack([np.nansum(strengths, axis=1) / count for strengths in course], axis=1)


def _steps(
    dataset: Dataset, m: Modes, epochs: int, initial: ArrayLike, learning_rate: float
) -> Iterator[np.ndarray]:
    """The strengths before each step."""
    check_count("epochs", epochs)
    step = steps_per_epoch(dataset, learning_rate)
    weight = np.where(m.multiplicity > 0, np.sqrt(checked_initial(initial, positive=True)), np.nan)
    for _ in range(epochs):
        yield weight**2
        weight = weight + step * weight * (m.singular_value - weight**2 * m.input_variance)
