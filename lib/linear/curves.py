"""Curves recorded at some epochs: how the authors' record names and counts them, and when a curve rises."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

QUADRANT_NAMES = {  # a field of QuadrantNorms: its name in the record
    "comp_to_comp": "omega_x_omega_y",
    "noncomp_to_comp": "gamma_x_omega_y",
    "comp_to_noncomp": "omega_x_gamma_y",
    "noncomp_to_noncomp": "gamma_x_gamma_y",
}


def recorded_epochs(epochs: int, every: int) -> np.ndarray:
    """The epochs of the record of a run of this length: every so many, and the last.

    The predicted curves belong to these epochs; the simulated ones to the states after one more update.
    """
    return np.append(np.arange(0, epochs, every), epochs - 1)


def rise_time(epochs: ArrayLike, curve: ArrayLike, level: ArrayLike) -> np.ndarray:
    """Epoch at which a curve first reaches a level, interpolated linearly; shape (...).

    epochs: (n,), in order. curve: (..., n). level: broadcast to (...). nan where the level is never reached, the
    first epoch where the curve starts at the level or above.
    """
    epochs, curve = np.asarray(epochs), np.asarray(curve, dtype=float)
    level = np.broadcast_to(level, curve.shape[:-1])[..., None]
    reached = curve >= level
    after = reached.argmax(axis=-1)[..., None]
    before = np.maximum(after - 1, 0)
    low, high = (np.take_along_axis(curve, place, axis=-1) for place in (before, after))
    climbed = np.where(after > 0, high - low, 1)
    part = np.where(after > 0, (level - low) / climbed, 0)
    moment = epochs[before] + part * (epochs[after] - epochs[before])
    return np.where(reached.any(axis=-1), moment[..., 0], np.nan)
