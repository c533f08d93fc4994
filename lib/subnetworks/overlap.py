"""Do two sets of weights overlap more than chance would have it?

The null hypothesis: within every layer (more generally, every stratum) the second mask keeps a set of weights
drawn uniformly from all sets of its size, whatever the first mask keeps. The number of common weights is then
a sum of independent hypergeometric numbers, one a layer. Layers that both masks keep densely are no evidence.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, signal, special, stats


@dataclass(frozen=True)
class Overlap:
    """How far two masks keep the same weights, beside the null hypothesis that they have nothing to do with each other.

    kept: share of all weights that the first, and the second, mask keeps. jaccard: weights that both keep, as a
    share of those that either keeps. expected: mean Jaccard index under the null hypothesis. log10_p: decimal
    logarithm of the probability, under it, of at least as many common weights.
    """

    kept: tuple[float, float]
    jaccard: float
    expected: float
    log10_p: float

    @property
    def excess(self) -> float:
        return self.jaccard - self.expected


def overlap(first: Iterable[np.ndarray], second: Iterable[np.ndarray]) -> Overlap:
    """The overlap of two masks; each a sequence of boolean arrays, one a layer or other stratum.

    Raises ValueError for masks of different shape, and where one keeps no weight or every weight: what is common
    is then no matter of chance.
    """
    first, second = ([np.asarray(layer, dtype=bool).ravel() for layer in mask] for mask in (first, second))
    if [layer.size for layer in first] != [layer.size for layer in second]:
        raise ValueError(
            "the two masks differ in their number of layers or weights; give masks of one network"
        )
    total = sum(layer.size for layer in first)
    sizes = [sum(int(layer.sum()) for layer in mask) for mask in (first, second)]
    for name, size in zip(("first", "second"), sizes):
        if size in (0, total):
            raise ValueError(
                f"the {name} mask keeps {size} of {total} weights; overlap is defined for masks between empty "
                "and full: choose another penalty"
            )
    common = sum(int((a & b).sum()) for a, b in zip(first, second))
    layers = [_Chances(a.size, int(a.sum()), int(b.sum())) for a, b in zip(first, second) if a.size]
    least, chances = _convolved(layers)
    numbers = least + np.arange(len(chances))
    return Overlap(
        kept=(sizes[0] / total, sizes[1] / total),
        jaccard=common / (sum(sizes) - common),
        expected=float(chances @ (numbers / (sum(sizes) - numbers))),
        log10_p=min(0.0, float(_log_tail(layers, common)) / math.log(10)),
    )


def precision_and_recall(found: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Share of the weights found, a boolean array, that are true, and of the true ones that are found.

    The precision is nan where nothing was found. Raises ValueError where nothing is true.
    """
    if not np.any(truth):
        raise ValueError("no weight is true, so that none can be found; give the mask of those that matter")
    hits = np.sum(found & truth)
    return (float(hits / np.sum(found)) if np.any(found) else math.nan), float(hits / np.sum(truth))


def by_size(mask: Iterable[np.ndarray], weights: Iterable[np.ndarray], bins: int = 10) -> list:
    """A mask's layers, each cut into strata of weights of about equal size, smallest first.

    With these strata the null hypothesis also grants both masks their preference for large weights. weights:
    arrays of the mask's shapes.
    """
    strata = []
    for layer, values in zip(mask, weights, strict=True):
        order = np.argsort(np.abs(values), axis=None, kind="stable")
        strata += [np.ravel(layer)[part] for part in np.array_split(order, min(bins, len(order)))]
    return strata


class _Chances:
    """The number of common weights of one layer: from the least on, the logarithms of the probabilities."""

    def __init__(self, size: int, first: int, second: int) -> None:
        self.least, most = max(0, first + second - size), min(first, second)
        self.numbers = np.arange(most - self.least + 1)
        self.logs = stats.hypergeom.logpmf(self.least + self.numbers, size, first, second)

    def tilted(self, tilt: float) -> tuple[np.ndarray, float]:
        """The probabilities times e^(tilt · number), divided by their sum; the logarithm of that sum."""
        logs = self.logs + tilt * self.numbers
        scale = special.logsumexp(logs)
        return np.exp(logs - scale), scale


def _convolved(layers: list[_Chances], tilt: float = 0.0) -> tuple[int, np.ndarray]:
    """Least number of common weights of all layers, and the probabilities of this and the following numbers."""
    total = np.ones(1)
    for layer in layers:
        total = signal.convolve(total, layer.tilted(tilt)[0]).clip(min=0)
    return sum(layer.least for layer in layers), total / total.sum()


def _log_tail(layers: list[_Chances], common: int) -> float:
    """ln P(number ≥ common), exact up to rounding however small.

    Tilting makes `common` about the mean, where a convolution is exact; at the end the tilt is undone.
    """

    def mean(tilt: float) -> float:
        return sum(layer.least + float(layer.tilted(tilt)[0] @ layer.numbers) for layer in layers)

    steepest = 50.0
    if common <= mean(0.0):
        tilt = 0.0
    elif common >= mean(steepest):
        tilt = steepest
    else:
        tilt = optimize.brentq(lambda tilt: mean(tilt) - common, 0.0, steepest)
    least, chances = _convolved(layers, tilt)
    tail = chances[common - least :]
    undone = math.log(tail @ np.exp(-tilt * np.arange(len(tail))))
    return undone - tilt * (common - least) + sum(layer.tilted(tilt)[1] for layer in layers)
