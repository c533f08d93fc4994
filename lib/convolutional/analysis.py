"""Comparing trainings: at the end, at each one's best moment, at equal training error."""

import numpy as np

from lib.convolutional.networks import COMPOSITIONAL
from lib.convolutional.training import History


def last(history: History) -> np.ndarray:
    """The compositional test error of every run at the end, (runs,)."""
    return history.test[:, -1, COMPOSITIONAL]


def best(history: History) -> np.ndarray:
    """The smallest compositional test error of every run, (runs,): stopped at the best moment, by the test set."""
    return history.test[..., COMPOSITIONAL].min(axis=1)


def first_epoch(history: History, level: float) -> np.ndarray:
    """When the compositional training error of every run falls to a level, (runs,), in epochs; nan if it never does."""
    return np.array([_falls(course, history.epochs, level) for course in history.train[..., COMPOSITIONAL]])


def at_equal_training(history: History, level: float) -> np.ndarray:
    """The compositional test error of every run when its training error falls to a level, (runs,)."""
    times = first_epoch(history, level)
    courses = history.test[..., COMPOSITIONAL]
    return np.array([np.interp(t, history.epochs, c) for t, c in zip(times, courses)])


def _falls(course: np.ndarray, at: np.ndarray, level: float) -> float:
    below = np.flatnonzero(course < level)
    if not below.size or below[0] == 0:
        return np.nan
    pair = slice(below[0] - 1, below[0] + 1)
    return np.interp(-level, -course[pair], at[pair])
