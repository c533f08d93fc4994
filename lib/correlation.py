"""Rank correlation of two measurements on the same trained networks, with its uncertainty."""

from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Correlation:
    value: float
    low: float  # the 95 % interval
    high: float


def rank_correlation(x, y, draws: int = 5000, rng=None) -> Correlation:
    """Spearman's rank correlation of means over seeds, and a bootstrap interval.

    x, y: (trainings, ..., seeds). Every training and every entry of the axes between is a point, a mean over the
    seeds. What is measured along one training hangs together, and so does what shares a seed: the bootstrap
    draws whole trainings and whole seeds, both with replacement, and takes the middle 95 % of the correlations.
    With few trainings the interval is rough. rng: a numpy Generator.
    Raises ValueError for different shapes, for fewer than three points, and for values that are not finite.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.shape != y.shape or x.ndim < 2:
        raise ValueError(f"shapes {x.shape} and {y.shape}; give both as (trainings, ..., seeds)")
    if x[..., 0].size < 3:
        raise ValueError(f"{x[..., 0].size} points are too few for a correlation; give at least three")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("a value is not finite; leave out the cells whose masks are empty")
    rng = rng or np.random.default_rng(0)
    trainings = rng.integers(len(x), size=(draws, len(x)))
    seeds = rng.integers(x.shape[-1], size=(draws, x.shape[-1]))

    def resampled(values):
        chosen = values[trainings]  # (draws, trainings, ..., seeds)
        places = seeds.reshape(draws, *[1] * (values.ndim - 1), -1)
        return np.take_along_axis(chosen, places, axis=-1).mean(axis=-1).reshape(draws, -1)

    with np.errstate(invalid="ignore"):  # a draw of equal points has no correlation
        spread = _spearman(resampled(x), resampled(y))
    low, high = np.nanpercentile(spread, [2.5, 97.5])
    value = _spearman(x.mean(axis=-1).reshape(1, -1), y.mean(axis=-1).reshape(1, -1))[0]
    return Correlation(float(value), float(low), float(high))


def _spearman(x, y):
    """Along the last axis."""
    x, y = (stats.rankdata(values, axis=-1) for values in (x, y))
    x, y = (values - values.mean(axis=-1, keepdims=True) for values in (x, y))
    return (x * y).sum(-1) / np.sqrt((x**2).sum(-1) * (y**2).sum(-1))
