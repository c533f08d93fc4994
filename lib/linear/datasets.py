"""The space of datasets: a compositional block and an identity block in the input and in the output."""

import math
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real

import numpy as np
import psutil

MAX_FEATURES = 62  # P = 2**n_x then fits a 64-bit integer


@dataclass(frozen=True)
class Dataset:
    """One dataset of the space: P = 2**n_x examples, the columns of X and of Y.

    X = [Ω_x; Γ_x] and Y = [Ω_y; Γ_y], where Ω_x holds every pattern of n_x binary features ±1 (in the
    order +++, ++−, +−+, …), Ω_y its first n_y rows, and Γ_x and Γ_y stack k_x and k_y copies of r·I_P, the
    identity of each example.

    Raises ValueError for a parameter outside its range, and for a dense matrix (X, Y or a covariance)
    that does not fit in memory. Training and theory never form those matrices.

    Source: the space of datasets of Jarvis et al. (ICLR 2023).
    """

    n_x: int = 3  # compositional input features, at least 1
    n_y: int = 1  # compositional output features, at most n_x
    k_x: int = 3  # copies of the identity block in the input
    k_y: int = 1  # copies of the identity block in the output
    r: float = 1.0  # scale of the identity blocks, positive

    def __post_init__(self) -> None:
        for name in ("n_x", "n_y", "k_x", "k_y"):
            value = getattr(self, name)
            if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
                raise ValueError(f"{name} = {value!r} is not an integer; {name} counts features or blocks")
            object.__setattr__(self, name, int(value))
        if self.n_x < 1:
            raise ValueError(f"n_x = {self.n_x} is below 1; a dataset needs a compositional input feature")
        if self.n_x > MAX_FEATURES:
            raise ValueError(
                f"n_x = {self.n_x} is above {MAX_FEATURES}; the number of examples, 2**n_x, must fit 64 bits"
            )
        if not 0 <= self.n_y <= self.n_x:
            raise ValueError(
                f"n_y = {self.n_y} is outside 0..n_x = 0..{self.n_x}; compositional outputs copy inputs"
            )
        for name in ("k_x", "k_y"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} = {getattr(self, name)} is negative; use 0 to leave the block out")
        if isinstance(self.r, (bool, np.bool_)) or not isinstance(self.r, Real):
            raise ValueError(f"r = {self.r!r} is not a real number; r scales the identity blocks")
        if not (np.isfinite(self.r) and self.r > 0):
            raise ValueError(
                f"r = {self.r} is not finite and positive; use k_x = k_y = 0 for no identity block"
            )
        object.__setattr__(self, "r", float(self.r))
        if self.n_y == 0 and self.k_y == 0:
            raise ValueError(
                "n_y = 0 and k_y = 0 leave no output; give at least one of them a positive value"
            )

    @property
    def P(self) -> int:
        """Number of examples, 2**n_x."""
        return 2**self.n_x

    @property
    def a(self) -> float:
        """Weight of the identity blocks in the input, k_x r²."""
        return self.k_x * self.r**2

    @property
    def b(self) -> float:
        """Weight of the identity blocks in the output, k_y r²."""
        return self.k_y * self.r**2

    @property
    def inputs(self) -> int:
        """Number of input features, n_x + k_x P (the rows of X)."""
        return self.n_x + self.k_x * self.P

    @property
    def outputs(self) -> int:
        """Number of output features, n_y + k_y P (the rows of Y)."""
        return self.n_y + self.k_y * self.P

    @cached_property
    def compositional_inputs(self) -> np.ndarray:
        """Ω_x, shape (n_x, P), entries ±1: the binary digits of the example's number, 0 read as +1."""
        self._require_memory("Ω_x", self.n_x, self.P)
        digit = 1 << np.arange(self.n_x - 1, -1, -1)
        omega = np.where(np.arange(self.P) & digit[:, None], -1.0, 1.0)
        omega.setflags(write=False)
        return omega

    @property
    def compositional_outputs(self) -> np.ndarray:
        """Ω_y, shape (n_y, P): the first n_y rows of Ω_x."""
        return self.compositional_inputs[: self.n_y]

    @property
    def X(self) -> np.ndarray:
        """Inputs, shape (n_x + k_x P, P)."""
        return self._dense("X", self.n_x, self.k_x)

    @property
    def Y(self) -> np.ndarray:
        """Outputs, shape (n_y + k_y P, P)."""
        return self._dense("Y", self.n_y, self.k_y)

    @property
    def input_covariance(self) -> np.ndarray:
        """Σ^x = X Xᵀ / P, shape (n_x + k_x P, n_x + k_x P)."""
        self._require_memory("input covariance", self.inputs, self.inputs)
        X = self.X
        return X @ X.T / self.P

    @property
    def cross_covariance(self) -> np.ndarray:
        """Σ^{yx} = Y Xᵀ / P, the input-output covariance, shape (n_y + k_y P, n_x + k_x P)."""
        self._require_memory("input-output covariance", self.outputs, self.inputs)
        return self.Y @ self.X.T / self.P

    def _dense(self, name: str, features: int, copies: int) -> np.ndarray:
        """The first rows of Ω_x over copies of r·I_P; memory is asked for before any of it is built."""
        rows = features + copies * self.P
        self._require_memory(name, rows, self.P)
        matrix = np.zeros((rows, self.P))
        matrix[:features] = self.compositional_inputs[:features]
        for start in range(features, rows, self.P):
            np.fill_diagonal(matrix[start : start + self.P], self.r)
        return matrix

    def _require_memory(self, name: str, rows: int, columns: int) -> None:
        require_memory(
            f"the dense {name} of n_x = {self.n_x}",
            (rows, columns),
            "lower n_x, or use lib.linear.theory and lib.linear.training, which never form it",
        )


def require_memory(what: str, shape: tuple[int, ...], way_out: str) -> None:
    """Raise ValueError if a float64 array of this shape does not fit in the free memory."""
    needed, free = 8 * math.prod(shape), psutil.virtual_memory().available
    if needed > free:
        raise ValueError(
            f"{what} has {' x '.join(map(str, shape))} entries and needs {needed / 2**30:.1f} GiB, "
            f"but {free / 2**30:.1f} GiB are free; {way_out}"
        )
