"""Arguments of the closed forms and of the step maps: checked in one place."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lib.linear.datasets import Dataset
from lib.validation import check_positive


def steps_per_epoch(dataset: Dataset, learning_rate: float) -> float:
    """1/τ = Pε, the step in terms of the covariances; ValueError unless the rate is finite and positive."""
    check_positive("learning rate", learning_rate)
    return dataset.P * learning_rate


def checked_times(times: ArrayLike) -> np.ndarray:
    """Times as an array of epochs; ValueError unless they are finite and none is negative."""
    times = np.atleast_1d(np.asarray(times, dtype=float))
    if times.ndim != 1 or not (np.isfinite(times) & (times >= 0)).all():
        raise ValueError(f"times = {times} must be a sequence of finite epochs, none below 0")
    return times


def checked_initial(initial: ArrayLike, positive: bool = False) -> np.ndarray:
    """Initial strengths of shape (..., 3) from one number or one a class; ValueError for senseless ones."""
    initial = np.asarray(initial, dtype=float)
    if initial.ndim == 0:
        initial = np.full(3, float(initial))
    if initial.shape[-1] != 3:
        raise ValueError(f"initial has shape {initial.shape}; give one strength, or one a class: 3")
    if (positive and (initial <= 0).any()) or np.isinf(initial).any():
        rule = "finite and positive: a deep mode that starts at 0 stays there" if positive else "finite"
        raise ValueError(f"initial = {initial} must be {rule}")
    return initial


def odds(fraction: float) -> float:
    """f/(1 − f) of a fraction f of the asymptote; ValueError unless it lies between 0 and 1."""
    if not 0 < fraction < 1:
        raise ValueError(f"fraction = {fraction!r} must lie between 0 and 1, both excluded")
    return fraction / (1 - fraction)
