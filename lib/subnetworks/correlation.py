"""Rank correlation of two measurements on the same trained networks, with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


@dataclass(frozen=True)
class Correlation:
    """A rank correlation, the 95 % interval from low to high, and the number of points that it is over."""

    value: float
    low: float
    high: float
    points: int


def rank_correlation(x: ArrayLike, y: ArrayLike, draws: int = 2000) -> Correlation:
    """Spearman's rank correlation of means over seeds, and a bootstrap interval.

    x, y: (trainings, ..., seeds). Every training and every entry of the axes between is a point, a mean over the
    seeds; a point where a value of any seed is nan is left out. What is measured along one training hangs
    together, and so does what shares a seed: the bootstrap draws whole trainings and whole seeds, both with
    replacement, and takes the middle 95 % of the correlations. With few trainings the interval is rough.
    Raises ValueError for different shapes and for fewer than three points.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.shape != y.shape or x.ndim < 2:
        raise ValueError(f"shapes {x.shape} and {y.shape}; give both as (trainings, ..., seeds)")
    rng = np.random.default_rng(0)
    used = np.isfinite(x + y).all(axis=-1)
    if used.sum() < 3:
        raise ValueError(f"{used.sum()} points are too few for a correlation; give at least three")

    def correlation(trainings: np.ndarray, seeds: np.ndarray) -> float:
        means = (values[trainings][..., seeds].mean(axis=-1)[used[trainings]] for values in (x, y))
        return _spearman(*means)

    rows, runs = len(x), int(x.shape[-1])
    spread = [correlation(rng.integers(rows, size=rows), rng.integers(runs, size=runs)) for _ in range(draws)]
    low, high = np.nanpercentile(spread, [2.5, 97.5])
    value = correlation(np.arange(rows), np.arange(runs))
    return Correlation(float(value), float(low), float(high), int(used.sum()))


def _spearman(x: np.ndarray, y: np.ndarray) -> float:
    """nan where all values are equal."""
    x, y = (stats.rankdata(values) for values in (x, y))
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt((x @ x) * (y @ y))
    return x @ y / scale if scale > 0 else np.nan
