"""What one step of gradient descent costs: multiplications in matrix products, by formula and counted.

A product of matrices of m × n and n × p entries counts as mnp multiplications (and as many additions);
whatever is done entry by entry is of lower order and not counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from lib.linear.datasets import Dataset


def structured_step(dataset: Dataset, hidden: int) -> int:
    """Multiplications of a step of lib.linear.training.train with a deep network, what it records included.

    Of order P log P, as n_x = log₂ P. Source: the scale chapter, proposition on the cost of a step.
    """
    h, P, n_x, n_y, k_x, k_y = hidden, dataset.P, dataset.n_x, dataset.n_y, dataset.k_x, dataset.k_y
    return h * P * (4 * n_x + 2 * n_y) + h**2 * ((2 + k_x + 2 * k_y) * P + n_x + 2 * n_y)


def dense_step(dataset: Dataset, hidden: int, left_to_right: bool = True) -> int:
    """Multiplications of a step that uses the dense covariances, nothing recorded.

    left_to_right: (W₂W₁)Σ^x, as the formula reads, cubic in P; otherwise W₂(W₁Σ^x), quadratic in P.
    Source: the scale chapter, proposition on the cost of a step.
    """
    h, i, o = hidden, dataset.inputs, dataset.outputs
    return (o if left_to_right else h) * i**2 + 3 * h * i * o


def count(function: Callable, *arrays: ArrayLike) -> int:
    """Multiplications in the matrix products of function(*arrays), counted while it runs.

    Products are seen if a factor is one of the arrays or was computed from one.
    """
    before = _Tallied.multiplications
    function(*(np.array(array).view(_Tallied) for array in arrays))
    return _Tallied.multiplications - before


class _Tallied(np.ndarray):
    """An array whose matrix products are counted, and those of all that is computed from it."""

    multiplications = 0

    def __array_ufunc__(
        self,
        ufunc: np.ufunc,
        method: str,
        *inputs: np.ndarray,
        out: tuple[np.ndarray, ...] = (),
        **options: object,
    ) -> object:
        if ufunc is np.matmul:
            left, right = inputs
            batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
            _Tallied.multiplications += math.prod(batch) * math.prod(left.shape[-2:]) * right.shape[-1]
        plain = [_plain(array) for array in inputs]
        if out:
            getattr(ufunc, method)(*plain, out=tuple(_plain(array) for array in out), **options)
            return out[0]
        result = getattr(ufunc, method)(*plain, **options)
        return result.view(_Tallied) if isinstance(result, np.ndarray) else result


def _plain(array: np.ndarray) -> np.ndarray:
    return array.view(np.ndarray) if isinstance(array, _Tallied) else array
