"""Linear networks trained by full-batch gradient descent, all runs in one batched computation.

X, Y and their covariances are never formed. Their identity blocks let every product be written with Ω and r
alone, and strengths and norms follow from the weight factors: a step of a deep network with h hidden units
costs O(hPn_x + h²P) operations for P = 2**n_x examples and a given number of identity blocks.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lib.linear.blocks import (
    gram,
    halves,
    inner,
    input_blocks,
    output_blocks,
    output_power,
    times_block,
    times_block_transposed,
)
from lib.linear.datasets import Dataset
from lib.linear.learning_rules import RULES, LearningRule
from lib.linear.stability import learning_rate_bound, learning_rate_limit
from lib.linear.theory import QuadrantNorms, modes, split_datasets
from lib.linear.weights import ARCHITECTURES, initial_weights
from lib.validation import Seeds, check_choice, check_count, check_positive


@dataclass(frozen=True)
class History:
    """What was measured during training; epoch e is the state after e updates, so entry 0 is the start."""

    strengths: np.ndarray  # (seeds, epochs, 3): mean of uᵀWv over the modes of each class, nan without modes
    norms: QuadrantNorms  # fields of shape (seeds, epochs)
    loss: np.ndarray  # (seeds, epochs): summed loss ½Σ‖y − ŷ‖²
    weights: tuple  # after the last update, as initial_weights returns them: to go on from


def train(
    dataset: Dataset,
    architecture: str,
    *,
    hidden: int,
    learning_rate: float,
    epochs: int,
    init_std: float,
    seeds: Seeds,
    rule: str | LearningRule = "gradient_descent",
    weights: tuple | None = None,
) -> History:
    """Train linear networks from small random weights N(0, init_std²) and record their course.

    architecture: "deep" (one hidden layer of `hidden` units), "shallow" (none; `hidden` is ignored) or "split"
    (a deep module of `hidden` units for each output block). learning_rate is the step on the summed loss.
    seeds: a number of runs or a sequence of seeds; a run depends on its own seed only. weights: initial
    weights as initial_weights returns them, in place of random ones. rule: a name in lib.linear.learning_rules.RULES
    or a LearningRule; every other rule than gradient descent needs the deep architecture.

    Raises ValueError for values outside their range, for gradient descent with a learning rate above
    stability.learning_rate_limit, and for every rule at the first loss that is not finite. The message names the
    learning rate to stay below where one is known: stability.learning_rate_bound for gradient descent,
    1/(P(P + b)) for a contrast γ > 0 (the learning_rules chapter, exercise 1, for large γ).
    """
    check_choice("architecture", architecture, ARCHITECTURES)
    if not isinstance(rule, LearningRule):
        check_choice("rule", rule, RULES)
        rule = RULES[rule]
    plain = rule == RULES["gradient_descent"]
    if not plain and architecture != "deep":
        raise ValueError(
            f"architecture = {architecture!r} has no learning rule but gradient descent; choose 'deep', or "
            "train the dataset of each module of a split network as a deep network of its own"
        )
    check_count("epochs", epochs)
    check_positive("learning_rate", learning_rate)
    limit = learning_rate_limit(dataset, architecture)
    if plain and learning_rate > limit:
        raise ValueError(
            f"learning_rate = {learning_rate} is above the limit {limit:.6g}, beyond which no solution of this "
            f"dataset is stable for a {architecture} network; {_stable(dataset, architecture)}"
        )
    if weights is None:
        weights = initial_weights(dataset, architecture, hidden=hidden, init_std=init_std, seeds=seeds)
    if architecture == "split":
        parts = zip(split_datasets(dataset), weights, strict=True)
        first, second = (
            run(part, Deep(part, *w), learning_rate, epochs) if part else None for part, w in parts
        )
        return join(first, second)
    if architecture == "shallow":
        return run(dataset, Shallow(dataset, *weights), learning_rate, epochs)
    W1, W2 = weights
    return run(
        dataset, Deep(dataset, W1, W2) if plain else DeepByRule(dataset, W1, W2, rule), learning_rate, epochs
    )


class Observed(NamedTuple):
    """What a batch of networks shows of itself before a step."""

    singles: np.ndarray  # (runs, n_x): strength sums of the single features
    fit: np.ndarray  # (runs,): of all patterns
    squares: list[np.ndarray]  # squared norms of the four blocks, (runs,) each
    loss: np.ndarray  # (runs,)


class _Batch:
    """Networks of one architecture on one dataset."""

    architecture: str
    dataset: Dataset

    def advice(self) -> str:
        """What to do when training diverges."""
        return _stable(self.dataset, self.architecture) + ", or start from smaller weights"


class Deep(_Batch):
    """A batch of networks ŷ = W₂W₁x; both weights are kept with the hidden units first, as (runs, h, features)."""

    architecture = "deep"

    def __init__(self, dataset: Dataset, W1: np.ndarray, W2: np.ndarray) -> None:
        self.dataset, self.W1, self.V2 = dataset, W1.copy(), W2.mT.copy()

    def observe(self) -> Observed:
        """What is recorded; the products are kept for the step."""
        data, (n_x, n_y) = self.dataset, (self.dataset.n_x, self.dataset.n_y)
        self.H = times_block(self.W1, *input_blocks(data))  # W₁X
        self.T = times_block(self.V2, *output_blocks(data))  # W₂ᵀY
        self.K = gram(self.H)
        in_comp, in_identity = gram(self.W1[..., :n_x]), gram(self.W1[..., n_x:])
        out_comp, out_identity = gram(self.V2[..., :n_y]), gram(self.V2[..., n_y:])
        self.N = out_comp + out_identity  # W₂ᵀW₂
        omega = data.compositional_inputs
        singles = ((self.T @ omega.T) * (self.H @ omega.T)).sum(axis=-2) / data.P
        squares = [inner(o, i) for o in (out_comp, out_identity) for i in (in_comp, in_identity)]
        fit = inner(self.T, self.H)
        return Observed(singles, fit, squares, (output_power(data) + inner(self.N, self.K)) / 2 - fit)

    def step(self, learning_rate: float) -> None:
        G = self.T - self.N @ self.H  # W₂ᵀ(Y − Ŷ)
        self.V2 += learning_rate * (
            times_block_transposed(self.H, *output_blocks(self.dataset)) - self.K @ self.V2
        )
        self.W1 += learning_rate * times_block_transposed(G, *input_blocks(self.dataset))

    def weights(self) -> tuple[np.ndarray, ...]:
        return self.W1, self.V2.mT


class DeepByRule(Deep):
    """A batch of deep networks under a learning rule that adds to gradient descent."""

    def __init__(self, dataset: Dataset, W1: np.ndarray, W2: np.ndarray, rule: LearningRule) -> None:
        super().__init__(dataset, W1, W2)
        self.rule = rule

    def advice(self) -> str:
        data = self.dataset
        if self.rule.contrast > 0 and data.k_x == 0 and data.k_y > 0:
            return (
                "without identity inputs (k_x = 0) a positive contrast makes the weights of the identity outputs "
                "grow without bound at any learning rate; use k_x > 0, k_y = 0, or fewer epochs"
            )
        if self.rule.contrast > 0:
            bound = 1 / (data.P * (data.P + data.b))
            return (
                f"with a positive contrast choose one below 1/(P(P + b)) = {bound:.6g}, "
                "or start from smaller weights"
            )
        return (
            "no bound is known for this learning rule; lower the learning rate, weaken the rule's constants, "
            "or start from smaller weights"
        )

    def step(self, learning_rate: float) -> None:
        data, rule = self.dataset, self.rule
        change_W1 = change_V2 = 0.0
        if rule.hebbian or rule.anti_hebbian:
            correlation = times_block_transposed(self.H, *input_blocks(data))  # H Xᵀ
        if rule.hebbian:
            change_W1 = rule.hebbian * (correlation - self.K @ self.W1)
        if rule.anti_hebbian:
            change_W1 = change_W1 + rule.anti_hebbian * correlation / (1 - self._row_squares())[..., None]
        if rule.contrast:  # of V₂ = W₂ᵀ: W₂ᵀYYᵀ and W₂ᵀŶŶᵀ = N K V₂
            contrast = times_block_transposed(self.T, *output_blocks(data)) - self.N @ (self.K @ self.V2)
            change_V2 = learning_rate * data.P * rule.contrast * contrast
        super().step(learning_rate)
        self.W1 += change_W1
        self.V2 += change_V2

    def _row_squares(self) -> np.ndarray:
        """‖w_i‖² of every row of W₁, which the anti-Hebbian rule needs below 1."""
        squares = np.einsum("shi,shi->sh", self.W1, self.W1)
        if (squares >= 1).any():
            raise ValueError(
                f"a hidden unit's input weights reached the norm {np.sqrt(squares.max()):.3g}; the anti-Hebbian "
                "factor 1/(1 − ‖w‖²) needs it below 1. Use more hidden units or a smaller learning rate"
            )
        return squares


class Shallow(_Batch):
    """A batch of networks ŷ = Wx; W itself has about k_x k_y P² entries, and nothing larger is formed."""

    architecture = "shallow"

    def __init__(self, dataset: Dataset, W: np.ndarray) -> None:
        self.dataset, self.W = dataset, W.copy()

    def observe(self) -> Observed:
        data, (n_x, n_y) = self.dataset, (self.dataset.n_x, self.dataset.n_y)
        prediction = times_block(self.W, *input_blocks(data))  # W X
        aligned = times_block(prediction.mT, *output_blocks(data))  # ŶᵀY
        omega = data.compositional_inputs
        singles = ((omega @ aligned) * omega).sum(axis=-1) / data.P
        fit = np.trace(aligned, axis1=-2, axis2=-1)
        blocks = [self.W[:, rows, cols] for rows in halves(n_y) for cols in halves(n_x)]
        self.residual = -prediction
        self.residual[:, :n_y] += data.compositional_outputs
        for start in range(n_y, data.outputs, data.P):
            np.einsum("spp->sp", self.residual[:, start : start + data.P])[...] += data.r
        squares = [inner(block, block) for block in blocks]
        return Observed(singles, fit, squares, inner(self.residual, self.residual) / 2)

    def step(self, learning_rate: float) -> None:
        self.W += learning_rate * times_block_transposed(self.residual, *input_blocks(self.dataset))

    def weights(self) -> tuple[np.ndarray, ...]:
        return (self.W,)


def run(dataset: Dataset, network: Deep | Shallow, learning_rate: float, epochs: int) -> History:
    """Train one batch and collect what it observes; stops at the first loss that is not finite."""
    records = []
    for epoch in range(epochs):
        with np.errstate(over="ignore", invalid="ignore"):
            seen = network.observe()
            if not np.isfinite(seen.loss).all():
                raise ValueError(
                    f"training diverged at epoch {epoch}: the loss is {seen.loss.max()} with learning_rate = "
                    f"{learning_rate}; {network.advice()}"
                )
            network.step(learning_rate)
        records.append(seen)
    singles, fit, squares, loss = (np.array(record) for record in zip(*records, strict=True))
    strengths, norms = _class_means(dataset, singles, fit), np.sqrt(np.maximum(squares, 0))
    return History(
        strengths.swapaxes(0, 1), QuadrantNorms(*norms.transpose(1, 2, 0)), loss.T, network.weights()
    )


def _stable(dataset: Dataset, architecture: str) -> str:
    bound = learning_rate_bound(dataset, architecture)
    return f"choose one below the bound {bound:.6g}, up to which gradient descent is stable"


def _class_means(dataset: Dataset, singles: np.ndarray, fit: np.ndarray) -> np.ndarray:
    """Mean of uᵀWv over the modes of each class: a mode of pattern p has uᵀWv = pᵀYᵀWX p/(Pλ)."""
    m = modes(dataset)
    first, second = (singles[..., part].sum(-1) for part in halves(dataset.n_y))
    sums = np.stack([first, second, fit - singles.sum(-1)], -1)
    scale = np.where(m.multiplicity > 0, dataset.P * m.singular_value * m.multiplicity, np.nan)
    return sums / scale


def join(compositional: History | None, identity: History | None) -> History:
    """The history of a split network from those of its modules; a missing module is None."""
    known = compositional or identity
    if known is None:
        raise ValueError("both modules are missing; a split network has at least one")
    nothing = np.zeros_like(known.loss)
    first, second = compositional or _absent(known), identity or _absent(known)
    return History(
        strengths=np.concatenate([first.strengths[..., :1], second.strengths[..., 1:]], axis=-1),
        norms=QuadrantNorms(
            comp_to_comp=first.norms.comp_to_comp,
            noncomp_to_comp=first.norms.noncomp_to_comp,
            comp_to_noncomp=second.norms.comp_to_noncomp,
            noncomp_to_noncomp=second.norms.noncomp_to_noncomp,
        ),
        loss=nothing + first.loss + second.loss,
        weights=tuple(part and part.weights for part in (compositional, identity)),
    )


def _absent(like: History) -> History:
    nothing = np.zeros_like(like.loss)
    return History(np.full_like(like.strengths, np.nan), QuadrantNorms(*[nothing] * 4), nothing, ())
