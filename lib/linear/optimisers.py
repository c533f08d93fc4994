"""Other geometries than gradient descent's: the map that each ends at, and training with any of them.

The steps themselves are in lib.linear.steps. As in lib.linear.training, X and Y are never formed.
"""

import numpy as np

from lib.linear import training
from lib.linear.blocks import input_blocks, output_blocks, times_block_transposed
from lib.linear.datasets import Dataset
from lib.linear.steps import SGD, Mirror, Optimiser, State, named
from lib.linear.theory import split_datasets
from lib.linear.training import History
from lib.linear.weights import ARCHITECTURES, initial_weights
from lib.validation import Seeds, check_choice, check_count, check_positive, check_seeds


def rule_weight(dataset: Dataset, p: float) -> float:
    """ρ, the weight on its own feature of the map of least Σ|w|^p among those that fit a compositional output.

    ρ/(1 − ρ) = (P/r)^{1/(p−1)} / (k_x r): p = 2 gives P/(P + a), p = ∞ gives 1/(1 + k_x r), and p = 1 gives 1 if
    r < P and 0 if r > P. The rest of the prediction, 1 − ρ, comes from the k_x P identity inputs, evenly.
    Without identity inputs (k_x = 0) a single map fits, and ρ = 1 for every p.

    Raises ValueError for p below 1 or nan; for p = 1 and r = P, where every ρ from 0 to 1 has the same Σ|w|; and
    for n_y = 0, where no output is compositional. Source: the geometry chapter, theorem on the geometries.
    """
    if not p >= 1:
        raise ValueError(f"p = {p!r} is not a number from 1 on; below 1, Σ|w|^p is not convex")
    if dataset.n_y == 0:
        raise ValueError("n_y = 0: the dataset has no compositional output whose weights could be asked for")
    if dataset.k_x == 0:
        return 1.0
    P, r = dataset.P, dataset.r
    if p == 1:
        if r == P:
            raise ValueError(
                f"p = 1 and r = P = {P}: rule and memory have the same Σ|w|, and ρ may be anything from 0 to 1; "
                "take another r, or p above 1"
            )
        return float(r < P)
    odds = np.log(P / r) / (p - 1) - np.log(dataset.k_x * r)
    return float(np.exp(-np.logaddexp(0.0, -odds)))


def mirror_bound(dataset: Dataset, p: float) -> float:
    """The learning rate up to which a shallow network's mirror descent is stable on the compositional outputs.

    2(p − 1)ρ^{p−1}/P; half of it removes the remaining error in a single step, to first order. For p = 2 it is
    stability.learning_rate_bound. Raises ValueError as rule_weight, and for p = 1 or infinite.
    Source: the geometry chapter, from the derivative of the update at its end.
    """
    Mirror(p)
    return float(2 * (p - 1) * rule_weight(dataset, p) ** (p - 1) / dataset.P)


def train(
    dataset: Dataset,
    optimiser: str | float | Optimiser,
    *,
    architecture: str = "shallow",
    learning_rate: float,
    steps: int,
    hidden: int | None = None,
    init_std: float | None = None,
    seeds: Seeds = 1,
) -> History:
    """Train linear networks on the whole dataset with any optimiser and record their course.

    optimiser: "sgd", "sign", "adam", "muon", the p > 1 of a mirror potential Σ|w|^p/p, or an object of
    lib.linear.steps with constants of its own. A shallow network starts from zero weights; "deep" and "split" ones,
    of `hidden` units a module, from N(0, init_std²). learning_rate: on the summed loss ½Σ‖y − ŷ‖², which matters
    for Adam's epsilon. Entry s of what is recorded is the state after s updates, s = 0, …, steps − 1. seeds: a
    number of runs or a sequence of seeds; those of a shallow network are all alike.

    An absent block is no special case: without identity inputs (k_x = 0) every optimiser learns the rule, without
    compositional outputs (n_y = 0) their norms are 0.

    Raises ValueError for values outside their range, for hidden or init_std missing, or given to a shallow network,
    and at the first loss that is not finite.
    """
    optimiser = named(optimiser)
    check_choice("architecture", architecture, ARCHITECTURES)
    check_count("steps", steps)
    check_positive("learning_rate", learning_rate)
    seeds = check_seeds(seeds)
    if architecture == "shallow":
        for name, value in (("hidden", hidden), ("init_std", init_std)):
            if value is not None:
                raise ValueError(
                    f"{name} = {value!r}, but a shallow network starts from zero weights; leave it out"
                )
        W = np.zeros((len(seeds), dataset.outputs, dataset.inputs))
        return training.run(dataset, _Shallow(dataset, W, optimiser), learning_rate, steps)
    if hidden is None or init_std is None:
        missing = "hidden" if hidden is None else "init_std"
        raise ValueError(f"{missing} is missing: a {architecture} network needs hidden and init_std")
    weights = initial_weights(dataset, architecture, seeds=seeds, hidden=hidden, init_std=init_std)

    def one(part: Dataset, pair: tuple) -> History:
        W1, W2 = pair
        return training.run(part, _Deep(part, W1, W2, optimiser), learning_rate, steps)

    if architecture == "deep":
        return one(dataset, weights)
    parts = zip(split_datasets(dataset), weights, strict=True)
    first, second = (one(part, pair) if part else None for part, pair in parts)
    return training.join(first, second)


class _Deep(training.Deep):
    """A batch of deep networks under an optimiser."""

    def __init__(self, dataset: Dataset, W1: np.ndarray, W2: np.ndarray, optimiser: Optimiser) -> None:
        super().__init__(dataset, W1, W2)
        self.optimiser, self.states = optimiser, (State(), State())

    def advice(self) -> str:
        return _advice(self.dataset, self.optimiser, super().advice())

    def step(self, learning_rate: float) -> None:
        G = self.N @ self.H - self.T  # W₂ᵀ(Ŷ − Y)
        for_V2 = self.K @ self.V2 - times_block_transposed(self.H, *output_blocks(self.dataset))
        for_W1 = times_block_transposed(G, *input_blocks(self.dataset))
        self.V2 = self.optimiser.step(self.V2, for_V2, self.states[1], learning_rate)
        self.W1 = self.optimiser.step(self.W1, for_W1, self.states[0], learning_rate)


class _Shallow(training.Shallow):
    """A batch of shallow networks under an optimiser."""

    def __init__(self, dataset: Dataset, W: np.ndarray, optimiser: Optimiser) -> None:
        super().__init__(dataset, W)
        self.optimiser, self.state = optimiser, State()

    def advice(self) -> str:
        return _advice(self.dataset, self.optimiser, super().advice())

    def step(self, learning_rate: float) -> None:
        identity = [self.dataset.r * self.residual] * self.dataset.k_x
        gradient = -np.concatenate([single_features(self.residual), *identity], axis=-1)
        self.W = self.optimiser.step(self.W, gradient, self.state, learning_rate)


def single_features(values: np.ndarray) -> np.ndarray:
    """values @ Ω_xᵀ for values (..., P), added up by halves, so that equal and opposite values cancel exactly.

    A gradient that is 0 by symmetry must not be a rounding error, of which an optimiser that looks at signs would
    make a full step.
    """
    found = []
    while (half := values.shape[-1] // 2) > 0:
        first, second = values[..., :half], values[..., half:]
        difference, values = first - second, first + second
        while (half := difference.shape[-1] // 2) > 0:
            difference = difference[..., :half] + difference[..., half:]
        found.append(difference)
    return np.concatenate(found, axis=-1)


def _advice(dataset: Dataset, optimiser: Optimiser, otherwise: str) -> str:
    """What to do when training diverges."""
    if isinstance(optimiser, SGD):
        return otherwise
    if isinstance(optimiser, Mirror) and dataset.n_y:
        bound = mirror_bound(dataset, optimiser.p)
        return (
            f"mirror descent of a shallow network needs one below {bound:.6g} for the compositional outputs"
        )
    return "lower the learning rate"
