"""One step of an optimiser, in numpy: what SGD, sign descent, Adam, Muon and mirror descent do with a gradient.

Every optimiser is a frozen object with `step(weights, gradient, state, learning_rate)`, which returns the new
weights and keeps what it must remember in the dictionary `state`, {} at first, one for each weight matrix.
weights, gradient: arrays (..., rows, columns); the leading axes are runs that do not know of each other.
The tests hold SGD, Adam and Muon against torch.optim.
"""

from dataclasses import dataclass
from numbers import Real

import numpy as np

from lib.validation import check_count

QUINTIC = (3.4445, -4.775, 2.0315)  # of the Newton–Schulz iteration that Muon is used with
State = dict[str, np.ndarray | float]  # what an optimiser remembers of one weight matrix, {} at first
NEGLIGIBLE = 1e-10  # of the largest singular value ever seen: a gradient's rank is read above it


def _check_share(name: str, value: float) -> None:
    if not (np.isfinite(value) and 0 <= value < 1):
        raise ValueError(f"{name} = {value} is not a number from 0 to below 1")


@dataclass(frozen=True)
class SGD:
    """w ← w − ε g, or with momentum w ← w − ε v, v ← momentum · v + g."""

    momentum: float = 0.0

    def __post_init__(self) -> None:
        _check_share("momentum", self.momentum)

    def step(
        self, weights: np.ndarray, gradient: np.ndarray, state: State, learning_rate: float
    ) -> np.ndarray:
        state["velocity"] = self.momentum * state.get("velocity", 0.0) + gradient
        return weights - learning_rate * state["velocity"]


@dataclass(frozen=True)
class Sign:
    """w ← w − ε sign(g): every weight moves by the same amount, whatever its gradient; at gradient 0 not at all."""

    def step(
        self, weights: np.ndarray, gradient: np.ndarray, state: State, learning_rate: float
    ) -> np.ndarray:
        return weights - learning_rate * np.sign(gradient)


@dataclass(frozen=True)
class Adam:
    """w ← w − ε m̂/(√v̂ + epsilon) with bias-corrected running means m̂ of g and v̂ of g².

    Source: Kingma and Ba (2015), whose constants are the defaults.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _check_share("beta1", self.beta1)
        _check_share("beta2", self.beta2)
        if not (np.isfinite(self.epsilon) and self.epsilon >= 0):
            raise ValueError(f"epsilon = {self.epsilon} is not finite and at least 0")

    def step(
        self, weights: np.ndarray, gradient: np.ndarray, state: State, learning_rate: float
    ) -> np.ndarray:
        count = state["count"] = state.get("count", 0) + 1
        m = state["mean"] = self.beta1 * state.get("mean", 0.0) + (1 - self.beta1) * gradient
        v = state["square"] = self.beta2 * state.get("square", 0.0) + (1 - self.beta2) * gradient**2
        m, root = m / (1 - self.beta1**count), np.sqrt(v / (1 - self.beta2**count))
        change = np.divide(m, root + self.epsilon, out=np.zeros_like(m), where=root + self.epsilon > 0)
        return weights - learning_rate * change


@dataclass(frozen=True)
class Muon:
    """w ← w − ε · polar factor of the gradient's running mean: all its singular values become 1.

    iterations: None for the polar factor itself, UVᵀ of the singular value decomposition; or the number of
    Newton–Schulz iterations that stand in for it, in use 5. momentum: with Nesterov's correction; in use 0.95.
    Source: Jordan et al. (2024).
    """

    momentum: float = 0.0
    iterations: int | None = None

    def __post_init__(self) -> None:
        _check_share("momentum", self.momentum)
        if self.iterations is not None:
            check_count("iterations", self.iterations)

    def step(
        self, weights: np.ndarray, gradient: np.ndarray, state: State, learning_rate: float
    ) -> np.ndarray:
        mean = self.momentum * state.get("mean", 0.0) + (1 - self.momentum) * gradient
        state["mean"] = mean
        mean = self.momentum * mean + (1 - self.momentum) * gradient
        if self.iterations:
            return weights - learning_rate * newton_schulz(mean, self.iterations)
        left, size, right = np.linalg.svd(mean, full_matrices=False)
        largest = size.max(axis=-1, keepdims=True, initial=0)
        state["largest"] = np.maximum(state.get("largest", 0.0), largest)
        kept = size > NEGLIGIBLE * state["largest"]
        return weights - learning_rate * (left * kept[..., None, :]) @ right


def newton_schulz(matrix: np.ndarray, iterations: int = 5) -> np.ndarray:
    """An approximation of the polar factor: M ← aM + b(MMᵀ)M + c(MMᵀ)²M from M at Frobenius norm 1.

    Each singular value s of M goes its own way, s ← as + bs³ + cs⁵, the singular vectors stay. The usual constants
    do not converge: after five iterations values from about 0.01 to 1 lie between 0.68 and 1.21.
    Source: Jordan et al. (2024); torch.optim.Muon does the same in bfloat16.
    """
    a, b, c = QUINTIC
    norm = np.linalg.norm(matrix, axis=(-2, -1), keepdims=True)
    found = matrix / np.maximum(norm, 1e-7)
    for _ in range(iterations):
        square = found @ found.mT
        found = a * found + (b * square + c * square @ square) @ found
    return found


@dataclass(frozen=True)
class Mirror:
    """Mirror descent with the potential Σ|w|^p/p: the gradient moves sign(w)|w|^(p−1) instead of w.

    From zero weights it ends at the map of least Σ|w|^p among those that fit. p = 2 is gradient descent.
    """

    p: float

    def __post_init__(self) -> None:
        p = self.p
        if isinstance(p, bool) or not isinstance(p, Real) or not (np.isfinite(p) and p > 1):
            raise ValueError(
                f"p = {p!r}: a mirror potential Σ|w|^p/p needs a finite p above 1, for at 1 it is not strictly "
                "convex; take p = 1.1 to come near to least Σ|w|, and 'sign' for p → ∞"
            )

    def step(
        self, weights: np.ndarray, gradient: np.ndarray, state: State, learning_rate: float
    ) -> np.ndarray:
        before = state["dual"] if "dual" in state else _power(weights, self.p - 1)
        dual = state["dual"] = before - learning_rate * gradient
        return _power(dual, 1 / (self.p - 1))


Optimiser = SGD | Sign | Adam | Muon | Mirror
NAMES: dict[str, Optimiser] = {"sgd": SGD(), "sign": Sign(), "adam": Adam(), "muon": Muon()}


def named(optimiser: str | float | Optimiser) -> Optimiser:
    """The optimiser of this name, the mirror descent of this p, or the optimiser itself."""
    if isinstance(optimiser, Optimiser):
        return optimiser
    if isinstance(optimiser, Real) and not isinstance(optimiser, bool):
        return Mirror(optimiser)
    if not isinstance(optimiser, str) or optimiser not in NAMES:
        raise ValueError(
            f"optimiser = {optimiser!r} is unknown; choose one of {', '.join(NAMES)}, or a number above 1, the p "
            "of a mirror potential"
        )
    return NAMES[optimiser]


def _power(values: np.ndarray, exponent: float) -> np.ndarray:
    return np.sign(values) * np.abs(values) ** exponent
